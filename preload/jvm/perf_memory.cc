#include "preload/jvm/perf_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kMostCollectors = 4, kMostGenerations = 2, kMostSpaces = 4;

std::optional<std::uint64_t> Positive(std::optional<std::int64_t> value) {
  if (!value || *value < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*value);
}

}  // namespace

Collections CollectionsOf(const jvm::PerfData& data, bool of_g1) {
  Collections collections;
  const auto frequency = Positive(data.Number("sun.os.hrt.frequency"));
  std::uint64_t ticks = 0;
  for (std::uint64_t i = 0; i < kMostCollectors; ++i) {
    Text<64> name;
    name.Append("sun.gc.collector.").AppendNumber(i).Append(".invocations");
    const auto count = Positive(data.Number(name.c_str()));
    if (!count) continue;
    collections.count = collections.count.value_or(0) + *count;
    name.Clear();
    name.Append("sun.gc.collector.").AppendNumber(i).Append(".time");
    ticks += Positive(data.Number(name.c_str())).value_or(0);
  }
  if (collections.count && frequency && *frequency > 0) {
    collections.milliseconds = static_cast<std::uint64_t>(static_cast<double>(ticks) /
                                                          static_cast<double>(*frequency) * 1000);
  }
  if (!of_g1 || collections.count.value_or(0) == 0) return collections;
  for (std::uint64_t generation = 0; generation < kMostGenerations; ++generation) {
    for (std::uint64_t space = 0; space < kMostSpaces; ++space) {
      Text<64> name;
      name.Append("sun.gc.generation.").AppendNumber(generation).Append(".space.");
      if (generation == 0 && space == 0) continue;  // eden
      name.AppendNumber(space).Append(".used");
      const auto used = Positive(data.Number(name.c_str()));
      if (used) collections.used_after = collections.used_after.value_or(0) + *used;
    }
  }
  return collections;
}

jvm::PerfData PerfMemory::Read(void* buffer, std::size_t size) const {
  // Through the file system: a mapping that has gone is then an error and not a fault.
  const int memory = end_ > start_ ? open("/proc/self/mem", O_RDONLY | O_CLOEXEC) : -1;
  if (memory < 0) return {nullptr, 0};
  const std::uint64_t mapped = end_ - start_;
  const ssize_t got =
      pread(memory, buffer, mapped < size ? mapped : size, static_cast<off_t>(start_));
  close(memory);
  return {buffer, got < 0 ? 0 : static_cast<std::size_t>(got)};
}

}  // namespace wrackline::preload
