// The table of rules. A rule looks at one case and says what it found, or nothing.
#pragma once

#include <optional>
#include <span>

#include "analyzer/diagnosis/diagnosis.h"

namespace wrackline::diagnosis {

struct Rule {
  const char* name;
  std::optional<Finding> (*look)(const Case&);
};

std::span<const Rule> Rules();

std::optional<Finding> RocksDbUnmanaged(const Case& c);
std::optional<Finding> RocksDbOrphanCache(const Case& c);
std::optional<Finding> RocksDbUnclosedReadOptions(const Case& c);
std::optional<Finding> RocksDbUnclosedIterators(const Case& c);
std::optional<Finding> RocksDbUnclosedStatistics(const Case& c);
std::optional<Finding> RocksDbUnclosedWriteBatches(const Case& c);
std::optional<Finding> RocksDbUnclosedOptions(const Case& c);
std::optional<Finding> RocksDbUnclosedSnapshots(const Case& c);
std::optional<Finding> RocksDbBeyondManaged(const Case& c);
std::optional<Finding> RocksDbFlushesWithoutEnd(const Case& c);
std::optional<Finding> NativeLeak(const Case& c);
std::optional<Finding> JniHandleLeak(const Case& c);
std::optional<Finding> DirectMemory(const Case& c);
std::optional<Finding> MetaspaceLeak(const Case& c);
std::optional<Finding> ThreadLeak(const Case& c);
std::optional<Finding> HeapTooLarge(const Case& c);
std::optional<Finding> OverheadTooSmall(const Case& c);
std::optional<Finding> LimitBelowProcess(const Case& c);
std::optional<Finding> TmpfsCounted(const Case& c);
std::optional<Finding> TransparentHugePages(const Case& c);
std::optional<Finding> NeighbourInThePod(const Case& c);
std::optional<Finding> NodeOom(const Case& c);
std::optional<Finding> Exit137NotOom(const Case& c);
std::optional<Finding> ChildKilledContainerLived(const Case& c);
std::optional<Finding> JavaOutOfMemory(const Case& c);
std::optional<Finding> StateGrowsByDesign(const Case& c);
std::optional<Finding> GaugesCountedTwice(const Case& c);
std::optional<Finding> AllocatorRetention(const Case& c);
std::optional<Finding> PageCacheIsNoDanger(const Case& c);
std::optional<Finding> NativeSite(const Case& c);
std::optional<Finding> NotAKill(const Case& c);
std::optional<Finding> NoLimit(const Case& c);
std::optional<Finding> Unexplained(const Case& c);
std::optional<Finding> OtherProcesses(const Case& c);

}  // namespace wrackline::diagnosis
