// What TaskManager and JobManager share: Flink memory within a process, with metaspace and overhead around it. Flink's
// ProcessMemoryUtils. Inside the room: functions throw JavaException.
#pragma once

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/options.h"
#include "analyzer/flink/range_fraction.h"
#include "analyzer/flink/version.h"

namespace wrackline::flink {

struct ProcessOptions {
  Option process_size, flink_size, metaspace, overhead_min, overhead_max, overhead_fraction;
};
ProcessOptions TaskManagerOptions(Version version);
ProcessOptions JobManagerOptions();

struct JvmMemory {
  MemorySize metaspace;
  MemorySize overhead;
};

// Process size given: metaspace and overhead are taken out of it.
JvmMemory JvmWithin(const OptionReader& reader, const ProcessOptions& options, MemorySize process);
// Flink memory given: metaspace and overhead are added to it; with a process size too, the overhead is the rest.
JvmMemory JvmAround(const OptionReader& reader, const ProcessOptions& options, Version version,
                    MemorySize total_flink);

// The total that a heap size of old stands for: `size` (a size), or else `megabytes` (a number); neither: nothing.
std::optional<MemorySize> LegacyHeap(const OptionReader& reader, const Option& size,
                                     const Option& megabytes);

// Throws IllegalConfigurationException.
[[noreturn]] void Refuse(std::string message);

// IllegalConfigurationException gets a prefix on its way out; other exceptions pass.
template <typename Step>
auto Prefixed(bool wanted, const char* prefix, Step step) {
  try {
    return step();
  } catch (JavaException& exception) {
    if (wanted && exception.error_class == kIllegalConfiguration)
      exception.message.insert(0, prefix);
    throw;
  }
}

}  // namespace wrackline::flink
