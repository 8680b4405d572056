#include "analyzer/flink/model_facts.h"

#include <gtest/gtest.h>

namespace wrackline::flink {
namespace {

Configuration Settings(std::initializer_list<std::pair<const char*, const char*>> settings) {
  Configuration configuration;
  for (const auto& [key, value] : settings) configuration.Set(key, value);
  return configuration;
}

TEST(ModelFacts, ComponentsAddUpToTheProcess) {
  for (const Role role : {Role::kTaskManager, Role::kJobManager}) {
    const ModelFacts facts = ExplainModel(Settings({{"taskmanager.memory.process.size", "4g"},
                                                    {"jobmanager.memory.process.size", "4g"}}),
                                          Version{1, 20, 5}, role, Mode::kContainerized);
    ASSERT_FALSE(facts.refused);
    Bytes sum;
    for (const Component& component : facts.components) sum += component.bytes;
    EXPECT_EQ(sum, facts.total_process);
    EXPECT_EQ(sum, 4 * kGiB);
  }
}

// As generateDynamicConfigsStr of the releases gives them.
TEST(ModelFacts, GivesTheArgumentsThatEachReleasePassesOn) {
  const auto count = [](Version version) {
    const ModelFacts facts = ExplainModel(Settings({{"taskmanager.memory.process.size", "2g"}}),
                                          version, Role::kTaskManager, Mode::kStandalone);
    return facts.dynamic.size();
  };
  EXPECT_EQ(count({1, 10, 1}), 8u);
  EXPECT_EQ(count({1, 11, 6}), 8u);
  EXPECT_EQ(count({1, 12, 7}), 11u);
  EXPECT_EQ(count({1, 13, 6}), 13u);
  EXPECT_EQ(count({2, 3, 0}), 13u);
  const ModelFacts facts = ExplainModel(
      Settings({{"taskmanager.memory.process.size", "2g"}, {"taskmanager.numberOfTaskSlots", "3"}}),
      Version{1, 17, 2}, Role::kTaskManager, Mode::kStandalone);
  const auto has = [&](const std::string& key, const std::string& value) {
    for (const auto& argument : facts.dynamic)
      if (argument == std::pair(key, value)) return true;
    return false;
  };
  EXPECT_TRUE(has("taskmanager.memory.managed.size", "665719939b"));
  EXPECT_TRUE(has("taskmanager.memory.network.min", "166429984b"));
  EXPECT_TRUE(has("taskmanager.memory.network.max", "166429984b"));
  EXPECT_TRUE(has("taskmanager.memory.jvm-overhead.min", "214748368b"));
  EXPECT_TRUE(has("taskmanager.cpu.cores", "3.0"));
  EXPECT_TRUE(has("taskmanager.numberOfTaskSlots", "3"));
  EXPECT_TRUE(has("external-resources", "none"));
}

TEST(ModelFacts, DividesManagedMemoryAmongSlotsAndConsumers) {
  const ModelFacts facts = ExplainModel(
      Settings({{"taskmanager.memory.process.size", "4g"}, {"taskmanager.numberOfTaskSlots", "4"}}),
      Version{1, 20, 5}, Role::kTaskManager, Mode::kStandalone);
  ASSERT_TRUE(facts.rocksdb);
  EXPECT_EQ(facts.rocksdb->shared, facts.managed_per_slot);
  EXPECT_EQ(facts.rocksdb->kind, RocksDbBudgetKind::kManaged);
  EXPECT_EQ(facts.rocksdb->cache.count, facts.managed_per_slot.count * 5 / 6);
  ASSERT_GE(facts.slot.size(), 3u);
  EXPECT_EQ(facts.slot[0].bytes, facts.managed_per_slot);
  EXPECT_EQ(facts.slot[1].consumer, "STATE_BACKEND");
  EXPECT_DOUBLE_EQ(facts.slot[1].fraction, 0.7);
  EXPECT_DOUBLE_EQ(facts.slot[2].fraction, 0.3);
}

// A block cache of 8 MiB and two memtables of 64 MiB: four states of 136 are 544.
TEST(ModelFacts, ComputesWhatAnUnmanagedStateCanHold) {
  const ModelFacts facts =
      ExplainModel(Settings({{"taskmanager.memory.process.size", "1g"},
                             {"state.backend.rocksdb.memory.managed", "false"}}),
                   Version{1, 20, 5}, Role::kTaskManager, Mode::kStandalone);
  ASSERT_TRUE(facts.rocksdb);
  EXPECT_EQ(facts.rocksdb->kind, RocksDbBudgetKind::kNone);
  EXPECT_EQ(4 * facts.rocksdb->per_state, 544 * kMiB);
  // The state backend has no share of managed memory then.
  for (const SlotFacts& slot : facts.slot) EXPECT_NE(slot.consumer, "STATE_BACKEND");
}

// RocksDB 8.10 takes at most 1 MiB at a time, so that the mark of 7 MiB is far.
TEST(ModelFacts, FromFlink2OnABlockIsAMebibyte) {
  const Configuration settings = Settings(
      {{"taskmanager.memory.process.size", "2g"}, {"taskmanager.memory.managed.size", "24m"}});
  const ModelFacts before =
      ExplainModel(settings, Version{1, 20, 5}, Role::kTaskManager, Mode::kStandalone);
  EXPECT_EQ(before.rocksdb->arena, 8 * kMiB);
  EXPECT_FALSE(before.rocksdb->arena_fits);
  const ModelFacts since =
      ExplainModel(settings, Version{2, 0, 0}, Role::kTaskManager, Mode::kStandalone);
  EXPECT_EQ(since.rocksdb->arena, 1 * kMiB);
  EXPECT_TRUE(since.rocksdb->arena_fits);
}

TEST(ModelFacts, SaysWhatToDoAboutARefusal) {
  const ModelFacts nothing =
      ExplainModel({}, Version{1, 20, 5}, Role::kTaskManager, Mode::kStandalone);
  ASSERT_TRUE(nothing.refused);
  EXPECT_NE(nothing.next_step.find("taskmanager.memory.process.size"), std::string::npos);
  const ModelFacts small = ExplainModel(Settings({{"jobmanager.memory.process.size", "200m"}}),
                                        Version{1, 20, 5}, Role::kJobManager, Mode::kStandalone);
  ASSERT_TRUE(small.refused);
  EXPECT_NE(small.next_step.find("raise jobmanager.memory.process.size"), std::string::npos);
  const ModelFacts old = ExplainModel(Settings({{"jobmanager.memory.process.size", "1g"}}),
                                      Version{1, 10, 3}, Role::kJobManager, Mode::kStandalone);
  ASSERT_TRUE(old.refused);
}

}  // namespace
}  // namespace wrackline::flink
