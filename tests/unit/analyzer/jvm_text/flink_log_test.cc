#include "analyzer/evidence/flink_log.h"

#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

FlinkLog Log(const std::string& name) {
  const std::string text = Sample("flink/" + name);
  EXPECT_TRUE(IsFlinkLog(FileOf(name, text))) << name;
  return ParseFlinkLog(text);
}

// 1 GiB with one GiB's defaults, as memparams.txt beside the captures says it.
void ExpectOneGibibyte(const FlinkBudgets& budgets) {
  EXPECT_EQ(budgets.process, kGiB);
  EXPECT_EQ(budgets.flink, Bytes{603979776});
  EXPECT_EQ(budgets.framework_heap, 128 * kMiB);
  EXPECT_EQ(budgets.task_heap, Bytes{26843542});
  EXPECT_EQ(budgets.framework_off_heap, 128 * kMiB);
  EXPECT_EQ(budgets.task_off_heap, Bytes{0});
  EXPECT_EQ(budgets.network, 64 * kMiB);
  EXPECT_EQ(budgets.managed, Bytes{241591914});
  EXPECT_EQ(budgets.metaspace, 256 * kMiB);
  EXPECT_EQ(budgets.overhead, 192 * kMiB);
}

TEST(FlinkLog, OfAKilledTaskManager) {
  const FlinkLog log = Log("unmanaged-1g-2slots.log");
  EXPECT_FALSE(log.job_manager);
  const FlinkFacts& facts = log.facts;
  EXPECT_EQ(facts.version, "1.20.3");
  EXPECT_EQ(facts.java_version, "17.0.15+6-Debian-1deb12u1");
  ASSERT_TRUE(facts.budgets.has_value());
  ExpectOneGibibyte(*facts.budgets);
  EXPECT_EQ(facts.slots, 2);
  EXPECT_EQ(facts.resource_id, "127.0.0.1:16122-bf5b0e");
  EXPECT_EQ(facts.max_heap, Bytes{161061270});
  EXPECT_EQ(facts.max_direct, 192 * kMiB);
  EXPECT_EQ(facts.max_metaspace, 256 * kMiB);
  EXPECT_THAT(facts.jvm_options, ::testing::Contains("-XX:NativeMemoryTracking=summary"));
  EXPECT_TRUE(facts.rocksdb);
  EXPECT_FALSE(facts.rocksdb_managed);
  EXPECT_FALSE(facts.rocksdb_cache.has_value());
  EXPECT_EQ(facts.state_backend, "EmbeddedRocksDBStateBackend");
  EXPECT_EQ(facts.restarts, 0);
  EXPECT_EQ(facts.starts, 1);
  EXPECT_FALSE(facts.exit_code.has_value());
}

TEST(FlinkLog, OfManagedRocksDb) {
  const FlinkFacts two = Log("managed-1g-2slots.log").facts;
  EXPECT_TRUE(two.rocksdb_managed);
  EXPECT_EQ(two.rocksdb_cache, Bytes{120795957});
  const FlinkFacts newer = Log("flink2.3-managed.log").facts;
  EXPECT_EQ(newer.version, "2.3.0");
  EXPECT_EQ(newer.rocksdb_cache, Bytes{241591914});
  ExpectOneGibibyte(*newer.budgets);
}

TEST(FlinkLog, OfTheStartScript) {
  for (const char* name : {"bash_1.20.3_GET_TM.txt", "bash_2.3.0_GET_TM.txt", "memparams.txt"}) {
    const FlinkLog log = Log(name);
    ASSERT_TRUE(log.facts.budgets.has_value()) << name;
    ExpectOneGibibyte(*log.facts.budgets);
    EXPECT_EQ(log.facts.max_direct, 192 * kMiB) << name;
    EXPECT_EQ(log.facts.slots, 1) << name;
  }
  // The table alone, as docker's entry point leaves it.
  std::string table = Sample("flink/bash_1.20.3_GET_TM.txt");
  table = table.substr(0, table.find("BASH_JAVA"));
  ExpectOneGibibyte(*ParseFlinkLog(table).facts.budgets);
}

TEST(FlinkLog, AJobManagersMemoryIsNotTheTaskManagers) {
  const std::string start =
      "2026-11-28 20:28:46,348 INFO  org.apache.flink.runtime.entrypoint.ClusterEntrypoint [] -  "
      "Starting KubernetesApplicationClusterEntrypoint (Version: 1.20.3, Scala: 2.12)\n"
      "2026-11-28 20:28:46,348 INFO  org.apache.flink.runtime.entrypoint.ClusterEntrypoint [] -  "
      "JVM "
      "Options:\n"
      "2026-11-28 20:28:46,348 INFO  org.apache.flink.runtime.entrypoint.ClusterEntrypoint [] -    "
      " "
      "-Xmx469762048\n"
      "2026-11-28 20:29:46,348 INFO  org.apache.flink.runtime.executiongraph.ExecutionGraph [] - "
      "Job "
      "orders (00000000000000000000000000000000) switched from state RUNNING to RESTARTING.\n";
  ASSERT_TRUE(IsFlinkLog(FileOf("jm.log", start)));
  Evidence evidence;
  const auto said = AddFlinkLog(FileOf("jm.log", start), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said.value(), "a JobManager of Flink 1.20.3, 1 job restarts");
  EXPECT_EQ(evidence.flink->version, "1.20.3");
  EXPECT_FALSE(evidence.flink->budgets.has_value());
  EXPECT_FALSE(evidence.flink->max_heap.has_value());
  EXPECT_EQ(evidence.flink->restarts, 1);
  EXPECT_FALSE(Log("bash_1.20.3_GET_JM.txt").facts.budgets.has_value());
}

TEST(FlinkLog, TheLastStartCounts) {
  const std::string text =
      Sample("flink/unmanaged-1g-2slots.log") + Sample("flink/flink2.3-managed.log");
  const FlinkFacts facts = ParseFlinkLog(text).facts;
  EXPECT_EQ(facts.starts, 2);
  EXPECT_EQ(facts.version, "2.3.0");
  EXPECT_TRUE(facts.rocksdb_managed);
  EXPECT_EQ(facts.slots, 1);
}

// Bounded beside managed memory is not unbounded; and Java reads a boolean in any case.
TEST(FlinkLog, WhatBoundsRocksDb) {
  const auto with = [](std::initializer_list<const char*> properties) {
    std::string text;
    for (const char* property : properties)
      text +=
          "2026-11-28 20:28:46,348 INFO  o.a.f.configuration.GlobalConfiguration [] - Loading "
          "configuration property: state.backend.rocksdb.memory." +
          std::string(property) + "\n";
    return ParseFlinkLog(text).facts;
  };
  EXPECT_TRUE(with({}).rocksdb_managed);
  EXPECT_FALSE(with({"managed, FALSE"}).rocksdb_managed);
  const FlinkFacts slot = with({"managed, false", "fixed-per-slot, 256m"});
  EXPECT_TRUE(slot.rocksdb_managed);
  EXPECT_TRUE(slot.rocksdb_fixed);
  EXPECT_TRUE(with({"fixed-per-tm, 256m", "managed, false"}).rocksdb_fixed);
  EXPECT_FALSE(with({"fixed-per-tm, 256m", "managed, true"}).rocksdb_fixed);
}

TEST(FlinkLog, AttemptsExitsAndJson) {
  const FlinkFacts facts =
      ParseFlinkLog(
          "2026-11-28 20:28:46,348 INFO  org.apache.flink.runtime.taskexecutor.TaskExecutor [] - "
          "Received task window -> Sink: sink2 (1/2)#3 (1dbb2d016720c924d86dd50cff35b564), deploy "
          "into slot with allocation id 254d984abb973ecf2dadf6b4d186764c.\n"
          R"({"@timestamp":"2026","level":"INFO","message":"Obtained shared RocksDB cache of size 1024 bytes"})"
          "\n"
          "2026-11-28 20:28:46,348 ERROR org.apache.flink.util.FatalExitExceptionHandler [] - "
          "FATAL: "
          "Thread 'x' produced an uncaught exception. Stopping the process...\n")
          .facts;
  EXPECT_EQ(facts.restarts, 3);
  EXPECT_EQ(facts.rocksdb_cache, kKiB);
  EXPECT_EQ(facts.exit_code, -17);
  EXPECT_EQ(ParseFlinkLog("2026-11-28 20:28:46,348 INFO  o.a.f.r.t.TaskManagerRunner [] - "
                          "Terminating TaskManagerRunner with exit code 1.\n")
                .facts.exit_code,
            1);
}

TEST(FlinkLog, WhatIsNoneIsNotTaken) {
  for (const char* text :
       {"", "flink\nflink\nflink\n", "2026-11-28 20:28:46,348 INFO  kafka.Server [] - started\n",
        "[0.01s][info][gc] Using G1\n"}) {
    EXPECT_FALSE(IsFlinkLog(FileOf("log", text))) << text;
  }
  EXPECT_FALSE(IsFlinkLog(FileOf("log", Sample("nmt_17_summary.txt"))));
}

TEST(FlinkLog, ErrorsAreTakenWithIt) {
  const std::string text =
      Sample("flink/managed-1g-2slots.log") + Sample("errors/flink_uncaught.log");
  Evidence evidence;
  const auto said = AddFlinkLog(FileOf("tm.log", text), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said.value(),
            "a TaskManager of Flink 1.20.3, 1.00 GiB of process memory, RocksDB's shared cache "
            "115.2 MiB, ended with exit code -17; the Java heap ran out");
  EXPECT_EQ(evidence.flink->budgets->origin, "tm.log");
  // What the VM was started with is known, though nobody asked it for figures.
  ASSERT_TRUE(evidence.jvm.has_value());
  EXPECT_EQ(evidence.jvm->vm_name, "OpenJDK 64-Bit Server VM");
  EXPECT_EQ(evidence.jvm->collector, "G1");
  EXPECT_EQ(evidence.jvm->max_metaspace, 256 * kMiB);
  EXPECT_EQ(evidence.jvm->max_direct_memory, 192 * kMiB);
  EXPECT_TRUE(evidence.jvm->figures.empty());
  EXPECT_TRUE(evidence.jvm->origin.empty());
  ASSERT_EQ(evidence.java_errors.size(), 1u);
  // Another TaskManager's log does not change what is known of this one.
  const std::string other = Sample("flink/unmanaged-1g-2slots.log");
  const auto second = AddFlinkLog(FileOf("tm2.log", other), &evidence);
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(second.value(), ::testing::HasSubstr("nothing of it is taken"));
  EXPECT_TRUE(evidence.flink->rocksdb_managed);
}

}  // namespace
}  // namespace wrackline::test
