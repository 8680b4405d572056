// Random runs and configurations: what holds of every replay.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "recorded_run.h"

namespace wrackline::sizing {
namespace {

using namespace testing_runs;  // NOLINT: a file of tests

class Runs {
 public:
  explicit Runs(std::uint64_t seed) : random_(seed) {}

  std::int64_t Below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }
  bool OneIn(std::int64_t n) { return Below(n) == 0; }

  Target NextTarget() {
    for (;;) {
      Target target{{}, OneIn(2) ? flink::Version{1, 20, 3} : flink::Version{2, 1, 0}, {}};
      target.configuration.Set("taskmanager.memory.process.size", Mebibytes(700, 8000));
      if (OneIn(2)) target.configuration.Set("taskmanager.memory.managed.size", Mebibytes(0, 2000));
      if (OneIn(3))
        target.configuration.Set("taskmanager.memory.task.off-heap.size", Mebibytes(0, 500));
      if (OneIn(3)) target.configuration.Set("state.backend.rocksdb.memory.managed", "false");
      target.configuration.Set("taskmanager.numberOfTaskSlots", std::to_string(1 + Below(4)));
      if (OneIn(2)) target.limit = Amount(8000);
      if (flink::DeriveTaskManagerMemory(target.configuration, target.version,
                                         flink::Mode::kStandalone)
              .ok())
        return target;
    }
  }

  // As `target` would let it live: what it shows is of that configuration.
  RecordedRun Under(const Target& target) {
    const flink::TaskManagerMemory memory = MemoryOf(target);
    RecordedRun run;
    run.granted = memory;
    run.slots = std::stoi(*target.configuration.Get("taskmanager.numberOfTaskSlots"));
    const bool managed = !target.configuration.Contains("state.backend.rocksdb.memory.managed");
    if (!OneIn(4)) run.rocksdb_managed = managed;
    run.databases = static_cast<int>(1 + Below(4));
    for (std::int64_t i = Below(4); i > 0; --i)
      run.families.push_back({"f" + std::to_string(i), (1 + Below(100)) * kMiB, 2, {}, {}, 0});
    const bool heap = !OneIn(4), direct = !OneIn(4);
    for (int second = 1; second <= 5; ++second) {
      Moment moment;
      moment.at = std::chrono::seconds(second);
      Bytes named;
      const auto observe = [&](Bytes most, std::optional<Bytes>* amount) {
        *amount = Bytes{Below(most.count + 1)};
        named += **amount;
      };
      if (heap) {
        observe(memory.JvmHeap(), &moment.heap);
        moment.heap_live = Bytes{Below(moment.heap->count + 1)};
      }
      observe(memory.jvm_metaspace, &moment.metaspace);
      if (direct) {
        moment.direct =
            memory.network + Bytes{Below((memory.JvmDirect() - memory.network).count + 1)};
        named += *moment.direct;
      }
      if (run.rocksdb_managed) {
        observe(kGiB, &moment.caches);
        observe(kGiB, &moment.memtables);
        observe(100 * kMiB, &moment.table_readers);
      }
      moment.working_set = named + Amount(500);
      run.moments.push_back(moment);
    }
    run.lifetime = std::chrono::seconds(6);
    return run;
  }

 private:
  Bytes Amount(std::int64_t mebibytes) { return Bytes{Below(mebibytes * kMiB.count)}; }
  std::string Mebibytes(std::int64_t from, std::int64_t to) {
    return std::to_string(from + Below(to - from)) + "m";
  }

  std::mt19937_64 random_;
};

TEST(BackTestProperty, TheRecordedConfigurationPredictsTheRecordedPeak) {
  Runs random(1);
  int bounded = 0;
  for (int i = 0; i < 2000; ++i) {
    Target target = random.NextTarget();
    target.limit = 100 * kGiB;
    const RecordedRun run = random.Under(target);
    const Bytes peak = std::max_element(run.moments.begin(), run.moments.end(),
                                        [](const Moment& a, const Moment& b) {
                                          return a.working_set < b.working_set;
                                        })
                           ->working_set;
    const Replay replay = Replayed(run, target);
    ASSERT_EQ(replay.death, Death::kNone) << "run " << i;
    ASSERT_EQ(replay.peak, peak) << "run " << i;
    if (run.rocksdb_managed.value_or(false)) ++bounded;
  }
  EXPECT_GT(bounded, 500);
}

TEST(BackTestProperty, ALargerLimitNeverKillsWhatLived) {
  Runs random(2);
  int lived = 0, died = 0;
  for (int i = 0; i < 2000; ++i) {
    RecordedRun run = random.Under(random.NextTarget());
    run.killed = random.OneIn(2);
    if (random.OneIn(2)) run.limit = Bytes{random.Below(8 * kGiB.count)};
    Target target = random.NextTarget();
    target.limit = Bytes{random.Below(8 * kGiB.count)};
    const Replay under = Replayed(run, target);
    target.limit = *target.limit + Bytes{1 + random.Below(kGiB.count)};
    const Replay above = Replayed(run, target);
    if (under.death == Death::kNone) {
      ++lived;
      ASSERT_EQ(above.death, Death::kNone) << "run " << i;
      ASSERT_EQ(above.peak, under.peak) << "run " << i;
    } else {
      ++died;
      ASSERT_GE(above.died_at.value_or(Milliseconds::max()), *under.died_at) << "run " << i;
    }
  }
  EXPECT_GT(lived, 200);
  EXPECT_GT(died, 200);
}

TEST(BackTestProperty, AKilledRunAlwaysDiesAgainUnderItsOwnConfigurationAndLimit) {
  Runs random(3);
  for (int i = 0; i < 2000; ++i) {
    Target target = random.NextTarget();
    RecordedRun run = random.Under(target);
    target.limit = Bytes{random.Below(8 * kGiB.count)};
    run.killed = true;
    run.limit = target.limit;
    const Replay replay = Replayed(run, target);
    ASSERT_NE(replay.death, Death::kNone) << "run " << i;
    ASSERT_TRUE(replay.died_at.has_value());
  }
}

TEST(BackTestProperty, ThePartsAreThePeak) {
  Runs random(4);
  for (int i = 0; i < 2000; ++i) {
    RecordedRun run = random.Under(random.NextTarget());
    run.killed = random.OneIn(2);
    const Replay replay = Replayed(run, random.NextTarget());
    Bytes sum;
    for (const Replay::Part& part : replay.parts) {
      ASSERT_GE(part.predicted, Bytes{}) << part.name;
      sum += part.predicted;
    }
    ASSERT_EQ(sum, replay.peak) << "run " << i;
  }
}

// A record may say anything: no figure of it overflows (the sanitizers' builds look), and none leaves the bounds.
TEST(BackTestProperty, HostileFigures) {
  Runs random(5);
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const auto hostile = [&]() -> Bytes {
    switch (random.Below(6)) {
      case 0:
        return {kMost};
      case 1:
        return {std::numeric_limits<std::int64_t>::min()};
      case 2:
        return {-1};
      case 3:
        return {};
      case 4:
        return {std::int64_t{1} << 50};
      default:
        return {random.Below(kMost)};
    }
  };
  const auto count = [&] {
    return static_cast<int>(random.OneIn(2) ? std::numeric_limits<int>::max()
                                            : random.Below(5) - 2);
  };
  for (int i = 0; i < 5000; ++i) {
    RecordedRun run;
    if (!random.OneIn(3)) {
      run.granted.emplace();
      for (Bytes* amount : {&run.granted->framework_heap, &run.granted->network,
                            &run.granted->managed, &run.granted->framework_off_heap}) {
        *amount = hostile();
      }
    }
    if (!random.OneIn(3)) run.slots = count();
    if (!random.OneIn(3)) run.rocksdb_managed = random.OneIn(2);
    if (!random.OneIn(3)) run.limit = hostile();
    run.killed = random.OneIn(2);
    run.databases = count();
    for (int families = 0; families < 3; ++families)
      run.families.push_back({"f", hostile(), count(), hostile(), hostile(), count()});
    for (const double rate : {1e300, 1e300, std::nan(""), HUGE_VAL, 1e-300})
      if (random.OneIn(2)) run.leaks.push_back({"x", hostile(), rate});
    for (int moments = 0; moments < 3; ++moments) {
      Moment moment;
      moment.at = Milliseconds{random.OneIn(2) ? kMost : random.Below(kMost) - kMost / 2};
      moment.working_set = hostile();
      for (std::optional<Bytes>* amount :
           {&moment.heap, &moment.heap_live, &moment.metaspace, &moment.direct, &moment.caches,
            &moment.memtables, &moment.table_readers}) {
        if (!random.OneIn(3)) *amount = hostile();
      }
      run.moments.push_back(moment);
    }
    Target target = random.NextTarget();
    if (!random.OneIn(3)) target.limit = hostile();
    const Result<BackTest> test = TestBack({run}, target, hostile());
    ASSERT_TRUE(test.ok());
    ASSERT_GE(test.value().replays[0].peak, Bytes{});
    ASSERT_LE(test.value().replays[0].peak, Bytes{std::int64_t{1} << 54});
  }
}

}  // namespace
}  // namespace wrackline::sizing
