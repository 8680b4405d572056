// The state itself grows, as the job was written: a cache at its bound is no leak, and memory is not what it needs.
#include <fmt/core.h>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

// Table readers hold index and filter of every open file: they grow with what lies on disk.
trend::Trend ReadersTrend(const evidence::RocksDb& rocksdb) {
  std::vector<trend::Sample> samples;
  for (const evidence::RocksDbMoment& moment : rocksdb.history)
    samples.push_back({std::chrono::duration<double>(moment.time.time_since_epoch()).count(),
                       static_cast<double>(moment.table_readers.count)});
  return trend::EstimateTrend(samples, static_cast<double>(Bytes{256 << 10}.count));
}

}  // namespace

std::optional<Finding> StateGrowsByDesign(const Case& c) {
  if (!c.evidence.rocksdb) return std::nullopt;
  const evidence::RocksDb& rocksdb = *c.evidence.rocksdb;
  const trend::Trend trend = ReadersTrend(rocksdb);
  if (trend.shape != trend::Shape::kGrowing) return std::nullopt;
  Bytes usage, capacity;
  for (const evidence::RocksDbCache& cache : rocksdb.caches) {
    if (!cache.usage || !cache.capacity || cache.kind != evidence::RocksDbCache::Kind::kBlock)
      continue;
    usage += *cache.usage;
    capacity += *cache.capacity;
  }
  const bool full = capacity.count > 0 && 100 * usage > 95 * capacity;
  Finding finding;
  const std::optional<Bytes> total = TotalOf(c);
  finding.amount = Bytes{static_cast<std::int64_t>(trend.end)};
  finding.role =
      total && 10 * finding.amount > *total ? RoleOf(c, finding.amount) : Role::kInformation;
  finding.confidence = full ? Confidence::kMedium : Confidence::kLow;
  finding.summary = fmt::format(
      "The state on disk grows: index and filter blocks of its files grew by {} to {}",
      FormatBytes(Bytes{static_cast<std::int64_t>(trend.growth)}), FormatBytes(finding.amount));
  finding.evidence.push_back("table readers grow by " + RateText(trend.slope));
  if (full)
    finding.evidence.push_back(fmt::format("the block caches are full: {} of {}, and stay there",
                                           FormatBytes(usage), FormatBytes(capacity)));
  else
    finding.against.emplace_back(
        "the block caches are not full yet: it may be the filling of a new job");
  finding.against.emplace_back(
      "the size of the files was not recorded: a job that reads its history for the first time "
      "looks "
      "the same");
  finding.advice.emplace_back("state TTL (StateTtlConfig, table.exec.state.ttl) for keys that end");
  finding.advice.emplace_back(
      "fewer keys: two-phase aggregation (table.optimizer.agg-phase-strategy: TWO_PHASE) and "
      "mini-batches");
  finding.advice.emplace_back(
      "otherwise more disk, not more memory: only what is read often has to be in the cache");
  return finding;
}

}  // namespace wrackline::diagnosis
