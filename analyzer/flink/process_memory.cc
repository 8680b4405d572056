#include "analyzer/flink/process_memory.h"

#include <optional>
#include <utility>

#include "analyzer/flink/java_exception.h"

namespace wrackline::flink {
namespace {

RangeFraction OverheadRange(const OptionReader& reader, const ProcessOptions& options) {
  const MemorySize min = reader.MemorySizeOf(options.overhead_min);
  const MemorySize max = reader.MemorySizeOf(options.overhead_max);
  return ReadRangeFraction(reader, min, max, options.overhead_fraction);
}

}  // namespace

void Refuse(std::string message) {
  throw JavaException{kIllegalConfiguration, std::move(message), {}};
}

ProcessOptions TaskManagerOptions(Version version) {
  return {options::kProcessSize, options::kFlinkSize,   options::JvmMetaspace(version),
          options::kOverheadMin, options::kOverheadMax, options::kOverheadFraction};
}

ProcessOptions JobManagerOptions() {
  return {options::kJobManagerProcessSize, options::kJobManagerFlinkSize,
          options::kJobManagerMetaspace,   options::kJobManagerOverheadMin,
          options::kJobManagerOverheadMax, options::kJobManagerOverheadFraction};
}

JvmMemory JvmWithin(const OptionReader& reader, const ProcessOptions& options, MemorySize process) {
  JvmMemory jvm;
  jvm.metaspace = reader.MemorySizeOf(options.metaspace);
  jvm.overhead = DeriveWithFraction(process, OverheadRange(reader, options));
  if (Add(jvm.metaspace, jvm.overhead) > process) {
    Refuse("Sum of configured JVM Metaspace (" + FormatMemorySize(jvm.metaspace) +
           ") and JVM Overhead (" + FormatMemorySize(jvm.overhead) +
           ") exceed configured Total Process Memory (" + FormatMemorySize(process) + ").");
  }
  return jvm;
}

JvmMemory JvmAround(const OptionReader& reader, const ProcessOptions& options, Version version,
                    MemorySize total_flink) {
  JvmMemory jvm;
  jvm.metaspace = reader.MemorySizeOf(options.metaspace);
  const MemorySize with_metaspace = Add(total_flink, jvm.metaspace);
  if (!reader.Contains(options.process_size)) {
    jvm.overhead = DeriveWithInverseFraction(with_metaspace, OverheadRange(reader, options));
    return jvm;
  }
  const MemorySize process = reader.MemorySizeOf(options.process_size);
  if (version >= kPrefixedMessages && process < with_metaspace) {
    Refuse("The configured Total Process Memory size (" + FormatMemorySize(process) +
           ") is less than the sum of the derived Total Flink Memory size (" +
           FormatMemorySize(total_flink) + ") and the configured or default JVM Metaspace size  (" +
           FormatMemorySize(jvm.metaspace) + ").");
  }
  jvm.overhead =
      Subtract(process, with_metaspace);  // 1.10 refuses a negative rest with a bare message
  const RangeFraction range = OverheadRange(reader, options);
  if (jvm.overhead > range.max || jvm.overhead < range.min) {
    Refuse("Derived JVM Overhead size (" + FormatMemorySize(jvm.overhead) +
           ") is not in configured JVM Overhead range [" + FormatMemorySize(range.min) + ", " +
           FormatMemorySize(range.max) + "].");
  }
  return jvm;
}

std::optional<MemorySize> LegacyHeap(const OptionReader& reader, const Option& size,
                                     const Option& megabytes) {
  if (reader.Contains(size)) return reader.MemorySizeOf(size);
  if (!reader.Contains(megabytes)) return std::nullopt;
  const std::int64_t number = reader.Int(megabytes);
  if (number < 0) {
    Refuse("Configured total process memory size (" + std::to_string(number) +
           "MB) must not be less than 0.");
  }
  return MemorySize{number << 20};
}

}  // namespace wrackline::flink
