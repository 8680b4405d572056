#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::span<const Rule> Rules() {
  static constexpr Rule kRules[] = {
      {"rocksdb_unmanaged", RocksDbUnmanaged},
      {"rocksdb_orphan_cache", RocksDbOrphanCache},
      {"rocksdb_unclosed_read_options", RocksDbUnclosedReadOptions},
      {"rocksdb_unclosed_iterators", RocksDbUnclosedIterators},
      {"rocksdb_unclosed_statistics", RocksDbUnclosedStatistics},
      {"rocksdb_unclosed_write_batches", RocksDbUnclosedWriteBatches},
      {"rocksdb_unclosed_options", RocksDbUnclosedOptions},
      {"rocksdb_unclosed_snapshots", RocksDbUnclosedSnapshots},
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
