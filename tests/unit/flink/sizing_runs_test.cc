// Proposals from recorded runs: the reference cases, and what each component is given for what reason.
#include <gmock/gmock.h>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/sizing/proposal.h"

namespace wrackline::sizing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kProcess = "taskmanager.memory.process.size";
constexpr const char* kOffHeap = "taskmanager.memory.task.off-heap.size";
constexpr const char* kTurnOn = "state.backend.rocksdb.memory.managed";

const flink::Version kVersion{1, 20, 3};

flink::Configuration Config(std::initializer_list<std::pair<const char*, const char*>> values) {
  flink::Configuration configuration;
  for (const auto& [key, value] : values) configuration.Set(key, value);
  return configuration;
}

flink::TaskManagerMemory Derived(const flink::Configuration& configuration,
                                 flink::Version version = kVersion) {
  const auto memory =
      flink::DeriveTaskManagerMemory(configuration, version, flink::Mode::kStandalone);
  EXPECT_TRUE(memory.ok()) << (memory.ok() ? "" : memory.error().Text());
  return memory.ok() ? memory.value() : flink::TaskManagerMemory{};
}

flink::Configuration Changed(flink::Configuration configuration, const Proposal& proposal) {
  for (const Change& change : proposal.changes) {
    EXPECT_NE(change.old_value, change.new_value) << change.key;
    EXPECT_FALSE(change.reason.empty()) << change.key;
    if (change.new_value.empty()) {
      configuration.Remove(change.key);
    } else {
      configuration.Set(change.key, change.new_value);
    }
  }
  return configuration;
}

// A run of that configuration in which every component has room to spare.
Run Healthy(const flink::Configuration& configuration, Bytes limit,
            flink::Version version = kVersion) {
  sizing::Run run;
  run.name = "healthy";
  run.limit = limit;
  run.granted = Derived(configuration, version);
  run.slots = 1;
  Moment moment;
  moment.at = Milliseconds{60'000};
  moment.heap = Bytes{run.granted->JvmHeap().count / 4 * 3};
  moment.heap_live = Bytes{run.granted->JvmHeap().count / 4};
  moment.metaspace = 60 * kMiB;
  moment.direct = run.granted->network + 20 * kMiB;
  moment.working_set = *moment.heap + *moment.metaspace + *moment.direct + 120 * kMiB;
  run.moments = {moment};
  return run;
}

void AddManagedRocksDb(Bytes usage, Run* run) {
  run->rocksdb_managed = true;
  run->families = {{"state", 64 * kMiB, 2, {}, {}, 1}};
  run->databases = 1;
  for (Moment& moment : run->moments) {
    moment.caches = usage;
    moment.working_set += usage;
  }
}

Proposal Propose(const std::vector<Run>& runs, const flink::Configuration& configuration,
                 const Objective& objective = {}, flink::Version version = kVersion) {
  const auto answer = ProposeFlink(runs, {configuration, version, {}}, objective);
  EXPECT_TRUE(answer.ok()) << (answer.ok() ? "" : answer.error().Text());
  return answer.ok() ? answer.value() : Proposal{};
}

const ComponentRow& Row(const Proposal& proposal, const std::string& name) {
  static const ComponentRow kNone;
  for (const ComponentRow& row : proposal.components) {
    if (row.name == name) return row;
  }
  ADD_FAILURE() << "no component " << name;
  return kNone;
}

TEST(SizeFromRuns, ThreeHundredToThreeHundredAndTenOfTwoHundredAndNinetyFourAskForSixtyFour) {
  const flink::Version version{1, 10, 0};
  const auto configuration = Config({{kProcess, "1g"}});
  ASSERT_EQ(Derived(configuration, version).managed.count, 308700779);  // 294.4 MiB
  for (const int usage : {300, 303, 306, 310}) {
    SCOPED_TRACE(usage);
    sizing::Run run = Healthy(configuration, 1 * kGiB, version);
    AddManagedRocksDb(usage * kMiB, &run);
    const Proposal proposal = Propose({run}, configuration, {}, version);
    ASSERT_TRUE(proposal.fits) << proposal.summary;
    EXPECT_EQ(proposal.settings.at(kOffHeap), "64m");
    EXPECT_THAT(proposal.arithmetic, Contains(HasSubstr("294.4 MiB managed memory = ")));
    EXPECT_THAT(proposal.arithmetic,
                Contains(HasSubstr("+ 36.8 MiB margin (1/8 of managed memory)")));
    EXPECT_THAT(
        proposal.arithmetic,
        Contains(HasSubstr("rounded up to a multiple of 32.0 MiB: 64.0 MiB task off-heap")));
    const auto then = Derived(Changed(configuration, proposal), version);
    EXPECT_LE(then.total_process, 1 * kGiB);
    EXPECT_EQ(then.task_off_heap, 64 * kMiB);
  }
}

TEST(SizeFromRuns, FourUnmanagedStatesAreFiveHundredAndFortyFour) {
  const auto configuration = Config({{kProcess, "1g"}, {kTurnOn, "false"}});
  sizing::Run run = Healthy(configuration, 1 * kGiB);
  run.rocksdb_managed = false;
  run.killed = true;
  run.databases = 1;
  for (const char* name : {"value", "list", "map", "window"})
    run.families.push_back({name, 64 * kMiB, 2, 100 * kMiB, 8 * kMiB, 1});
  Moment last = run.moments.back();
  last.at = Milliseconds{99'000};
  last.memtables = 400 * kMiB;
  last.caches = 32 * kMiB;
  last.working_set += 432 * kMiB;
  run.moments.push_back(last);
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(proposal.settings.at(kTurnOn), "true");
  EXPECT_THAT(
      proposal.arithmetic,
      Contains(HasSubstr("4 families x (2 x 64.0 MiB write buffers + 8.0 MiB cache) = 544.0 MiB")));
  EXPECT_THAT(proposal.advice, Contains(HasSubstr("would have grown on")));
  const auto then = Derived(Changed(configuration, proposal));
  EXPECT_GE(then.managed, 28 * kMiB);
  EXPECT_GE(then.task_off_heap, Bytes{then.managed.count / 8});
  ASSERT_TRUE(proposal.backtest.has_value());
  EXPECT_TRUE(proposal.backtest->survives);
}

TEST(SizeFromRuns, AHealthyPodIsLeftAsItIs) {
  const auto configuration = Config({{kProcess, "4g"}, {"taskmanager.memory.network.max", "1g"}});
  sizing::Run run = Healthy(configuration, 5 * kGiB);
  AddManagedRocksDb(Bytes{run.granted->managed.count / 2}, &run);
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits);
  EXPECT_THAT(proposal.changes, IsEmpty());
  EXPECT_THAT(proposal.summary, HasSubstr("No change"));
  ASSERT_EQ(proposal.kept.size(), 2u);
  EXPECT_EQ(proposal.kept[1].key, kProcess);
  EXPECT_EQ(proposal.kept[1].value, "4g");
}

TEST(SizeFromRuns, TheSmallestPodTakesBackWhatNothingUses) {
  const auto configuration = Config({{kProcess, "4g"}});
  sizing::Run run = Healthy(configuration, 4 * kGiB);
  AddManagedRocksDb(200 * kMiB, &run);
  run.network_used = 32 * kMiB;
  Objective objective;
  objective.minimize = true;
  const Proposal proposal = Propose({run}, configuration, objective);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const auto then = Derived(Changed(configuration, proposal));
  EXPECT_LT(then.total_process, 2 * kGiB);
  EXPECT_GE(then.JvmHeap().count, run.moments[0].heap_live->count / 2 * 3);
  EXPECT_GE(then.managed, 200 * kMiB);
  EXPECT_GE(then.network, 40 * kMiB);
  EXPECT_GE(then.jvm_metaspace, 90 * kMiB);
  EXPECT_LE(proposal.predicted_peak + Bytes{then.total_process.count / 10}, then.total_process);
  // One MiB less is not enough for all of that: as under a limit, something has less than it made use of.
  objective.limit = then.total_process - kMiB;
  const Proposal less = Propose({run}, configuration, objective);
  ASSERT_TRUE(less.fits) << less.summary;
  const auto smaller = Derived(Changed(configuration, less));
  EXPECT_LE(smaller.total_process, *objective.limit);
  EXPECT_TRUE(smaller.managed < 200 * kMiB || smaller.jvm_overhead < then.jvm_overhead);
  // And the pod that it proposes needs no change.
  Objective keep;
  keep.limit = then.total_process;
  EXPECT_THAT(Propose({run}, Changed(configuration, proposal), keep).changes, IsEmpty());
}

TEST(SizeFromRuns, WhatLastsBeyondAnEighthIsMoreManagedMemory) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 4 * kGiB);
  const Bytes managed = run.granted->managed;
  AddManagedRocksDb(managed + 200 * kMiB, &run);
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const auto then = Derived(Changed(configuration, proposal));
  EXPECT_GE(then.managed, managed + 200 * kMiB);
  EXPECT_EQ(then.task_off_heap, Bytes{});
  EXPECT_THAT(Row(proposal, "managed memory").reason, HasSubstr("half of the time"));
}

// It is in the rest of what was seen, where its room is managed memory and no overhead.
TEST(SizeFromRuns, WhatPythonReservedOfManagedMemoryIsNotNeededTwice) {
  const auto configuration = Config({{kProcess, "1728m"}});
  sizing::Run run = Healthy(configuration, 1728 * kMiB);
  run.managed_used = 500 * kMiB;
  run.moments[0].working_set += 500 * kMiB;
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(Row(proposal, "managed memory").need, 500 * kMiB);
  EXPECT_EQ(Row(proposal, "JVM overhead").peak, 120 * kMiB);
  EXPECT_THAT(Row(proposal, "JVM overhead").reason, HasSubstr("without the 500.0 MiB"));
  // All of it is in the peak that is predicted.
  EXPECT_GE(proposal.predicted_peak, run.granted->network + 700 * kMiB);
}

// Of one run the metric says that little is reserved, of the other nothing does.
TEST(SizeFromRuns, WhatOneRunDoesNotSayOfManagedMemoryIsNotZero) {
  const auto configuration = Config({{kProcess, "1728m"}});
  sizing::Run told = Healthy(configuration, 1728 * kMiB);
  told.managed_used = 10 * kMiB;
  Objective objective;
  objective.minimize = true;
  EXPECT_EQ(Row(Propose({told}, configuration, objective), "managed memory").need, 10 * kMiB);
  const sizing::Run silent = Healthy(configuration, 1728 * kMiB);
  EXPECT_EQ(Row(Propose({told, silent}, configuration, objective), "managed memory").need,
            silent.granted->managed);
}

// Flink's log names RocksDB, and nobody measured it: it holds what it was granted, and the rest is without that.
TEST(SizeFromRuns, RocksDbThatNobodyMeasuredKeepsItsPool) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 2 * kGiB);
  run.rocksdb_managed = true;
  run.moments[0].working_set += run.granted->managed;
  Objective objective;
  objective.minimize = true;
  const Proposal proposal = Propose({run}, configuration, objective);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_GE(Row(proposal, "managed memory").after, run.granted->managed);
  EXPECT_EQ(Row(proposal, "JVM overhead").peak, 120 * kMiB);
  EXPECT_THAT(Row(proposal, "managed memory").reason, HasSubstr("is not known"));
}

// Flink takes fixed-per-slot before managed memory: with it RocksDB would stay outside the model.
TEST(SizeFromRuns, TurningManagementOnRemovesAFixedBudget) {
  constexpr const char* kFixed = "state.backend.rocksdb.memory.fixed-per-slot";
  const auto configuration = Config({{kProcess, "2g"}, {kFixed, "1g"}});
  sizing::Run run = Healthy(configuration, 2 * kGiB);
  AddManagedRocksDb(200 * kMiB, &run);
  run.rocksdb_managed = false;
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_FALSE(Changed(configuration, proposal).Contains(kFixed));
}

// A pod that has no room for what RocksDB made use of has room for less.
TEST(SizeFromRuns, TheSmallestPodIsNotLargerThanItMayBe) {
  const auto configuration = Config({{kProcess, "1728m"}});
  sizing::Run run = Healthy(configuration, 1728 * kMiB);
  AddManagedRocksDb(run.granted->managed, &run);
  run.moments[0].working_set += 210 * kMiB;
  run.moments[0].heap_live = Bytes{run.granted->JvmHeap().count / 3 * 2};
  const Proposal kept = Propose({run}, configuration);
  ASSERT_TRUE(kept.fits) << kept.summary;
  Objective objective;
  objective.minimize = true;
  EXPECT_TRUE(Propose({run}, configuration, objective).fits);
}

TEST(SizeFromRuns, OfDirectBuffersTheOvershootsSumSaysSo) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 3 * kGiB);
  run.moments[0].direct = run.granted->network + 126 * kMiB;
  run.moments[0].working_set += 106 * kMiB;
  AddManagedRocksDb(run.granted->managed + 6 * kMiB, &run);
  Objective objective;
  objective.limit = 3 * kGiB;
  const Proposal proposal = Propose({run}, configuration, objective);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_THAT(proposal.arithmetic, Contains(HasSubstr("for direct buffers")));
}

TEST(SizeFromRuns, ATotalOfBeforeTheMemoryModelGivesWayToTheProcessSize) {
  for (const auto& [key, value] :
       {std::pair{"taskmanager.heap.size", "1280m"}, std::pair{"taskmanager.heap.mb", "1280"}}) {
    const auto configuration = Config({{key, value}});
    sizing::Run run = Healthy(configuration, 1700 * kMiB);
    Objective objective;
    objective.limit = 1500 * kMiB;
    const Proposal proposal = Propose({run}, configuration, objective);
    ASSERT_TRUE(proposal.fits) << proposal.summary;
    const auto changed = Changed(configuration, proposal);
    EXPECT_FALSE(changed.Contains(key));
    EXPECT_LE(Derived(changed).total_process, 1500 * kMiB);
  }
}

TEST(SizeFromRuns, NoSizeFitsAnyLimitIsNotATebibyte) {
  const auto configuration = Config({{kProcess, "1728m"}});
  Objective objective;
  objective.headroom_share = 1;
  const Proposal proposal =
      Propose({Healthy(configuration, 1728 * kMiB)}, configuration, objective);
  EXPECT_FALSE(proposal.fits);
  EXPECT_THAT(proposal.summary, HasSubstr("No configuration of this shape fits any limit"));
}

TEST(SizeFromRuns, MetricsAloneTakeNoOverheadAway) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 2 * kGiB);
  run.partial = true;
  run.moments[0].working_set -= 120 * kMiB;  // of which no metric tells
  Objective objective;
  objective.minimize = true;
  const Proposal proposal = Propose({run}, configuration, objective);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_GE(Derived(Changed(configuration, proposal)).jvm_overhead, run.granted->jvm_overhead);
  EXPECT_EQ(Row(proposal, "JVM overhead").peak, std::nullopt);
  EXPECT_THAT(proposal.advice, Contains(HasSubstr("metrics only")));
}

TEST(SizeFromRuns, APodThatFlinkMakesIsAsLargeAsItsProcess) {
  const auto configuration = Config({{kProcess, "1728m"}});
  const sizing::Run run = Healthy(configuration, 1728 * kMiB);
  Objective objective;
  objective.limit = 3 * kGiB;
  EXPECT_THAT(Propose({run}, configuration, objective).changes, IsEmpty());
  objective.made_by_flink = true;
  for (const double factor : {1.0, 1.5}) {
    objective.limit_factor = factor;
    const Proposal proposal = Propose({run}, configuration, objective);
    ASSERT_TRUE(proposal.fits) << proposal.summary;
    const auto then = Derived(Changed(configuration, proposal));
    EXPECT_EQ(then.total_process.count, static_cast<std::int64_t>((3 << 10) / factor) << 20);
    EXPECT_EQ(then.JvmHeap(), run.granted->JvmHeap());
  }
  // The smallest pod: its process times the factor is the limit.
  objective.minimize = true;
  const Proposal proposal = Propose({run}, configuration, objective);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const Bytes limit = proposal.predicted_peak + proposal.headroom;
  const Bytes process = Derived(Changed(configuration, proposal)).total_process;
  EXPECT_LE(static_cast<double>(process.count) * 1.5, static_cast<double>(limit.count));
  EXPECT_GE(static_cast<double>(process.count) * 1.5, static_cast<double>(limit.count) * 0.99);
}

TEST(SizeFromRuns, DirectBuffersBeyondTheFrameworksAreTaskOffHeap) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 2 * kGiB);
  run.moments[0].direct = run.granted->network + 126 * kMiB;
  run.moments[0].working_set += 106 * kMiB;
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  // 126 MiB are near enough to the 128 that the bound may have held them back: half as much again.
  EXPECT_EQ(proposal.settings.at(kOffHeap), "61m");
}

TEST(SizeFromRuns, NativeMemoryIsOverhead) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 2 * kGiB);
  run.moments[0].working_set += 400 * kMiB;  // rest 520
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const auto then = Derived(Changed(configuration, proposal));
  EXPECT_GE(then.jvm_overhead + then.framework_off_heap, 520 * kMiB + 20 * kMiB);
  EXPECT_EQ(Row(proposal, "JVM overhead").peak, 520 * kMiB);
}

TEST(SizeFromRuns, AFullHeapGrows) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 4 * kGiB);
  const Bytes heap = run.granted->JvmHeap();
  run.moments[0].heap = run.moments[0].heap_live = heap;
  run.moments[0].working_set += heap;
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const auto then = Derived(Changed(configuration, proposal));
  EXPECT_GE(then.JvmHeap(), Bytes{heap.count / 2 * 3});
}

TEST(SizeFromRuns, UnknownUseIsNotTaken) {
  const auto configuration = Config({{kProcess, "2g"}});
  sizing::Run run = Healthy(configuration, 2 * kGiB);
  run.moments[0].heap.reset();
  run.moments[0].heap_live.reset();
  run.moments[0].metaspace.reset();
  Objective objective;
  objective.minimize = true;
  const Proposal proposal = Propose({run}, configuration, objective);
  EXPECT_FALSE(proposal.fits && Row(proposal, "JVM heap").after < run.granted->JvmHeap());
  objective.limit = 8 * kGiB;
  const Proposal larger = Propose({run}, configuration, objective);
  ASSERT_TRUE(larger.fits) << larger.summary;
  EXPECT_GE(Row(larger, "JVM heap").after, run.granted->JvmHeap());
  EXPECT_GE(Row(larger, "JVM metaspace").after, run.granted->jvm_metaspace);
  EXPECT_THAT(larger.advice, Contains(HasSubstr("none of it was taken")));
}

TEST(SizeFromRuns, ALeakHasATimeAndNoSize) {
  const auto configuration = Config({{kProcess, "4g"}});
  sizing::Run run = Healthy(configuration, 4 * kGiB);
  run.leaks = {{"com.example.Decoder.decode", 100 * kMiB, 64.0 * 1024 * 1024}};
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits);
  EXPECT_THAT(proposal.advice.front(),
              HasSubstr("com.example.Decoder.decode grows by 64.0 MiB an hour"));
  EXPECT_THAT(proposal.advice.front(), HasSubstr("no size holds a leak"));
}

TEST(SizeFromRuns, NothingFitsIsSaidWithTheSmallestLimitThatWorks) {
  const auto configuration = Config({{kProcess, "1g"}});
  sizing::Run run = Healthy(configuration, 1 * kGiB);
  run.moments[0].working_set += 1 * kGiB;
  const Proposal proposal = Propose({run}, configuration);
  EXPECT_FALSE(proposal.fits);
  EXPECT_THAT(proposal.changes, IsEmpty());
  EXPECT_THAT(proposal.settings, IsEmpty());
  EXPECT_THAT(proposal.summary, HasSubstr("are missing"));
  Objective larger;
  larger.limit = proposal.smallest_limit;
  EXPECT_TRUE(Propose({run}, configuration, larger).fits);
  larger.limit = proposal.smallest_limit - kMiB;
  EXPECT_FALSE(Propose({run}, configuration, larger).fits);
}

TEST(SizeFromRuns, OfManyRunsTheShareThatIsAskedForLives) {
  const auto configuration = Config({{kProcess, "2g"}});
  std::vector<sizing::Run> runs;
  for (int i = 0; i < 20; ++i) {
    runs.push_back(Healthy(configuration, 2 * kGiB));
    runs.back().name = "run " + std::to_string(i);
  }
  runs[7].moments[0].working_set += 2 * kGiB;  // one that was unlike the others
  EXPECT_FALSE(Propose(runs, configuration).fits);
  Objective most;
  most.confidence = 0.95;
  const Proposal proposal = Propose(runs, configuration, most);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_THAT(proposal.advice, Contains(HasSubstr("19 of 20 runs")));
  EXPECT_EQ(proposal.backtest->replays.size(), 19u);
}

TEST(SizeFromRuns, TheHeadroomAskedForIsKept) {
  const auto configuration = Config({{kProcess, "2g"}});
  const sizing::Run run = Healthy(configuration, 2 * kGiB);
  for (const int mebibytes : {0, 100, 300, 500}) {
    Objective objective;
    objective.headroom = mebibytes * kMiB;
    const Proposal proposal = Propose({run}, configuration, objective);
    ASSERT_TRUE(proposal.fits) << proposal.summary;
    EXPECT_GE(proposal.headroom, mebibytes * kMiB);
    EXPECT_GE(proposal.backtest->least_headroom, mebibytes * kMiB);
  }
}

// Four states of two slots, as real TaskManagers of 1 GiB had them: RocksDB flushed without end.
sizing::Run FourStates(const flink::Configuration& configuration, int states = 4) {
  sizing::Run run = Healthy(configuration, 1 * kGiB);
  run.slots = 2;
  run.databases = 2;
  for (int i = 0; i < states; ++i)
    run.families.push_back({std::to_string(i), 64 * kMiB, 2, 16 * kMiB, 16 * kMiB, 2});
  // Written to by nobody.
  run.families.push_back({"timers", 64 * kMiB, 2, {4096}, {}, 2});
  run.rocksdb_managed = true;
  run.moments[0].caches = 20 * kMiB;
  return run;
}
constexpr const char* kWriteBuffer = "state.backend.rocksdb.writebuffer.size";
const auto kTwoSlots = {std::pair{kProcess, "1g"}, std::pair{"taskmanager.numberOfTaskSlots", "2"}};

TEST(SizeFromRuns, WriteBuffersSuitTheStatesOfASlotWhereManagementIsTurnedOn) {
  auto configuration = Config(kTwoSlots);
  configuration.Set(kTurnOn, "false");
  sizing::Run run = FourStates(configuration);
  run.rocksdb_managed = false;
  const Proposal proposal = Propose({run}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const Bytes slot{Derived(Changed(configuration, proposal)).managed.count / 2};
  // A third of it is the manager's, and half of that is more than four blocks.
  EXPECT_EQ(proposal.settings.at(kWriteBuffer), slot.count / 6 > 16 * kMiB.count ? "32m" : "16m");
  EXPECT_THAT(
      proposal.arithmetic,
      Contains(HasSubstr("4 written families of a slot and a flush x 8.0 MiB (1/8 of a "
                         "write buffer of 64.0 MiB) = 40.0 MiB, its write buffer manager ")));
  // Its blocks are smaller.
  const Proposal newer = Propose({run}, configuration, {}, {2, 3, 0});
  ASSERT_TRUE(newer.fits);
  EXPECT_EQ(newer.settings.count(kWriteBuffer), 0u);
  // Two hundred families: no write buffer is small enough.
  run = FourStates(configuration, 200);
  run.rocksdb_managed = false;
  const Proposal hopeless = Propose({run}, configuration);
  EXPECT_EQ(hopeless.settings.count(kWriteBuffer), 0u);
  EXPECT_THAT(hopeless.advice, Contains(HasSubstr("Fewer slots, or more managed memory")));
}

TEST(SizeFromRuns, WhatRanAsItIsKeepsItsWriteBuffersAndIsTold) {
  const auto configuration = Config(kTwoSlots);
  const Proposal proposal = Propose({FourStates(configuration)}, configuration);
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(proposal.settings.count(kWriteBuffer), 0u);
  EXPECT_THAT(proposal.advice,
              Contains(HasSubstr("state.backend.rocksdb.writebuffer.size of 32.0 MiB")));
  EXPECT_THAT(Propose({FourStates(configuration, 2)}, configuration).advice,
              Not(Contains(HasSubstr(kWriteBuffer))));
}

TEST(SizeFromRuns, BadInputIsAnError) {
  const Target target{Config({{kProcess, "1g"}}), kVersion, {}};
  const auto no_run = ProposeFlink({}, target, {});
  EXPECT_FALSE(no_run.ok());
  const auto no_moment = ProposeFlink({sizing::Run{}}, target, {});
  EXPECT_FALSE(no_moment.ok());
  const Target too_small{Config({{kProcess, "100m"}}), kVersion, {}};
  const auto refused = ProposeFlink({Healthy(target.configuration, 1 * kGiB)}, too_small, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().Text(), HasSubstr("TaskManager memory configuration failed"));
}

}  // namespace
}  // namespace wrackline::sizing
