// A scrape of metrics: the text's reader, and what is told of the caches. Whatever the figures are,
// each byte counts once: the totals' identity holds, and no cache is larger than a gauge showed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/prometheus_scrape.h"
#include "analyzer/evidence/scrape_caches.h"
#include "analyzer/ledger/rocksdb_totals.h"

namespace {

using namespace wrackline;
using namespace wrackline::evidence;

void Check(const ScrapedTaskManager& manager, const std::optional<ConfiguredRocksDb>& configured) {
  std::vector<std::string> notes;
  const auto rocksdb = RocksDbFromScrape(manager, configured, Time{}, &notes);
  if (rocksdb.has_value() == manager.databases.empty()) std::abort();
  if (!rocksdb) return;
  Bytes largest;
  std::size_t families = 0;
  for (const ScrapedDatabase& database : manager.databases) {
    families += database.families.size();
    for (const ScrapedFamily& family : database.families)
      largest = std::max(largest, family.cache_usage.value_or(Bytes{}));
  }
  if (rocksdb->families.size() != families || rocksdb->caches.size() > families) std::abort();
  for (const RocksDbCache& cache : rocksdb->caches) {
    if (cache.usage.value_or(Bytes{}) > largest) std::abort();
    if (cache.reservations.value_or(Bytes{}) > cache.usage.value_or(Bytes{})) std::abort();
  }
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*rocksdb);
  if (totals.naive !=
      totals.total + totals.caches_again + totals.memtables_again - totals.caches_unseen)
    std::abort();
  if (totals.total > totals.naive || totals.total.count < 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t samples = 0;
  const Status failed = ParsePrometheusText(text, [&](const ScrapeSample& sample) {
    if (sample.name.empty() || sample.line == 0) std::abort();
    ++samples;
  });
  if (samples > size) std::abort();
  LooksLikePrometheusText(text);
  const auto scrape = ReadFlinkScrape(text);
  if (scrape.ok() == failed.has_value()) std::abort();
  if (!scrape.ok()) return 0;
  using Kind = flink::RocksDbBudgetKind;
  for (const ScrapedTaskManager& manager : scrape.value().task_managers) {
    Check(manager, std::nullopt);
    for (const Kind kind :
         {Kind::kFixedPerSlot, Kind::kManaged, Kind::kFixedPerTaskManager, Kind::kNone})
      Check(manager, ConfiguredRocksDb{{kind, {}, 1, 0.5}, {}, {}});
  }
  return 0;
}
