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
      {"rocksdb_beyond_managed", RocksDbBeyondManaged},
      {"rocksdb_flushes_without_end", RocksDbFlushesWithoutEnd},
      {"limit_below_process", LimitBelowProcess},
      {"native_leak", NativeLeak},
      {"jni_handle_leak", JniHandleLeak},
      {"native_site", NativeSite},
      {"heap_too_large", HeapTooLarge},
      {"overhead_too_small", OverheadTooSmall},
      {"direct_memory", DirectMemory},
      {"metaspace_leak", MetaspaceLeak},
      {"thread_leak", ThreadLeak},
      {"gauges_counted_twice", GaugesCountedTwice},
      {"allocator_retention", AllocatorRetention},
      {"neighbour_in_the_pod", NeighbourInThePod},
      {"other_processes", OtherProcesses},
      {"tmpfs_counted", TmpfsCounted},
      {"transparent_huge_pages", TransparentHugePages},
      {"java_out_of_memory", JavaOutOfMemory},
      {"node_oom", NodeOom},
      {"exit_137_not_oom", Exit137NotOom},
      {"child_killed_container_lived", ChildKilledContainerLived},
      {"state_grows_by_design", StateGrowsByDesign},
      {"page_cache_not_danger", PageCacheIsNoDanger},
      {"unexplained", Unexplained},
      {"not_a_kill", NotAKill},
      {"no_limit", NoLimit},
  };
  return kRules;
}

}  // namespace wrackline::diagnosis
