#include "analyzer/flink/upgrade.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace wrackline::flink {
namespace {

Upgrade Compare(std::initializer_list<std::pair<const char*, const char*>> settings, Version from,
                Version to, std::string_view file = "", Role role = Role::kTaskManager) {
  Configuration configuration;
  for (const auto& [key, value] : settings) configuration.Set(key, value);
  return CompareVersions(configuration, file, from, to, role, Mode::kStandalone);
}

const UpgradeChange* Find(const Upgrade& upgrade, std::string_view key) {
  for (const UpgradeChange& change : upgrade.changes) {
    if (change.key == key) return &change;
  }
  return nullptr;
}

Bytes Of(const ModelFacts& facts, std::string_view id) {
  for (const Component& component : facts.components) {
    if (component.id == id) return component.bytes;
  }
  return {-1};
}

TEST(Upgrade, TellsThatTheNetworkIsUnlimited) {
  const Upgrade upgrade =
      Compare({{"taskmanager.memory.process.size", "16g"}}, {1, 16, 3}, {1, 20, 5});
  EXPECT_EQ(Of(upgrade.before, "network"), kGiB);
  EXPECT_GT(Of(upgrade.after, "network"), kGiB);
  ASSERT_NE(Find(upgrade, "taskmanager.memory.network.max"), nullptr);
  EXPECT_FALSE(Find(upgrade, "taskmanager.memory.network.max")->breaks);
  // Whoever set it, under either name, sees no change.
  for (const char* key : {"taskmanager.memory.network.max", "taskmanager.network.memory.max"}) {
    const Upgrade set =
        Compare({{"taskmanager.memory.process.size", "16g"}, {key, "1g"}}, {1, 16, 3}, {1, 20, 5});
    EXPECT_EQ(Of(set.after, "network"), kGiB);
    EXPECT_EQ(Find(set, "taskmanager.memory.network.max"), nullptr);
  }
}

TEST(Upgrade, TellsTheLargerMetaspace) {
  const Upgrade upgrade =
      Compare({{"taskmanager.memory.process.size", "1g"}}, {1, 10, 0}, {1, 10, 1});
  EXPECT_EQ(Of(upgrade.before, "managed").count, 308700779);  // 294.4 MiB
  EXPECT_EQ(Of(upgrade.after, "managed").count, 241591914);   // 230.4 MiB
  EXPECT_NE(Find(upgrade, "taskmanager.memory.jvm-metaspace.size"), nullptr);
}

TEST(Upgrade, NamesKeysThatStopWorking) {
  const Upgrade upgrade = Compare({{"taskmanager.heap.size", "2g"}, {"state.backend", "rocksdb"}},
                                  {1, 16, 3}, {2, 0, 2}, "conf/flink-conf.yaml");
  EXPECT_FALSE(upgrade.before.refused);
  EXPECT_TRUE(upgrade.after.refused);
  ASSERT_NE(Find(upgrade, "taskmanager.heap.size"), nullptr);
  EXPECT_TRUE(Find(upgrade, "taskmanager.heap.size")->breaks);
  ASSERT_NE(Find(upgrade, "state.backend"), nullptr);
  EXPECT_FALSE(Find(upgrade, "state.backend")->breaks);
  const UpgradeChange* file = &upgrade.changes.back();
  for (const UpgradeChange& change : upgrade.changes)
    if (change.key == "flink-conf.yaml") file = &change;  // the last: 2.0
  EXPECT_EQ(file->since, (Version{2, 0, 0}));
  EXPECT_TRUE(file->breaks);
}

TEST(Upgrade, IsSilentAboutWhatDoesNotConcernTheConfiguration) {
  const Upgrade upgrade =
      Compare({{"taskmanager.memory.process.size", "4g"}}, {1, 18, 1}, {2, 3, 0}, "config.yaml");
  EXPECT_TRUE(upgrade.changes.empty());
  const Upgrade manager = Compare({{"jobmanager.memory.process.size", "1g"}}, {1, 16, 3},
                                  {1, 20, 5}, "", Role::kJobManager);
  EXPECT_EQ(Find(manager, "taskmanager.memory.network.max"), nullptr);
}

TEST(UpgradeFacts, AreInTheOrderOfVersionsAndSayWhatToDo) {
  const auto& facts = UpgradeFacts();
  EXPECT_TRUE(std::is_sorted(facts.begin(), facts.end(),
                             [](const auto& a, const auto& b) { return a.since < b.since; }));
  for (const UpgradeFact& fact : facts) {
    EXPECT_FALSE(fact.key.empty() || fact.what.empty() || fact.step.empty()) << fact.key;
    EXPECT_GT(fact.since, kOldestVersion) << fact.key;
    EXPECT_LE(fact.since, kNewestKnownVersion) << fact.key;
  }
}

}  // namespace
}  // namespace wrackline::flink
