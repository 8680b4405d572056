#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::span<const Rule> Rules() {
  static constexpr Rule kRules[] = {
      {"rocksdb_unmanaged", RocksDbUnmanaged},
      {"native_site", NativeSite},
      {"gauges_counted_twice", GaugesCountedTwice},
      {"allocator_retention", AllocatorRetention},
      {"other_processes", OtherProcesses},
      {"page_cache_not_danger", PageCacheIsNoDanger},
      {"unexplained", Unexplained},
      {"not_a_kill", NotAKill},
      {"no_limit", NoLimit},
  };
  return kRules;
}

}  // namespace wrackline::diagnosis
