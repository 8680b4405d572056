#include "analyzer/flink/job_manager_memory.h"

#include <utility>

#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/options.h"
#include "analyzer/flink/process_memory.h"

namespace wrackline::flink {
namespace {

struct FlinkMemory {
  MemorySize heap, off_heap;
  MemorySize Total() const { return Add(heap, off_heap); }
};

// The methods follow Flink's order of reading, since the first failure is the one reported.
class Derivation {
 public:
  Derivation(const Configuration& configuration, Version version)
      : reader_(configuration), version_(version) {}

  JobManagerMemory Run() const {
    if (reader_.Contains(options::kJobManagerHeap)) {
      const FlinkMemory flink = FromHeap();
      return Assemble(flink, JvmAround(reader_, process_, version_, flink.Total()));
    }
    if (reader_.Contains(options::kJobManagerFlinkSize)) {
      const MemorySize total = reader_.MemorySizeOf(options::kJobManagerFlinkSize);
      const FlinkMemory flink = Divide(total);
      return Assemble(flink, JvmAround(reader_, process_, version_, total));
    }
    if (reader_.Contains(options::kJobManagerProcessSize)) {
      const MemorySize process = reader_.MemorySizeOf(options::kJobManagerProcessSize);
      const JvmMemory jvm = JvmWithin(reader_, process_, process);
      return Assemble(Divide(Subtract(process, Add(jvm.metaspace, jvm.overhead))), jvm);
    }
    Refuse("Either required fine-grained memory (" + std::string(options::kJobManagerHeap.key) +
           "), or Total Flink Memory size (" + DescribeOption(options::kJobManagerFlinkSize) +
           "), or Total Process Memory size (" + DescribeOption(options::kJobManagerProcessSize) +
           ") need to be configured explicitly.");
  }

 private:
  // The heap given: with a total too, the off-heap memory is the rest, or must be.
  FlinkMemory FromHeap() const {
    const MemorySize heap = reader_.MemorySizeOf(options::kJobManagerHeap);
    MemorySize off_heap = reader_.MemorySizeOf(options::kJobManagerOffHeap);
    if (reader_.Contains(options::kJobManagerFlinkSize)) {
      const MemorySize total = reader_.MemorySizeOf(options::kJobManagerFlinkSize);
      const std::string advice =
          " Please, make the configuration consistent or configure only one option: either JVM "
          "Heap or Total Flink Memory.";
      if (reader_.Contains(options::kJobManagerOffHeap)) {
        if (Add(heap, off_heap) != total)
          Refuse("Sum of the configured JVM Heap Memory (" + FormatMemorySize(heap) +
                 ") and the configured Off-heap Memory (" + FormatMemorySize(off_heap) +
                 ") does not match the configured Total Flink Memory (" + FormatMemorySize(total) +
                 ")." + advice);
      } else {
        if (total < heap)
          Refuse("The configured JVM Heap Memory (" + FormatMemorySize(heap) +
                 ") exceeds the configured Total Flink Memory (" + FormatMemorySize(total) + ")." +
                 advice);
        off_heap = Subtract(total, heap);
      }
    }
    return {heap, off_heap};
  }

  FlinkMemory Divide(MemorySize total) const {
    const MemorySize off_heap = reader_.MemorySizeOf(options::kJobManagerOffHeap);
    if (total <= off_heap)
      Refuse("The configured Total Flink Memory (" + FormatMemorySize(total) +
             ") is less than the configured Off-heap Memory (" + FormatMemorySize(off_heap) + ").");
    return {Subtract(total, off_heap), off_heap};
  }

  static JobManagerMemory Assemble(const FlinkMemory& flink, const JvmMemory& jvm) {
    const MemorySize total_flink = flink.Total();
    const MemorySize total_process = Add(Add(total_flink, jvm.metaspace), jvm.overhead);
    return {{flink.heap.bytes},   {flink.off_heap.bytes}, {jvm.metaspace.bytes},
            {jvm.overhead.bytes}, {total_flink.bytes},    {total_process.bytes}};
  }

  OptionReader reader_;
  Version version_;
  ProcessOptions process_ = JobManagerOptions();
};

JobManagerMemory DeriveSizes(const Configuration& configuration, Version version, Mode mode) {
  if (version >= kNoLegacyKeys) return Derivation(configuration, version).Run();
  return Prefixed(true, "JobManager memory configuration failed: ", [&] {
    const Option& target =
        mode == Mode::kStandalone ? options::kJobManagerHeap : options::kJobManagerProcessSize;
    if (!configuration.Contains(target.key)) {
      const auto legacy =
          LegacyHeap(OptionReader(configuration), options::kJobManagerLegacyHeapSize,
                     options::kJobManagerLegacyHeapMb);
      if (legacy) {
        Configuration mapped = configuration;
        mapped.Set(target.key, std::to_string(legacy->bytes) + "b");
        return Derivation(mapped, version).Run();
      }
    }
    return Derivation(configuration, version).Run();
  });
}

// Flink reads the flag last, when it writes the JVM's arguments.
JobManagerMemory Derive(const Configuration& configuration, Version version, Mode mode) {
  JobManagerMemory memory = DeriveSizes(configuration, version, mode);
  memory.direct_limit = OptionReader(configuration).Bool(options::kJobManagerDirectLimit);
  return memory;
}

}  // namespace

std::string JobManagerMemory::JvmArguments() const {
  const std::string heap_text = std::to_string(heap.count);
  return "-Xmx" + heap_text + " -Xms" + heap_text +
         (direct_limit ? " -XX:MaxDirectMemorySize=" + std::to_string(off_heap.count) : "") +
         " -XX:MaxMetaspaceSize=" + std::to_string(jvm_metaspace.count);
}

std::variant<JobManagerMemory, JavaException> EvaluateJobManagerMemory(
    const Configuration& configuration, Version version, Mode mode) {
  try {
    return Derive(configuration, version, mode);
  } catch (JavaException& exception) {
    return std::move(exception);
  }
}

Result<JobManagerMemory> DeriveJobManagerMemory(const Configuration& configuration, Version version,
                                                Mode mode) {
  if (version < kPrefixedMessages) {
    return Error{"Flink " + FormatVersion(version) + " has no memory model of the JobManager",
                 "its keys begin with Flink 1.11; before, jobmanager.heap.size is the heap"};
  }
  auto answer = EvaluateJobManagerMemory(configuration, version, mode);
  if (auto* memory = std::get_if<JobManagerMemory>(&answer)) return *memory;
  const JavaException& exception = std::get<JavaException>(answer);
  std::string message = exception.message;
  for (const auto& cause : exception.causes) message += " Caused by: " + cause.message;
  return Error{std::move(message),
               "Flink " + FormatVersion(version) + " refuses this configuration"};
}

}  // namespace wrackline::flink
