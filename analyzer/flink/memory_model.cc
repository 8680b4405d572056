#include "analyzer/flink/memory_model.h"

#include <limits>
#include <utility>

#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/options.h"
#include "analyzer/flink/process_memory.h"
#include "analyzer/flink/range_fraction.h"

namespace wrackline::flink {
namespace {

// The parts inside total Flink memory.
struct FlinkMemory {
  MemorySize framework_heap;
  MemorySize framework_off_heap;
  MemorySize task_heap;
  MemorySize task_off_heap;
  MemorySize network;
  MemorySize managed;

  MemorySize Total() const {
    return Add(
        Add(Add(Add(Add(framework_heap, framework_off_heap), task_heap), task_off_heap), network),
        managed);
  }
};

// One derivation; the methods follow Flink's order of reading, since the first failure is the one
// reported.
class Derivation {
 public:
  Derivation(const Configuration& configuration, Version version)
      : reader_(configuration), version_(version), process_(TaskManagerOptions(version)) {}

  TaskManagerMemory Run() const {
    const TaskManagerMemory memory = Memory();
    CheckCores();
    return memory;
  }

 private:
  TaskManagerMemory Memory() const {
    if (reader_.Contains(options::kTaskHeap) && reader_.Contains(options::kManagedSize)) {
      const FlinkMemory flink = FromExplicitSizes();
      return Assemble(flink, JvmAround(reader_, process_, version_, flink.Total()));
    }
    if (reader_.Contains(options::kFlinkSize)) {
      const MemorySize total = reader_.MemorySizeOf(options::kFlinkSize);
      const FlinkMemory flink = Divide(total);
      return Assemble(flink, JvmAround(reader_, process_, version_, total));
    }
    if (reader_.Contains(options::kProcessSize)) {
      const MemorySize process = reader_.MemorySizeOf(options::kProcessSize);
      const JvmMemory jvm = JvmWithin(reader_, process_, process);
      return Assemble(Divide(Subtract(process, Add(jvm.metaspace, jvm.overhead))), jvm);
    }
    RefuseNothingConfigured();
  }

  [[noreturn]] void RefuseNothingConfigured() const {
    if (version_ < kPrefixedMessages) {
      Refuse(
          "Either Task Heap Memory size (taskmanager.memory.task.heap.size) and Managed Memory "
          "size "
          "(taskmanager.memory.managed.size), or Total Flink Memory size "
          "(taskmanager.memory.flink.size), or Total "
          "Process Memory size (taskmanager.memory.process.size) need to be configured "
          "explicitly.");
    }
    Refuse("Either required fine-grained memory (" + std::string(options::kTaskHeap.key) + " and " +
           std::string(options::kManagedSize.key) + "), or Total Flink Memory size (" +
           DescribeOption(options::kFlinkSize) + "), or Total Process Memory size (" +
           DescribeOption(options::kProcessSize) + ") need to be configured explicitly.");
  }

  // task.heap and managed.size given: the network closes the sum, or is derived from it.
  FlinkMemory FromExplicitSizes() const {
    FlinkMemory memory;
    memory.task_heap = reader_.MemorySizeOf(options::kTaskHeap);
    memory.managed = reader_.MemorySizeOf(options::kManagedSize);
    memory.framework_heap = reader_.MemorySizeOf(options::kFrameworkHeap);
    memory.framework_off_heap = reader_.MemorySizeOf(options::kFrameworkOffHeap);
    memory.task_off_heap = reader_.MemorySizeOf(options::kTaskOffHeap);
    const MemorySize without_network = memory.Total();
    if (reader_.Contains(options::kFlinkSize)) {
      CloseWithNetwork(memory, without_network, reader_.MemorySizeOf(options::kFlinkSize));
    } else {
      memory.network = UsesLegacyNetworkBuffers()
                           ? LegacyNetworkSize()
                           : DeriveWithInverseFraction(without_network, NetworkRange());
    }
    return memory;
  }

  // Total Flink memory given: managed and network first, the task heap is the rest; or a given task
  // heap, and the network is the rest.
  FlinkMemory Divide(MemorySize total) const {
    FlinkMemory memory;
    memory.framework_heap = reader_.MemorySizeOf(options::kFrameworkHeap);
    memory.framework_off_heap = reader_.MemorySizeOf(options::kFrameworkOffHeap);
    memory.task_off_heap = reader_.MemorySizeOf(options::kTaskOffHeap);
    if (reader_.Contains(options::kTaskHeap)) {
      memory.task_heap = reader_.MemorySizeOf(options::kTaskHeap);
      memory.managed = ManagedWithin(total);
      CloseWithNetwork(memory, memory.Total(), total);
      return memory;
    }
    memory.managed = ManagedWithin(total);
    memory.network = UsesLegacyNetworkBuffers() ? LegacyNetworkSize()
                                                : DeriveWithFraction(total, NetworkRange());
    const MemorySize without_task_heap = memory.Total();
    if (without_task_heap > total) {
      Refuse("Sum of configured Framework Heap Memory (" + FormatMemorySize(memory.framework_heap) +
             "), Framework Off-Heap Memory (" + FormatMemorySize(memory.framework_off_heap) +
             "), Task Off-Heap Memory (" + FormatMemorySize(memory.task_off_heap) +
             "), Managed Memory (" + FormatMemorySize(memory.managed) + ") and Network Memory (" +
             FormatMemorySize(memory.network) + ") exceed configured Total Flink Memory (" +
             FormatMemorySize(total) + ").");
    }
    memory.task_heap = Subtract(total, without_task_heap);
    return memory;
  }

  void CloseWithNetwork(FlinkMemory& memory, MemorySize without_network, MemorySize total) const {
    if (without_network > total) {
      Refuse("Sum of configured Framework Heap Memory (" + FormatMemorySize(memory.framework_heap) +
             "), Framework Off-Heap Memory (" + FormatMemorySize(memory.framework_off_heap) +
             "), Task Heap Memory (" + FormatMemorySize(memory.task_heap) +
             "), Task Off-Heap Memory (" + FormatMemorySize(memory.task_off_heap) +
             ") and Managed Memory (" + FormatMemorySize(memory.managed) +
             ") exceed configured Total Flink Memory (" + FormatMemorySize(total) + ").");
    }
    memory.network = Subtract(total, without_network);
    try {
      CheckNetwork(memory.network);
    } catch (JavaException& exception) {
      if (exception.error_class != kIllegalConfiguration) throw;
      throw Wrap(kIllegalConfiguration,
                 "If Total Flink, Task Heap and (or) Managed Memory sizes are explicitly "
                 "configured then the Network "
                 "Memory size is the rest of the Total Flink memory after subtracting all other "
                 "configured types of "
                 "memory, but the derived Network Memory is inconsistent with its configuration.",
                 std::move(exception));
    }
  }

  void CheckNetwork(MemorySize derived) const {
    if (UsesLegacyNetworkBuffers()) {
      const MemorySize configured = LegacyNetworkSize();
      if (configured != derived) {
        Refuse("Derived Network Memory size (" + FormatMemorySize(derived) +
               ") does not match configured Network Memory size (" + FormatMemorySize(configured) +
               ").");
      }
      return;
    }
    const RangeFraction range = NetworkRange();
    if (derived > range.max || derived < range.min) {
      Refuse("Derived Network Memory size (" + FormatMemorySize(derived) +
             ") is not in configured Network Memory range [" + FormatMemorySize(range.min) + ", " +
             FormatMemorySize(range.max) + "].");
    }
  }

  MemorySize ManagedWithin(MemorySize total) const {
    if (reader_.Contains(options::kManagedSize)) return reader_.MemorySizeOf(options::kManagedSize);
    return DeriveWithFraction(
        total, ReadRangeFraction(reader_, {}, kMaxMemorySize, options::kManagedFraction));
  }

  RangeFraction NetworkRange() const {
    const MemorySize min = reader_.MemorySizeOf(options::kNetworkMin);
    const MemorySize max = reader_.MemorySizeOf(options::NetworkMax(version_));
    return ReadRangeFraction(reader_, min, max, options::kNetworkFraction);
  }

  // The old key counts only before 2.0 and only when none of the new ones is set.
  bool UsesLegacyNetworkBuffers() const {
    return version_ < kNoLegacyKeys && reader_.Contains(options::kLegacyNetworkBuffers) &&
           !reader_.Contains(options::kNetworkMin) &&
           !reader_.Contains(options::NetworkMax(version_)) &&
           !reader_.Contains(options::kNetworkFraction);
  }

  MemorySize LegacyNetworkSize() const {
    const std::int64_t buffers = reader_.Int(options::kLegacyNetworkBuffers);
    const std::int64_t segment = reader_.Size(options::kSegmentSize).bytes;
    if (segment > std::numeric_limits<std::int32_t>::max()) {
      throw JavaException{kIllegalArgument,
                          "Cannot downcast long value " + std::to_string(segment) + " to integer.",
                          {}};
    }
    const std::string where = "Invalid configuration value for " +
                              std::string(options::kSegmentSize.key) + " : " +
                              std::to_string(segment) + " - ";
    if (segment < 4096) Refuse(where + "Minimum memory segment size is 4096");
    if ((segment & (segment - 1)) != 0) Refuse(where + "Memory segment size must be a power of 2.");
    return MakeMemorySize(buffers * segment);  // both below 2^31
  }

  static TaskManagerMemory Assemble(const FlinkMemory& flink, const JvmMemory& jvm) {
    const MemorySize total_flink = flink.Total();
    const MemorySize total_process = Add(Add(total_flink, jvm.metaspace), jvm.overhead);
    return {{flink.framework_heap.bytes}, {flink.task_heap.bytes}, {flink.framework_off_heap.bytes},
            {flink.task_off_heap.bytes},  {flink.network.bytes},   {flink.managed.bytes},
            {jvm.metaspace.bytes},        {jvm.overhead.bytes},    {total_flink.bytes},
            {total_process.bytes}};
  }

  // Flink makes the cores part of the same answer, after the memory.
  void CheckCores() const {
    const double cores = reader_.Contains(options::kCpuCores) ? reader_.Double(options::kCpuCores)
                                                              : reader_.Int(options::kTaskSlots);
    if (cores <= 0) {
      Refuse(
          "TaskExecutors need to be started with a positive number of CPU cores. Please configure "
          "taskmanager.cpu.cores accordingly.");
    }
  }

  OptionReader reader_;
  Version version_;
  ProcessOptions process_;
};

TaskManagerMemory Derive(const Configuration& configuration, Version version, Mode mode) {
  const auto derive = [version](const Configuration& effective) {
    return Prefixed(version >= kPrefixedMessages, "TaskManager memory configuration failed: ", [&] {
      return Derivation(effective, version).Run();
    });
  };
  const Option& target = mode == Mode::kStandalone ? options::kFlinkSize : options::kProcessSize;
  if (version >= kNoLegacyKeys || configuration.Contains(target.key)) return derive(configuration);
  const auto legacy =
      Prefixed(version >= kPrefixedMessages,
               "TaskManager failed to map legacy JVM heap option to the new one: ", [&] {
                 return LegacyHeap(OptionReader(configuration), options::kLegacyHeapSize,
                                   options::kLegacyHeapMb);
               });
  if (!legacy) return derive(configuration);
  Configuration mapped = configuration;
  mapped.Set(target.key, std::to_string(legacy->bytes) + "b");
  return derive(mapped);
}

}  // namespace

std::string TaskManagerMemory::JvmArguments() const {
  const std::string heap = std::to_string(JvmHeap().count);
  return "-Xmx" + heap + " -Xms" + heap +
         " -XX:MaxDirectMemorySize=" + std::to_string(JvmDirect().count) +
         " -XX:MaxMetaspaceSize=" + std::to_string(jvm_metaspace.count);
}

std::variant<TaskManagerMemory, JavaException> EvaluateTaskManagerMemory(
    const Configuration& configuration, Version version, Mode mode) {
  try {
    return Derive(configuration, version, mode);
  } catch (JavaException& exception) {
    return std::move(exception);
  }
}

Result<TaskManagerMemory> DeriveTaskManagerMemory(const Configuration& configuration,
                                                  Version version, Mode mode) {
  if (version < kOldestVersion) {
    return Error{"Flink " + FormatVersion(version) + " is older than this memory model",
                 "the keys and rules known here begin with Flink 1.10"};
  }
  auto answer = EvaluateTaskManagerMemory(configuration, version, mode);
  if (auto* memory = std::get_if<TaskManagerMemory>(&answer)) return *memory;
  const JavaException& exception = std::get<JavaException>(answer);
  std::string message = exception.message;
  for (const auto& cause : exception.causes) message += " Caused by: " + cause.message;
  return Error{std::move(message),
               "Flink " + FormatVersion(version) + " refuses this configuration"};
}

}  // namespace wrackline::flink
