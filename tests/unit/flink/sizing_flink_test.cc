#include <gmock/gmock.h>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/sizing/proposal.h"

namespace wrackline::sizing {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Eq;
using ::testing::HasSubstr;

constexpr const char* kProcess = "taskmanager.memory.process.size";
constexpr const char* kManagedSize = "taskmanager.memory.managed.size";
constexpr const char* kOffHeap = "taskmanager.memory.task.off-heap.size";
constexpr const char* kManaged = "state.backend.rocksdb.memory.managed";

flink::Configuration Config(std::initializer_list<std::pair<const char*, const char*>> values) {
  flink::Configuration configuration;
  for (const auto& [key, value] : values) configuration.Set(key, value);
  return configuration;
}

// RocksDB under one manager, in a process that died at its limit.
Demand Managed(Bytes limit, Bytes rocksdb_peak) {
  Demand demand;
  demand.limit = limit;
  demand.peak_working_set = limit;
  demand.outside_rocksdb = limit - rocksdb_peak;
  demand.families = {{"state", 64 * kMiB, 2, 100 * kMiB, {}, 1}};
  demand.caches_capacity = 250 * kMiB;
  demand.caches_usage_peak = rocksdb_peak;
  demand.memtables_peak = 100 * kMiB;
  demand.shared_cache = demand.write_buffer_manager = true;
  demand.databases = 1;
  return demand;
}

Demand Unmanaged(Bytes limit, Bytes outside, int databases) {
  Demand demand;
  demand.limit = limit;
  demand.peak_working_set = limit;
  demand.outside_rocksdb = outside;
  for (const char* name : {"value", "list", "map", "window"}) {
    demand.families.push_back({name, 64 * kMiB, 2, 100 * kMiB, databases * (8 * kMiB), 0});
  }
  demand.memtables_peak = limit - outside;
  demand.databases = databases;
  return demand;
}

// The changed configuration, derived by the same version.
flink::TaskManagerMemory Applied(flink::Configuration configuration, const Proposal& proposal,
                                 flink::Version version) {
  for (const Change& change : proposal.changes) {
    EXPECT_NE(change.old_value, change.new_value) << change.key;
    EXPECT_FALSE(change.reason.empty());
    if (change.new_value.empty()) {
      configuration.Remove(change.key);
    } else {
      configuration.Set(change.key, change.new_value);
    }
  }
  const auto memory =
      flink::DeriveTaskManagerMemory(configuration, version, flink::Mode::kStandalone);
  EXPECT_TRUE(memory.ok()) << memory.error().Text();
  return memory.ok() ? memory.value() : flink::TaskManagerMemory{};
}

TEST(ProposeFlink, UsageOf300To310Against294ManagedGets64OffHeap) {
  const auto configuration = Config({{kProcess, "1g"}});
  for (std::int64_t peak = 300; peak <= 310; ++peak) {
    const auto proposal = ProposeFlink(Managed(kGiB, peak * kMiB), configuration, "1.10.0");
    ASSERT_TRUE(proposal.ok());
    ASSERT_TRUE(proposal.value().fits) << proposal.value().summary;
    EXPECT_EQ(proposal.value().settings.at(kOffHeap), "64m");
    const auto memory = Applied(configuration, proposal.value(), {1, 10, 0});
    EXPECT_EQ(memory.managed.count, 308700779);
    EXPECT_EQ(memory.total_process, kGiB);
    EXPECT_EQ(memory.task_off_heap, 64 * kMiB);
  }
  const auto proposal = ProposeFlink(Managed(kGiB, 310 * kMiB), configuration, "1.10.0").value();
  EXPECT_THAT(proposal.arithmetic,
              Contains("RocksDB's peak 310.0 MiB - 294.4 MiB managed memory = 15.6 MiB overshoot"));
  EXPECT_THAT(
      proposal.arithmetic,
      Contains(HasSubstr(
          "15.6 MiB overshoot + 36.8 MiB margin (1/8 of managed memory) = 52.4 MiB, rounded up")));
  EXPECT_THAT(proposal.advice, Contains(HasSubstr("not known here")));
}

TEST(ProposeFlink, AHeapThatIsTooSmallLetsManagedMemoryGive) {
  // Since 1.10.1 the same process has 25.6 MiB of task heap only.
  const auto configuration = Config({{kProcess, "1g"}});
  const auto proposal = ProposeFlink(Managed(kGiB, 250 * kMiB), configuration, "1.20.5").value();
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(proposal.settings.at(kOffHeap), "64m");
  const auto memory = Applied(configuration, proposal, {1, 20, 5});
  EXPECT_LT(memory.managed.count, 241591914);
  EXPECT_GE(3 * memory.task_heap, Bytes{26843550});
  EXPECT_LE(memory.total_process, kGiB);
}

TEST(ProposeFlink, AFreeLimitIsUsedBeforeTheHeap) {
  const auto configuration = Config({{kProcess, "1g"}});
  Demand demand = Managed(kGiB, 310 * kMiB);
  demand.limit = 1200 * kMiB;
  const auto proposal = ProposeFlink(demand, configuration, "1.10.0").value();
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const auto before =
      flink::DeriveTaskManagerMemory(configuration, {1, 10, 0}, flink::Mode::kStandalone).value();
  const auto memory = Applied(configuration, proposal, {1, 10, 0});
  EXPECT_GE(memory.JvmHeap(), before.JvmHeap());
  EXPECT_GT(memory.total_process, kGiB);
  EXPECT_LE(memory.total_process, 1200 * kMiB);
  EXPECT_EQ(memory.task_off_heap, 64 * kMiB);
}

TEST(ProposeFlink, UnmanagedStatesAreSummedAndManagementIsTurnedOn) {
  const auto configuration =
      Config({{kProcess, "1g"}, {kManaged, "false"}, {"taskmanager.numberOfTaskSlots", "2"}});
  const auto proposal =
      ProposeFlink(Unmanaged(kGiB, 600 * kMiB, 2), configuration, "1.20.5").value();
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(proposal.settings.at(kManaged), "true");
  EXPECT_THAT(
      proposal.arithmetic.front(),
      HasSubstr(
          "2 databases x 4 families x (2 x 64.0 MiB write buffers + 8.0 MiB cache) = 1.06 GiB"));
  const auto memory = Applied(configuration, proposal, {1, 20, 5});
  EXPECT_EQ(flink::WriteMemorySize({memory.managed.count}), proposal.settings.at(kManagedSize));
  EXPECT_LE(memory.total_process, kGiB);
  EXPECT_GE(proposal.headroom, Bytes{kGiB.count / 10});
}

TEST(ProposeFlink, FourUnmanagedStatesOfOneSlotAre544MiB) {
  const auto proposal = ProposeFlink(Unmanaged(kGiB, 500 * kMiB, 1),
                                     Config({{kProcess, "1g"}, {kManaged, "false"}}), "1.10.0")
                            .value();
  EXPECT_THAT(proposal.arithmetic.front(),
              HasSubstr("4 families x (2 x 64.0 MiB write buffers + 8.0 MiB cache) = 544.0 MiB"));
}

TEST(ProposeFlink, ManagedMemoryThatWasSwitchedOffComesBackFromTheHeap) {
  const auto configuration = Config(
      {{kProcess, "4g"}, {kManaged, "false"}, {"taskmanager.memory.managed.fraction", "0.0"}});
  const auto proposal =
      ProposeFlink(Unmanaged(4 * kGiB, 2 * kGiB, 1), configuration, "1.20.5").value();
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  const auto memory = Applied(configuration, proposal, {1, 20, 5});
  EXPECT_GT(memory.managed, kGiB);
  EXPECT_LE(memory.total_process, 4 * kGiB);
}

TEST(ProposeFlink, AJobThatSwitchesManagementOffInItsCodeIsSeen) {
  const auto proposal =
      ProposeFlink(Unmanaged(kGiB, 500 * kMiB, 1), Config({{kProcess, "1g"}}), "1.20.5").value();
  EXPECT_THAT(proposal.advice, Contains(HasSubstr("set in the job's code")));
}

TEST(ProposeFlink, WithinItsBudgetNothingIsChanged) {
  Demand demand = Managed(kGiB, 200 * kMiB);
  demand.outside_rocksdb = 500 * kMiB;
  const auto fits = ProposeFlink(demand, Config({{kProcess, "1g"}}), "1.20.5").value();
  EXPECT_TRUE(fits.fits);
  EXPECT_TRUE(fits.changes.empty());
  // Dead at the limit with RocksDB within its budget: no size here is the cure.
  const auto dead =
      ProposeFlink(Managed(kGiB, 200 * kMiB), Config({{kProcess, "1g"}}), "1.20.5").value();
  EXPECT_FALSE(dead.fits);
  EXPECT_GT(dead.smallest_limit, kGiB);
  EXPECT_THAT(dead.advice, Contains(HasSubstr("outside RocksDB")));
}

TEST(ProposeFlink, AProcessLargerThanItsLimitIsCut) {
  Demand demand = Managed(kGiB, 200 * kMiB);
  demand.outside_rocksdb = 600 * kMiB;
  const auto configuration = Config({{kProcess, "2g"}});
  const auto proposal = ProposeFlink(demand, configuration, "1.20.5").value();
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(proposal.settings.at(kProcess), "1g");
}

TEST(ProposeFlink, FixedPerSlotMemoryBelongsIntoOffHeap) {
  const auto configuration = Config({{kProcess, "4g"},
                                     {"state.backend.rocksdb.memory.fixed-per-slot", "256m"},
                                     {"taskmanager.numberOfTaskSlots", "2"}});
  Demand demand = Managed(4 * kGiB, 520 * kMiB);
  demand.outside_rocksdb = 2 * kGiB;
  const auto proposal = ProposeFlink(demand, configuration, "1.20.5").value();
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  // 512 + 8 overshoot + 64 margin = 584, in steps of 32: 608.
  EXPECT_EQ(proposal.settings.at(kOffHeap), "608m");
}

TEST(ProposeFlink, WhatFlinkRefusesIsFlinksOwnError) {
  const Demand demand = Managed(kGiB, 300 * kMiB);
  EXPECT_FALSE(ProposeFlink(demand, Config({{kProcess, "1g"}}), "1.9.3").ok());
  EXPECT_FALSE(ProposeFlink(demand, Config({{kProcess, "1g"}}), "newest").ok());
  const auto refused = ProposeFlink(demand, Config({{kProcess, "700m"}}), "1.20.5");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("exceed configured Total Flink Memory"));
  EXPECT_FALSE(
      ProposeFlink(demand, Config({{kProcess, "1g"}, {kManaged, "maybe"}}), "1.20.5").ok());
}

TEST(ProposeFlink, WithoutALimitTheProcessSizeIsTaken) {
  Demand demand = Managed(kGiB, 310 * kMiB);
  demand.limit.reset();
  const auto proposal = ProposeFlink(demand, Config({{kProcess, "1g"}}), "1.10.0").value();
  EXPECT_TRUE(proposal.fits);
  EXPECT_THAT(proposal.advice, Contains(HasSubstr("No memory limit was recorded")));
}

}  // namespace
}  // namespace wrackline::sizing
