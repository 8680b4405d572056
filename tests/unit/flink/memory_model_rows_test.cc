// Every recorded row of every release: bytes, JVM arguments, and the exception with its causes, all
// equal.
#include "analyzer/flink/memory_model.h"
#include "tests/unit/flink/recorded_rows.h"

namespace wrackline::flink {
namespace {

class MemoryModelRows : public ::testing::TestWithParam<RecordedFile> {};

nlohmann::json AsJson(const TaskManagerMemory& m) {
  return {{"framework_heap", m.framework_heap.count},
          {"task_heap", m.task_heap.count},
          {"framework_offheap", m.framework_off_heap.count},
          {"task_offheap", m.task_off_heap.count},
          {"network", m.network.count},
          {"managed", m.managed.count},
          {"jvm_metaspace", m.jvm_metaspace.count},
          {"jvm_overhead", m.jvm_overhead.count},
          {"total_flink", m.total_flink.count},
          {"total_process", m.total_process.count}};
}

nlohmann::json Answer(const nlohmann::json& row, Version version) {
  Configuration configuration;
  for (const auto& [key, value] : row.at("config").items())
    configuration.Set(key, value.get<std::string>());
  const Mode mode = row.at("mode") == "standalone" ? Mode::kStandalone : Mode::kContainerized;
  const auto outcome = EvaluateTaskManagerMemory(configuration, version, mode);
  nlohmann::json answer = {{"id", row.at("id")},
                           {"cat", row.at("cat")},
                           {"mode", row.at("mode")},
                           {"config", row.at("config")}};
  if (const auto* memory = std::get_if<TaskManagerMemory>(&outcome)) {
    answer["ok"] = true;
    answer["bytes"] = AsJson(*memory);
    answer["jvm_args"] = memory->JvmArguments();
  } else {
    const auto& exception = std::get<JavaException>(outcome);
    answer["ok"] = false;
    answer["error_class"] = exception.error_class;
    answer["error"] = exception.message;
    for (const auto& cause : exception.causes) {
      answer["causes"].push_back(nlohmann::json::array({cause.error_class, cause.message}));
    }
  }
  return answer;
}

TEST_P(MemoryModelRows, EveryRowIsEqual) {
  const auto version = ParseVersion(GetParam().version);
  ASSERT_TRUE(version.ok());
  for (const auto& row : LoadRows("flink-memory", GetParam().file)) {
    EXPECT_EQ(Answer(row, version.value()), row) << row.at("id");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Releases, MemoryModelRows,
    ::testing::Values(RecordedFile{"1.10.0", "1.10.0"}, RecordedFile{"1.10.1", "1.10.1"},
                      RecordedFile{"1.10.3", "1.10.1"}, RecordedFile{"1.11.6", "1.11.6"},
                      RecordedFile{"1.12.7", "1.11.6"}, RecordedFile{"1.13.6", "1.11.6"},
                      RecordedFile{"1.14.6", "1.11.6"}, RecordedFile{"1.15.4", "1.11.6"},
                      RecordedFile{"1.16.3", "1.11.6"}, RecordedFile{"1.17.2", "1.17.2"},
                      RecordedFile{"1.18.1", "1.17.2"}, RecordedFile{"1.19.3", "1.17.2"},
                      RecordedFile{"1.20.5", "1.17.2"}, RecordedFile{"2.0.2", "2.0.2"},
                      RecordedFile{"2.1.3", "2.0.2"}, RecordedFile{"2.2.1", "2.0.2"},
                      RecordedFile{"2.3.0", "2.0.2"}),
    NameOf);

}  // namespace
}  // namespace wrackline::flink
