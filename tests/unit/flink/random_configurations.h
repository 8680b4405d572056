// Random TaskManager configurations of five releases, for property tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/version.h"
#include "lib/units/bytes.h"

namespace wrackline::testing {

class RandomConfigurations {
 public:
  explicit RandomConfigurations(std::uint64_t seed) : random_(seed) {}

 protected:
  std::int64_t Below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() %
                                     static_cast<std::uint64_t>(std::max<std::int64_t>(1, bound)));
  }
  bool OneIn(std::int64_t n) { return Below(n) == 0; }
  Bytes Percent(Bytes amount, std::int64_t from, std::int64_t to) {
    return {amount.count / 100 * (from + Below(to - from))};
  }
  std::string Mebibytes(std::int64_t from, std::int64_t to) {
    return std::to_string(from + Below(to - from)) + "m";
  }
  flink::Version DrawVersion() {
    constexpr flink::Version kVersions[] = {
        {1, 10, 0}, {1, 10, 1}, {1, 13, 6}, {1, 20, 5}, {2, 3, 0}};
    return kVersions[Below(5)];
  }
  // Given as a process size, as a Flink size, with a task heap, or one by one; some more keys now and then.
  void DrawSizes(flink::Configuration* configuration) {
    constexpr const char* kFlink = "taskmanager.memory.flink.size";
    constexpr const char* kTaskHeap = "taskmanager.memory.task.heap.size";
    switch (Below(6)) {
      case 0:
      case 1:
      case 2:
        configuration->Set("taskmanager.memory.process.size", Mebibytes(900, 8192));
        break;
      case 3:
        configuration->Set(kFlink, Mebibytes(700, 8192));
        break;
      case 4:
        configuration->Set(kFlink, Mebibytes(700, 8192));
        configuration->Set(kTaskHeap, Mebibytes(64, 2048));
        break;
      default:
        configuration->Set(kTaskHeap, Mebibytes(64, 2048));
        configuration->Set("taskmanager.memory.managed.size", Mebibytes(64, 2048));
    }
    if (OneIn(4))
      configuration->Set("taskmanager.memory.managed.fraction", "0." + std::to_string(Below(7)));
    if (OneIn(6)) configuration->Set("taskmanager.memory.task.off-heap.size", Mebibytes(0, 128));
  }
  // One to four.
  int DrawSlots(flink::Configuration* configuration) {
    const auto slots = static_cast<int>(1 + Below(4));
    configuration->Set("taskmanager.numberOfTaskSlots", std::to_string(slots));
    return slots;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace wrackline::testing
