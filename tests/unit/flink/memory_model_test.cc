#include "analyzer/flink/memory_model.h"

#include <gtest/gtest.h>

#include <random>

namespace wrackline::flink {
namespace {

TaskManagerMemory Derived(Version version,
                          std::initializer_list<std::pair<const char*, const char*>> values) {
  Configuration configuration;
  for (const auto& [key, value] : values) configuration.Set(key, value);
  const auto memory = DeriveTaskManagerMemory(configuration, version, Mode::kStandalone);
  EXPECT_TRUE(memory.ok()) << memory.error().Text();
  return memory.ok() ? memory.value() : TaskManagerMemory{};
}

TEST(MemoryModel, OneGigabyteTaskManagerOf110) {
  EXPECT_EQ(Derived({1, 10, 0}, {{"taskmanager.memory.process.size", "1g"}}).managed.count,
            308700779);  // 294.4 MiB
  EXPECT_EQ(Derived({1, 10, 1}, {{"taskmanager.memory.process.size", "1g"}}).managed.count,
            241591914);  // 230.4 MiB
}

TEST(MemoryModel, NetworkMaximumIsUnlimitedSince117) {
  const auto before = Derived({1, 16, 3}, {{"taskmanager.memory.flink.size", "20g"}});
  const auto since = Derived({1, 17, 0}, {{"taskmanager.memory.flink.size", "20g"}});
  EXPECT_EQ(before.network, kGiB);
  EXPECT_GT(since.network, kGiB);
}

TEST(MemoryModel, AKeyThatNoVersionKnowsIsIgnored) {
  const auto with = Derived({1, 20, 5}, {{"taskmanager.memory.process.size", "4g"},
                                         {"taskmanager.memory.heap.size", "3g"}});
  const auto without = Derived({1, 20, 5}, {{"taskmanager.memory.process.size", "4g"}});
  EXPECT_EQ(with.JvmArguments(), without.JvmArguments());
}

TEST(MemoryModel, LegacyHeapIsIgnoredFrom2) {
  Configuration configuration;
  configuration.Set("taskmanager.heap.size", "4g");
  EXPECT_TRUE(DeriveTaskManagerMemory(configuration, {1, 20, 5}, Mode::kContainerized).ok());
  EXPECT_FALSE(DeriveTaskManagerMemory(configuration, {2, 0, 0}, Mode::kContainerized).ok());
}

TEST(MemoryModel, AVersionBeforeTheModelIsAnError) {
  Configuration configuration;
  configuration.Set("taskmanager.memory.process.size", "4g");
  EXPECT_FALSE(DeriveTaskManagerMemory(configuration, {1, 9, 3}, Mode::kStandalone).ok());
}

TEST(MemoryModel, ALaterReleaseIsTakenForTheNewestKnown) {
  const auto known = Derived({2, 3, 0}, {{"taskmanager.memory.process.size", "4g"}});
  const auto later = Derived({3, 0, 0}, {{"taskmanager.memory.process.size", "4g"}});
  EXPECT_EQ(known.JvmArguments(), later.JvmArguments());
}

// Whatever is configured: an answer or an error, and every answer's parts add up.
TEST(MemoryModel, RandomConfigurationsAddUp) {
  const char* keys[] = {"taskmanager.memory.process.size",
                        "taskmanager.memory.flink.size",
                        "taskmanager.memory.task.heap.size",
                        "taskmanager.memory.managed.size",
                        "taskmanager.memory.network.min",
                        "taskmanager.memory.network.max",
                        "taskmanager.memory.jvm-overhead.min",
                        "taskmanager.memory.jvm-overhead.max",
                        "taskmanager.memory.jvm-metaspace.size",
                        "taskmanager.memory.task.off-heap.size",
                        "taskmanager.heap.size",
                        "taskmanager.network.numberOfBuffers"};
  const char* fractions[] = {"taskmanager.memory.managed.fraction",
                             "taskmanager.memory.network.fraction",
                             "taskmanager.memory.jvm-overhead.fraction"};
  const char* odd[] = {"9223372036854775807", "0", "8388607t", "-1", "x", "1e400", "NaN"};
  const Version versions[] = {{1, 10, 0}, {1, 13, 6}, {1, 20, 5}, {2, 3, 0}};
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    Configuration configuration;
    for (const char* key : keys) {
      if (random() % 4 != 0) continue;
      configuration.Set(
          key, random() % 20 == 0 ? odd[random() % 7] : std::to_string(random() % 8192) + "m");
    }
    for (const char* key : fractions) {
      if (random() % 5 != 0) continue;
      configuration.Set(
          key, random() % 20 == 0 ? odd[random() % 7] : "0." + std::to_string(random() % 100));
    }
    const auto memory =
        DeriveTaskManagerMemory(configuration, versions[random() % 4],
                                random() % 2 == 0 ? Mode::kStandalone : Mode::kContainerized);
    if (!memory.ok()) {
      EXPECT_FALSE(memory.error().message.empty());
      continue;
    }
    ++accepted;
    const auto& m = memory.value();
    EXPECT_EQ(m.total_flink, m.framework_heap + m.task_heap + m.framework_off_heap +
                                 m.task_off_heap + m.network + m.managed);
    EXPECT_EQ(m.total_process, m.total_flink + m.jvm_metaspace + m.jvm_overhead);
    for (const Bytes part : {m.task_heap, m.network, m.managed, m.jvm_overhead})
      EXPECT_GE(part.count, 0);
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace wrackline::flink
