#include "analyzer/evidence/flink_config_source.h"

#include "analyzer/evidence/flink_log.h"
#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

TEST(FlinkConfigSource, GivesBudgetsWithoutALog) {
  const std::string text = Sample("flink/config.yaml");
  const SourceFile file = FileOf("conf/config.yaml", text);
  ASSERT_TRUE(IsFlinkConfig(file));
  Evidence evidence;
  const auto said = AddFlinkConfig(file, &evidence);
  ASSERT_TRUE(said.ok()) << said.error().Text();
  EXPECT_EQ(said.value(),
            "1.00 GiB of process memory under Flink 1.20.0's rules, as no log says which version "
            "it was");
  const FlinkFacts& facts = *evidence.flink;
  // To the byte what the start script derived (memparams.txt).
  EXPECT_EQ(facts.budgets->managed, Bytes{241591914});
  EXPECT_EQ(facts.budgets->task_heap, Bytes{26843542});
  EXPECT_EQ(facts.budgets->overhead, 192 * kMiB);
  EXPECT_EQ(facts.budgets->origin, "config.yaml under Flink 1.20.0's rules");
  EXPECT_FALSE(facts.rocksdb_managed);
  EXPECT_FALSE(facts.rocksdb);
  EXPECT_EQ(facts.slots, 1);
  EXPECT_EQ(facts.state_backend, "rocksdb");
  EXPECT_EQ(facts.flink_config_path, "conf/config.yaml");
  EXPECT_EQ(facts.flink_config_text, text);
  // The second is not mixed in.
  EXPECT_FALSE(AddFlinkConfig(FileOf("other.yaml", text), &evidence).ok());
}

TEST(FlinkConfigSource, TheLogCounts) {
  const std::string log = Sample("flink/unmanaged-1g-2slots.log");
  Evidence evidence;
  ASSERT_TRUE(AddFlinkLog(FileOf("tm.log", log), &evidence).ok());
  const auto said = AddFlinkConfig(
      FileOf("config.yaml",
             "taskmanager.memory.process.size: 4g\ntaskmanager.numberOfTaskSlots: 8\n"),
      &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said.value(), "kept for the proposal; the log's own budgets count");
  EXPECT_EQ(evidence.flink->budgets->process, kGiB);
  EXPECT_EQ(evidence.flink->budgets->origin, "tm.log");
  EXPECT_EQ(evidence.flink->slots, 2);
  EXPECT_FALSE(evidence.flink->rocksdb_managed);
  EXPECT_FALSE(evidence.flink->flink_config_text.empty());
}

TEST(FlinkConfigSource, TheLogsVersionHasItsRules) {
  // Flink 2 does not read flink-conf.yaml.
  Evidence evidence;
  evidence.flink.emplace().version = "2.1.0";
  const std::string flat = "taskmanager.memory.process.size: 4g\n";
  EXPECT_FALSE(AddFlinkConfig(FileOf("flink-conf.yaml", flat), &evidence).ok());
  EXPECT_TRUE(evidence.flink->flink_config_path.empty());
  EXPECT_TRUE(AddFlinkConfig(FileOf("config.yaml", flat), &evidence).ok());
  EXPECT_EQ(evidence.flink->budgets->process, 4 * kGiB);
}

TEST(FlinkConfigSource, ARefusedOneIsStillKept) {
  Evidence evidence;
  const auto said =
      AddFlinkConfig(FileOf("config.yaml", "taskmanager.numberOfTaskSlots: 2\n"), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_THAT(said.value(),
              ::testing::StartsWith("no budgets: under Flink 1.20.0's rules it is refused"));
  EXPECT_FALSE(evidence.flink->budgets.has_value());
  EXPECT_FALSE(evidence.flink->flink_config_text.empty());
}

TEST(FlinkConfigSource, RecognisesItsOwnOnly) {
  EXPECT_TRUE(
      IsFlinkConfig(FileOf("a", "taskmanager:\n  memory:\n    process:\n      size: 4g\n")));
  EXPECT_TRUE(IsFlinkConfig(FileOf("a", "# mine\nenv.java.opts.all: --add-exports=a=b -Dx:y\n")));
  for (const std::string& text :
       {std::string(), std::string("taskmanager\n"),
        std::string(
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  config.yaml: |\n    taskmanager.x: 1\n"),
        std::string("taskmanager.memory.process.size is what counts: always\nso set it\n"),
        std::string("server:\n  port: 80\n"), Sample("flink/memparams.txt"),
        Sample("flink/managed-1g-2slots.log"), Sample("nmt_17_summary.txt")}) {
    EXPECT_FALSE(IsFlinkConfig(FileOf("a", text))) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace wrackline::test
