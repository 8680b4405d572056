// A block cache that no open database uses is not destroyed: some options that Java did not close, or
// Java's cache itself, keep it with all its blocks.
#include <fmt/core.h>

#include "analyzer/diagnosis/rocksdb_object_sites.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

using evidence::RocksDbObjects;
using evidence::RocksDbSharedObject;

// A cache without blocks may wait for its first database.
constexpr Bytes kFew = Bytes{1 << 20};
// How often it was seen without a database: one is closed a moment before its cache.
constexpr std::uint64_t kSeen = 2;

bool IsOrphan(const RocksDbSharedObject& shared) {
  return !shared.manager && !shared.used && shared.unused_records >= kSeen && shared.usage &&
         *shared.usage >= kFew;
}

std::string CacheText(const RocksDbSharedObject& cache) {
  std::string text = fmt::format("{} of {}", FormatBytes(*cache.usage),
                                 cache.capacity ? FormatBytes(*cache.capacity) : "unknown");
  if (cache.unused)
    text += fmt::format(", without a database for {:.1f} s",
                        std::chrono::duration<double>(*cache.unused).count());
  if (!cache.closed_by_java) return text + ", not closed by Java";
  text += ", closed by Java";
  if (cache.holders)
    text += fmt::format(", but {} {}", *cache.holders,
                        *cache.holders == 1 ? "other object holds it" : "other objects hold it");
  return text;
}

std::string OptionsText(const Case& c) {
  std::string text;
  for (const char* name : {"Options", "ColumnFamilyOptions"}) {
    const evidence::RocksDbObjectKind* kind = c.evidence.rocksdb_objects->Of(name);
    if (kind == nullptr || kind->Alive() == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", kind->Alive(), name);
  }
  if (text.empty()) return text;
  text += " are alive, which hold the caches that they name";
  const ObjectSites sites = SitesOf(
      c.evidence.sites,
      {"Options_new", "Options_copy", "ColumnFamilyOptions_", "ColumnFamilyHandle_getDescriptor"});
  if (sites.top != nullptr) text += "; most were made by " + sites.place;
  return text;
}

}  // namespace

std::optional<Finding> RocksDbOrphanCache(const Case& c) {
  if (!c.evidence.rocksdb_objects) return std::nullopt;
  const RocksDbObjects& objects = *c.evidence.rocksdb_objects;
  // What a database that could not be read uses is not known.
  if (objects.unread_databases > 0) return std::nullopt;
  Finding finding;
  std::size_t caches = 0;
  for (const RocksDbSharedObject& shared : objects.shared) {
    if (!IsOrphan(shared)) continue;
    ++caches;
    finding.amount += *shared.usage;
    if (finding.evidence.size() < 5) finding.evidence.push_back(CacheText(shared));
  }
  if (caches == 0) return std::nullopt;
  const bool most = c.ledger && 2 * finding.amount > c.ledger->total;
  finding.role = EndedByLimit(c.outcome) && most ? Role::kCause : Role::kContributor;
  finding.confidence = Confidence::kHigh;
  finding.summary =
      fmt::format("{} that no open database uses {} {}",
                  caches == 1 ? "a block cache" : fmt::format("{} block caches", caches),
                  caches == 1 ? "holds" : "hold", FormatBytes(finding.amount));
  if (std::string options = OptionsText(c); !options.empty())
    finding.evidence.push_back(std::move(options));
  finding.advice.emplace_back(
      "close the cache and every options object when the last database that uses it was closed; "
      "also "
      "those that ColumnFamilyHandle.getDescriptor() returns");
  return finding;
}

}  // namespace wrackline::diagnosis
