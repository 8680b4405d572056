// The VM's performance counters (lib/jvm/perf_data.h) of this process, copied from the mapping of its hsperfdata file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/jvm/perf_data.h"

namespace wrackline::preload {

struct Collections {
  std::optional<std::uint64_t> count, milliseconds;
  // Bytes in the heap when the last collection was over: G1 alone writes those of old and survivors then and only then. Its
  // eden, whose figure grows meanwhile, is empty at that moment.
  std::optional<std::uint64_t> used_after;
};
// `of_g1`: whose counters they are.
Collections CollectionsOf(const jvm::PerfData& data, bool of_g1);

class PerfMemory {
 public:
  // `start` and `end` of the file's mapping. Nothing was mapped (-XX:-UsePerfData, +PerfDisableSharedMem): not to be called.
  void Open(std::uint64_t start, std::uint64_t end) {
    start_ = start;
    end_ = end;
  }
  // Copies the counters as they are now into `buffer`. Empty when they cannot be read.
  jvm::PerfData Read(void* buffer, std::size_t size) const;

 private:
  std::uint64_t start_ = 0, end_ = 0;
};

}  // namespace wrackline::preload
