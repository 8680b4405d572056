// A run under Flink 1.20 as tests draw it up: two slots, managed RocksDB, everything observed; and what another configuration is.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

#include "analyzer/sizing/backtest.h"

namespace wrackline::sizing::testing_runs {

inline constexpr flink::Version kVersion{1, 20, 3};

// In a test, Run is a member of its own.
using RecordedRun = sizing::Run;
using Setting = std::pair<const char*, const char*>;

// 1 GiB: heap 128 + 25.6 MiB, network 64 MiB, managed 230.4 MiB, metaspace 256 MiB, overhead 192 MiB, framework off-heap 128 MiB.
inline Target Under(std::initializer_list<Setting> settings = {},
                    std::optional<Bytes> limit = std::nullopt) {
  Target target{{}, kVersion, limit};
  target.configuration.Set("taskmanager.memory.process.size", "1g");
  target.configuration.Set("taskmanager.numberOfTaskSlots", "2");
  for (const auto& [key, value] : settings) target.configuration.Set(key, value);
  return target;
}

inline flink::TaskManagerMemory MemoryOf(const Target& target) {
  return flink::DeriveTaskManagerMemory(target.configuration, target.version,
                                        flink::Mode::kStandalone)
      .value();
}

// Everything observed; 900 MiB together.
inline Moment AMoment(int second = 1) {
  Moment moment;
  moment.at = std::chrono::seconds(second);
  moment.working_set = 900 * kMiB;
  moment.heap = 120 * kMiB;
  moment.heap_live = 60 * kMiB;
  moment.metaspace = 50 * kMiB;
  moment.direct = 100 * kMiB;
  moment.caches = 150 * kMiB;
  moment.memtables = 50 * kMiB;
  moment.table_readers = 10 * kMiB;
  return moment;
}

inline RecordedRun ARun(std::vector<Moment> moments = {AMoment()}) {
  RecordedRun run;
  run.name = "taskmanager-1";
  run.flink_version = "1.20.3";
  run.granted = MemoryOf(Under());
  run.slots = 2;
  run.rocksdb_managed = true;
  run.databases = 2;
  run.families = {{"value", 64 * kMiB, 2, 50 * kMiB, {}, 0}};
  run.lifetime = moments.back().at + std::chrono::seconds(1);
  run.moments = std::move(moments);
  return run;
}

inline BackTest Tested(const std::vector<Run>& runs, const Target& target, Bytes headroom = {}) {
  const Result<BackTest> test = TestBack(runs, target, headroom);
  EXPECT_TRUE(test.ok()) << (test.ok() ? "" : test.error().Text());
  return test.ok() ? test.value() : BackTest{};
}

inline Replay Replayed(const Run& run, const Target& target) {
  const BackTest test = Tested({run}, target);
  EXPECT_EQ(test.replays.size(), 1U);
  return test.replays.empty() ? Replay{} : test.replays.front();
}

inline Bytes PartOf(const Replay& replay, std::string_view name) {
  for (const Replay::Part& part : replay.parts) {
    if (part.name == name) return part.predicted;
  }
  ADD_FAILURE() << "no part " << name;
  return {};
}

}  // namespace wrackline::sizing::testing_runs
