#include "analyzer/report/granted.h"

#include <gtest/gtest.h>

#include <string>

namespace wrackline::report {
namespace {

// As Flink 1.20.3 gave them to a real TaskManager.
const std::string kWhole =
    "java -Xmx161061270 org.apache.flink.runtime.taskexecutor.TaskManagerRunner "
    "--configDir /conf -D taskmanager.memory.network.min=67108864b -D taskmanager.cpu.cores=2.0 "
    "-D taskmanager.memory.task.off-heap.size=0b -D "
    "taskmanager.memory.jvm-metaspace.size=268435456b -D external-resources=none -D "
    "taskmanager.memory.jvm-overhead.min=201326592b -D "
    "taskmanager.memory.framework.off-heap.size=134217728b -D "
    "taskmanager.memory.network.max=67108864b -D "
    "taskmanager.memory.framework.heap.size=134217728b -D "
    "taskmanager.memory.managed.size=241591914b -D taskmanager.memory.task.heap.size=26843542b -D "
    "taskmanager.numberOfTaskSlots=2 -D taskmanager.memory.jvm-overhead.max=201326592b";

std::string Without(const std::string& key) {
  std::string text = kWhole;
  text.erase(text.find(key), key.size());
  return text;
}

TEST(Granted, ReadsWhatFlinkGaveTheProcess) {
  const Granted granted = GrantedByCommandLine(kWhole);
  ASSERT_TRUE(granted.memory);
  EXPECT_EQ(granted.memory->managed, Bytes{241'591'914});
  EXPECT_EQ(granted.memory->task_heap, Bytes{26'843'542});
  EXPECT_EQ(granted.memory->task_off_heap, Bytes{});
  EXPECT_EQ(granted.memory->JvmHeap(), Bytes{161'061'270});  // its -Xmx
  EXPECT_EQ(granted.memory->total_process, kGiB);
  EXPECT_EQ(granted.slots, 2);
}

TEST(Granted, APartSaysNothingOfTheWhole) {
  for (const char* key :
       {"taskmanager.memory.network.max", "taskmanager.memory.jvm-overhead.max",
        "taskmanager.memory.managed.size", "taskmanager.memory.framework.off-heap.size"}) {
    const Granted granted = GrantedByCommandLine(Without(key));
    EXPECT_FALSE(granted.memory) << key;
    EXPECT_EQ(granted.slots, 2) << key;
  }
}

TEST(Granted, NoSizeIsNoSize) {
  for (const char* size :
       {"=-1b", "=9223372036854775807b", "=12xb", "=b", "=99999999999999999999b"}) {
    std::string text = kWhole;
    const std::string key = "taskmanager.memory.managed.size";
    text.replace(text.find(key) + key.size(), std::string("=241591914b").size(), size);
    EXPECT_FALSE(GrantedByCommandLine(text).memory) << size;
  }
}

TEST(Granted, TheLogIsTakenWhereTheCommandLineIsNotThere) {
  evidence::Evidence evidence;
  evidence::FlinkFacts& flink = evidence.flink.emplace();
  flink.version = "1.20.3";
  flink.slots = 4;
  evidence::FlinkBudgets& budgets = flink.budgets.emplace();
  budgets.framework_heap = budgets.framework_off_heap = 128 * kMiB;
  budgets.task_heap = 26 * kMiB;
  budgets.task_off_heap = Bytes{};
  budgets.network = 64 * kMiB;
  budgets.managed = 230 * kMiB;
  budgets.metaspace = 256 * kMiB;
  EXPECT_FALSE(GrantedOf(evidence).memory);  // no overhead
  budgets.overhead = 192 * kMiB;
  const Granted granted = GrantedOf(evidence);
  ASSERT_TRUE(granted.memory);
  EXPECT_EQ(granted.memory->total_process, 1024 * kMiB);
  EXPECT_EQ(granted.slots, 4);
  EXPECT_EQ(granted.version, "1.20.3");

  evidence.process.command_line = kWhole;
  EXPECT_EQ(GrantedOf(evidence).memory->managed, Bytes{241'591'914});
  EXPECT_EQ(GrantedOf(evidence).slots, 2);
}

}  // namespace
}  // namespace wrackline::report
