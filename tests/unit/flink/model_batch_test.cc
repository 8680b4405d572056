// Every recorded row of every kind and release, asked as `wrackline model --batch` asks it: the
// answer is the row, byte for byte. And what is no row.
#include "analyzer/flink/model_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace wrackline::flink {
namespace {

using Json = nlohmann::ordered_json;

const std::map<std::string, std::vector<std::string>> kAsked = {
    {"flink-memory", {"id", "cat", "mode", "config"}},
    {"jobmanager-memory", {"id", "cat", "mode", "config"}},
    {"rocksdb-memory",
     {"managed_bytes", "write_buffer_ratio", "high_prio_pool_ratio", "write_buffer_size"}},
    {"slot-managed",
     {"managed_bytes", "slots", "consumer_weights", "use_cases", "state_backend_uses_managed",
      "use_case"}},
    {"flink-conf-parse", {"id", "file", "text"}}};

struct Recorded {
  std::string kind, release, file;
};

std::string DataFolder() { return std::string(WRACKLINE_TEST_DATA) + "/flink/"; }

std::vector<Recorded> Releases() {
  std::ifstream stream(DataFolder() + "releases.txt");
  std::vector<Recorded> all;
  for (std::string line; std::getline(stream, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    Recorded recorded;
    words >> recorded.kind >> recorded.release >> recorded.file;
    all.push_back(recorded);
  }
  return all;
}

TEST(ModelBatch, AnswersEveryRecordedRowToTheByte) {
  std::map<std::string, std::size_t> rows;
  for (const Recorded& recorded : Releases()) {
    const auto kind = ParseBatchKind(recorded.kind);
    const auto version = ParseVersion(recorded.release);
    ASSERT_TRUE(kind && version.ok()) << recorded.kind << ' ' << recorded.release;
    std::ifstream stream(DataFolder() + recorded.kind + "/" + recorded.file + ".jsonl");
    ASSERT_TRUE(stream.good()) << recorded.kind << ' ' << recorded.file;
    for (std::string line; std::getline(stream, line); ++rows[recorded.kind]) {
      const Json row = Json::parse(line);
      Json asked = Json::object();
      for (const std::string& field : kAsked.at(recorded.kind)) asked[field] = row.at(field);
      const Answer answer = AnswerRow(*kind, version.value(), asked.dump());
      EXPECT_TRUE(answer.asked_well);
      EXPECT_EQ(answer.row, line) << recorded.kind << " of " << recorded.release;
    }
  }
  EXPECT_EQ(rows["flink-memory"], 2108u);
  EXPECT_EQ(rows["jobmanager-memory"], 476u);
  EXPECT_EQ(rows["rocksdb-memory"], 1173u);
  EXPECT_EQ(rows["slot-managed"], 796u);
  EXPECT_EQ(rows["flink-conf-parse"], 177u);
}

Json Ask(BatchKind kind, const std::string& row, bool asked_well = true) {
  const Answer answer = AnswerRow(kind, Version{1, 20, 5}, row);
  EXPECT_EQ(answer.asked_well, asked_well) << row;
  return Json::parse(answer.row);
}

TEST(ModelBatch, SaysWhatIsWrongWithALine) {
  const auto error = [](BatchKind kind, const std::string& row) {
    const Json answer = Ask(kind, row, false);
    EXPECT_EQ(answer.at("ok"), false);
    EXPECT_EQ(answer.at("error_class"), "wrackline");
    return answer.at("error").get<std::string>();
  };
  using enum BatchKind;
  EXPECT_EQ(error(kTaskManager, "{"), "the line is not JSON");
  EXPECT_EQ(error(kTaskManager, "[]"), "the line is not a JSON object");
  EXPECT_EQ(error(kTaskManager, R"({"mode":"standalone"})"), "the row has no \"config\"");
  EXPECT_EQ(error(kTaskManager, R"({"mode":"yarn","config":{}})"),
            "\"mode\" is neither \"standalone\" nor \"containerized\"");
  EXPECT_EQ(error(kTaskManager, R"({"mode":"standalone","config":{"a":1}})"),
            "\"config\": the value of \"a\" is not a text");
  EXPECT_EQ(error(kConfiguration, R"({"file":"config.yaml"})"), "the row has no \"text\"");
  EXPECT_EQ(error(kRocksDb, R"({"managed_bytes":9223372036854775808})"),
            "\"managed_bytes\" is not a whole number of 64 bits");
  EXPECT_EQ(error(kTaskManager, std::string(100000, '[')),
            "the line nests more than 32 levels deep");
}

TEST(ModelBatch, KeepsFieldsThatItDoesNotKnow) {
  const Json answer =
      Ask(BatchKind::kTaskManager, R"({"mine":[1],"mode":"standalone","config":{}})");
  EXPECT_EQ(answer.begin().key(), "mine");
  EXPECT_EQ(answer.at("ok"), false);
}

// Seen on Flink 1.20.5 and 2.3.0: the exception, and what its YAML library says of the place.
TEST(ModelBatch, RefusesConfigYamlAsFlinkDoes) {
  const auto cause = [](const std::string& text) {
    const Json answer =
        Ask(BatchKind::kConfiguration, Json{{"file", "config.yaml"}, {"text", text}}.dump());
    EXPECT_EQ(answer.at("error_class"), "java.lang.RuntimeException");
    EXPECT_EQ(answer.at("error"), "Error parsing YAML configuration.");
    return answer.at("causes").at(0).at(1).get<std::string>();
  };
  EXPECT_EQ(cause("a: 1\na: 2\n"),
            "while constructing a mapping\n in reader, line 1, column 1\n"
            "found duplicate key a\n in reader, line 2, column 1\n");
  EXPECT_EQ(cause("a:\n"), "Value must not be null.");
  EXPECT_EQ(cause("a: 1\n---\nb: 2\n"),
            "expected a single document in the stream\n in reader, line 1, column 1\n"
            "but found another document\n in reader, line 2, column 1\n");
  EXPECT_EQ(cause("1: 2\n"),
            "class java.lang.Integer cannot be cast to class java.lang.String (java.lang.Integer "
            "and java.lang.String are in module java.base of loader 'bootstrap')");
  EXPECT_EQ(cause("a: b: c\n"),
            "mapping values are not allowed here\n in reader, line 1, column 5\n");
  EXPECT_EQ(cause("a: *y\n"), "\nfound undefined alias y\n in reader, line 1, column 4\n");
  EXPECT_EQ(cause("a: @x\n"),
            "while scanning for the next token\nfound character '@' that cannot start any token. "
            "(Do not use @ for indentation)\n in reader, line 1, column 4\n");
  EXPECT_EQ(cause("- a\n"),
            "class java.util.ArrayList cannot be cast to class java.util.Map (java.util.ArrayList "
            "and java.util.Map are in module java.base of loader 'bootstrap')");
}

// The model and Flink read the cores after the memory.
TEST(ModelBatch, RefusesATaskManagerWithoutCores) {
  EXPECT_EQ(
      Ask(BatchKind::kTaskManager,
          R"({"mode":"standalone","config":{"taskmanager.memory.process.size":"2g",)"
          R"("taskmanager.numberOfTaskSlots":"0"}})")
          .at("error"),
      "TaskManager memory configuration failed: TaskExecutors need to be started with a positive "
      "number of CPU cores. Please configure taskmanager.cpu.cores accordingly.");
}

}  // namespace
}  // namespace wrackline::flink
