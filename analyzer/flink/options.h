// The memory options of a TaskManager: keys, defaults per version, deprecated names; and typed
// reading of a configuration.
//
// Reading throws JavaException with Flink's class and message; keep these calls inside the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/version.h"

namespace wrackline::flink {

// An option as Flink's ConfigOption: the key wins over the deprecated name.
struct Option {
  std::string_view key;
  std::string_view default_text;         // "" when there is no default
  std::string_view deprecated_key = {};  // "" when there is none
};

namespace options {

inline constexpr Option kProcessSize{"taskmanager.memory.process.size", ""};
inline constexpr Option kFlinkSize{"taskmanager.memory.flink.size", ""};
inline constexpr Option kFrameworkHeap{"taskmanager.memory.framework.heap.size", "128m"};
inline constexpr Option kFrameworkOffHeap{"taskmanager.memory.framework.off-heap.size", "128m"};
inline constexpr Option kTaskHeap{"taskmanager.memory.task.heap.size", ""};
inline constexpr Option kTaskOffHeap{"taskmanager.memory.task.off-heap.size", "0b"};
inline constexpr Option kManagedSize{"taskmanager.memory.managed.size", "",
                                     "taskmanager.memory.size"};
inline constexpr Option kManagedFraction{"taskmanager.memory.managed.fraction", "0.4"};
inline constexpr Option kNetworkMin{"taskmanager.memory.network.min", "64m",
                                    "taskmanager.network.memory.min"};
inline constexpr Option kNetworkFraction{"taskmanager.memory.network.fraction", "0.1",
                                         "taskmanager.network.memory.fraction"};
inline constexpr Option kOverheadMin{"taskmanager.memory.jvm-overhead.min", "192m"};
inline constexpr Option kOverheadMax{"taskmanager.memory.jvm-overhead.max", "1g"};
inline constexpr Option kOverheadFraction{"taskmanager.memory.jvm-overhead.fraction", "0.1"};
inline constexpr Option kSegmentSize{"taskmanager.memory.segment-size", "32k"};
inline constexpr Option kTaskSlots{"taskmanager.numberOfTaskSlots", "1"};
inline constexpr Option kCpuCores{"taskmanager.cpu.cores", ""};  // else as many as slots

// Read before 2.0 only.
inline constexpr Option kLegacyHeapSize{"taskmanager.heap.size", ""};
inline constexpr Option kLegacyHeapMb{"taskmanager.heap.mb", ""};
inline constexpr Option kLegacyNetworkBuffers{"taskmanager.network.numberOfBuffers", "2048"};

inline constexpr Option kRocksDbManaged{"state.backend.rocksdb.memory.managed", "true"};
inline constexpr Option kRocksDbFixedPerSlot{"state.backend.rocksdb.memory.fixed-per-slot", ""};
inline constexpr Option kRocksDbFixedPerTaskManager{"state.backend.rocksdb.memory.fixed-per-tm",
                                                    ""};
inline constexpr Option kRocksDbWriteBufferRatio{"state.backend.rocksdb.memory.write-buffer-ratio",
                                                 "0.5"};

inline constexpr Option kRocksDbHighPriorityRatio{
    "state.backend.rocksdb.memory.high-prio-pool-ratio", "0.1"};
inline constexpr Option kRocksDbWriteBufferSize{"state.backend.rocksdb.writebuffer.size", "64m"};
inline constexpr Option kRocksDbWriteBufferCount{"state.backend.rocksdb.writebuffer.count", "2"};
inline constexpr Option kRocksDbBlockCacheSize{"state.backend.rocksdb.block.cache-size", "8m"};
inline constexpr Option kConsumerWeights{"taskmanager.memory.managed.consumer-weights", ""};

inline constexpr Option kJobManagerProcessSize{"jobmanager.memory.process.size", ""};
inline constexpr Option kJobManagerFlinkSize{"jobmanager.memory.flink.size", ""};
inline constexpr Option kJobManagerHeap{"jobmanager.memory.heap.size", ""};
inline constexpr Option kJobManagerOffHeap{"jobmanager.memory.off-heap.size", "128m"};
inline constexpr Option kJobManagerDirectLimit{"jobmanager.memory.enable-jvm-direct-memory-limit",
                                               "false"};
inline constexpr Option kJobManagerMetaspace{"jobmanager.memory.jvm-metaspace.size", "256m"};
inline constexpr Option kJobManagerOverheadMin{"jobmanager.memory.jvm-overhead.min", "192m"};
inline constexpr Option kJobManagerOverheadMax{"jobmanager.memory.jvm-overhead.max", "1g"};
inline constexpr Option kJobManagerOverheadFraction{"jobmanager.memory.jvm-overhead.fraction",
                                                    "0.1"};
inline constexpr Option kJobManagerLegacyHeapSize{"jobmanager.heap.size", ""};
inline constexpr Option kJobManagerLegacyHeapMb{"jobmanager.heap.mb", ""};

// Options whose default depends on the version.
Option NetworkMax(Version version);
Option JvmMetaspace(Version version);

}  // namespace options

// A configuration, read as one version reads it.
class OptionReader {
 public:
  // The configuration must outlive the reader.
  explicit OptionReader(const Configuration& configuration) : configuration_(configuration) {}

  // Under its key or its deprecated name.
  bool Contains(const Option& option) const { return Find(option).has_value(); }

  // A size, or the default. Throws IllegalArgumentException, as Configuration.get does.
  MemorySize Size(const Option& option) const;
  // The same, as the memory utilities read: IllegalConfigurationException "Cannot read memory size
  // from config option ...".
  MemorySize MemorySizeOf(const Option& option) const;
  float Float(const Option& option) const;
  double Double(const Option& option) const;
  std::int32_t Int(const Option& option) const;
  // "true" in any case; Flink refuses everything but true and false.
  bool Bool(const Option& option) const;

 private:
  std::optional<std::string> Find(const Option& option) const;
  std::string Text(const Option& option) const;

  const Configuration& configuration_;
};

// ConfigOption.toString(): "Key: 'k' , default: 0.1 (fallback keys: [])".
std::string DescribeOption(const Option& option);

}  // namespace wrackline::flink
