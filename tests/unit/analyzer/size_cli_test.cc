// The built command's size, on recordings of real TaskManagers: exit statuses, formats, sources (docs/backtest.md, docs/sizing.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace wrackline {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kGlibc = WRACKLINE_TEST_DATA "/recordings/taskmanager_glibc_killed.wrackpack";
constexpr const char* kJemalloc =
    WRACKLINE_TEST_DATA "/recordings/taskmanager_jemalloc_killed.wrackpack";
// A kill of a process that is no TaskManager.
constexpr const char* kFourStates = WRACKLINE_TEST_DATA "/recordings/four_states_killed.wrackpack";

struct Done {
  int status = -1;
  std::string output;  // both streams
};

class SizeCli : public ::testing::Test {
 protected:
  SizeCli() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-size-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    config_ = Make("flink-conf.yaml",
                   "taskmanager.memory.process.size: 1024m\n"
                   "taskmanager.numberOfTaskSlots: 2\n");
  }
  ~SizeCli() override { fs::remove_all(folder_); }

  std::string Make(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  static Done Size(const std::string& arguments) {
    Done done;
    std::FILE* pipe =
        popen((std::string(WRACKLINE_BINARY) + " size " + arguments + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer{};
    while (const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe))
      done.output.append(buffer.data(), length);
    done.status = WEXITSTATUS(pclose(pipe));
    return done;
  }
  Done Check(const std::string& arguments) const {
    return Size("--check --config " + config_ + " " + arguments);
  }

  fs::path folder_;
  std::string config_;
};

TEST_F(SizeCli, CheckSaysByItsStatusWhetherItLives) {
  const std::string dump = kGlibc;
  EXPECT_EQ(Check("--limit 1500m " + dump).status, 0);
  EXPECT_EQ(Check("--limit 1500m --headroom 1400m " + dump).status, 1);
  const Done small = Check("--limit 300m " + dump);
  EXPECT_EQ(small.status, 1);
  EXPECT_THAT(small.output, AllOf(HasSubstr("It would have died."), HasSubstr("The kernel kills")));
  EXPECT_THAT(small.output, HasSubstr("is larger than the limit"));
}

TEST_F(SizeCli, BadInputIsTwoAndOneLine) {
  const std::string dump = kGlibc;
  const std::string refused = Make("refused.yaml", "taskmanager.memory.process.size: 100m\n");
  const std::string nothing = Make("nothing.jsonl", "no run\n");
  for (const std::string& arguments :
       {std::string(), std::string("--check"), std::string("--check ") + kFourStates + "x",
        "--check --config /nonexistent " + dump, "--check --config " + refused + " " + dump,
        "--check --limit none " + dump, "--check --headroom 100% " + dump, "--confidence 0 " + dump,
        "--format yaml " + dump, "--check --format patch " + dump, "--check --minimize " + dump,
        "--flink-version x " + dump, "--check " + nothing,
        "--check --config " + config_ + " " + config_}) {
    const Done done = Size(arguments);
    EXPECT_EQ(done.status, 2) << arguments << "\n" << done.output;
    EXPECT_THAT(done.output, HasSubstr("wrackline: ")) << arguments;
    EXPECT_LE(std::count(done.output.begin(), done.output.end(), '\n'), 2) << done.output;
  }
}

TEST_F(SizeCli, AMisspeltCommandIsSuggested) {
  std::FILE* pipe = popen((std::string(WRACKLINE_BINARY) + " sise 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe);
  EXPECT_EQ(WEXITSTATUS(pclose(pipe)), 2);
  EXPECT_THAT(std::string(buffer.data(), length), HasSubstr("did you mean 'size'?"));
}

TEST_F(SizeCli, HelpTeaches) {
  const Done help = Size("--help");
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("wrackline size --check --config"),
                                 HasSubstr("--headroom"), HasSubstr("Exit status")));
}

TEST_F(SizeCli, CheckInEveryFormat) {
  const std::string dumps = std::string("--limit 1500m ") + kGlibc + " " + kJemalloc;
  EXPECT_THAT(Check(dumps).output,
              AllOf(HasSubstr("All 2 runs would have lived"), HasSubstr("--limit")));
  const Done json = Check("--format json " + dumps);
  const nlohmann::json parsed = nlohmann::json::parse(json.output);
  EXPECT_EQ(parsed["backtest"]["replays"].size(), 2U);
  EXPECT_EQ(parsed["backtest"]["survives"], true);
  const Done markdown = Check("--format markdown " + dumps);
  EXPECT_THAT(markdown.output, AllOf(HasSubstr("### Back-test"), HasSubstr("| run | ends by |")));
  // To a file, and nothing else said.
  const Done file = Check("--format json -o " + Path("answer.json") + " " + dumps);
  EXPECT_EQ(file.output, "");
  EXPECT_EQ(nlohmann::json::parse(Read(Path("answer.json"))), parsed);
}

// A configuration that was recorded with predicts what was recorded.
TEST_F(SizeCli, TheRecordedConfigurationPredictsTheRecordedPeak) {
  for (const char* dump : {kGlibc, kJemalloc}) {
    const Done done = Check(std::string("--limit 4g --format json ") + dump);
    const nlohmann::json replay = nlohmann::json::parse(done.output)["backtest"]["replays"][0];
    ASSERT_EQ(replay["parts"].size(), 5U);
    for (const nlohmann::json& part : replay["parts"])
      EXPECT_EQ(part["recorded"], part["predicted"]) << dump << " " << part["name"];
    EXPECT_GT(replay["peak"].get<long>(), 250L << 20);
    EXPECT_LE(replay["peak"].get<long>(), 1100L << 20);
  }
}

TEST_F(SizeCli, TheLimitIsTheProcessSizeOrTheManifests) {
  const std::string dump = kGlibc;
  const auto limit = [](const Done& done) {
    return nlohmann::json::parse(done.output)["backtest"]["limit"].get<long>();
  };
  EXPECT_EQ(limit(Check("--format json " + dump)), 1L << 30);
  EXPECT_EQ(limit(Check("--format json --limit 3g " + dump)), 3L << 30);
  const std::string manifest =
      Make("job.yaml",
           "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: job}\n"
           "spec:\n  flinkVersion: v1_20\n  flinkConfiguration:\n"
           "    taskmanager.numberOfTaskSlots: \"2\"\n"
           "  taskManager: {resource: {memory: \"2g\"}}\n");
  EXPECT_EQ(limit(Size("--check --format json --config " + manifest + " " + dump)), 2L << 30);
}

TEST_F(SizeCli, SavedRunsAnswerAsTheRecordingsDo) {
  const std::string dumps = std::string(kGlibc) + " " + kJemalloc;
  const std::string runs = Path("runs.jsonl");
  const Done saved = Size("--save-runs " + runs + " " + dumps);
  EXPECT_EQ(saved.status, 0) << saved.output;
  const Done from_recordings = Check("--format json " + dumps);
  const Done from_runs = Check("--format json " + runs);
  EXPECT_EQ(from_runs.output, from_recordings.output);
  EXPECT_EQ(from_runs.status, from_recordings.status);
  EXPECT_EQ(nlohmann::json::parse(from_runs.output)["backtest"]["replays"].size(), 2U);
  EXPECT_LT(fs::file_size(runs), 200'000U);
}

TEST_F(SizeCli, AFolderIsARunForEachTaskManager) {
  fs::create_directory(folder_ / "lost");
  fs::copy(kGlibc, folder_ / "lost" / "a.wrackpack");
  fs::copy(kJemalloc, folder_ / "lost" / "b.wrackpack");
  fs::copy(kFourStates, folder_ / "lost" / "c.wrackpack");
  fs::copy(config_, folder_ / "lost" / "flink-conf.yaml");
  const Done done =
      Size("--check --limit 2g --format json -o " + Path("answer.json") + " " + Path("lost"));
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("left out: lost/c.wrackpack is of no Java VM"));
  const nlohmann::json answer = nlohmann::json::parse(Read(Path("answer.json")));
  EXPECT_EQ(answer["configuration"], "the configuration of lost");
  ASSERT_EQ(answer["backtest"]["replays"].size(), 2U);
  EXPECT_THAT(answer["backtest"]["replays"][0]["run"].get<std::string>(), HasSubstr("lost/"));
}

// Its keys, put below the file's own, are a configuration that the check passes: the last value of a key wins.
TEST_F(SizeCli, WhatIsProposedHolds) {
  const std::string dumps = std::string(kGlibc) + " " + kJemalloc;
  const std::string fragment = Path("fragment.yaml");
  const Done proposed =
      Size("--config " + config_ + " --minimize --format fragment -o " + fragment + " " + dumps);
  EXPECT_EQ(proposed.status, 0) << proposed.output;
  fs::create_directory(folder_ / "new");
  const std::string changed = Make("new/flink-conf.yaml", Read(config_) + Read(fragment));
  const Done check = Size("--check --format json --config " + changed + " " + dumps);
  EXPECT_EQ(check.status, 0) << Read(changed) << check.output;
  EXPECT_LT(nlohmann::json::parse(check.output)["backtest"]["limit"].get<long>(), 1L << 30);
}

TEST_F(SizeCli, AProposalInEveryFormat) {
  const std::string dumps = std::string("--minimize ") + kGlibc;
  const std::string base = "--config " + config_ + " " + dumps;
  EXPECT_THAT(Size(base).output,
              AllOf(HasSubstr("Sized by 1 run: "), HasSubstr("taskmanager.memory.")));
  const Done json = Size("--format json " + base);
  EXPECT_EQ(json.status, 0);
  EXPECT_EQ(nlohmann::json::parse(json.output)["fits"], true);
  EXPECT_THAT(Size("--format markdown " + base).output, HasSubstr("| component |"));
  EXPECT_THAT(Size("--format diff " + base).output,
              AllOf(HasSubstr(config_), HasSubstr("\n+ taskmanager.memory.process.size: ")));
  EXPECT_THAT(Size("--format fragment " + base).output, HasSubstr("taskmanager.memory."));
  const Done no_pod = Size("--format patch " + base);
  EXPECT_EQ(no_pod.status, 2);
  EXPECT_THAT(no_pod.output, HasSubstr("makes no pod"));
  const std::string manifest =
      Make("job.yaml",
           "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata: {name: job}\n"
           "spec:\n  flinkVersion: v1_20\n  flinkConfiguration:\n"
           "    taskmanager.numberOfTaskSlots: \"2\"\n"
           "  taskManager: {resource: {memory: \"1024m\"}}\n");
  const Done patch = Size("--format patch --config " + manifest + " " + dumps);
  EXPECT_EQ(patch.status, 0) << patch.output;
  EXPECT_THAT(patch.output, AllOf(HasSubstr("spec"), HasSubstr("taskManager")));
}

std::string Pod(const std::string& kind) {
  const std::string pod =
      "{containers: [{name: tm, image: \"flink:1.20.3\", args: [taskmanager], env: [{name: "
      "FLINK_PROPERTIES, value: \"taskmanager.memory.process.size: 1024m\"}]}]}\n";
  return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: tm}\nspec: " +
         (kind == "Pod" ? pod : "{template: {spec: " + pod.substr(0, pod.size() - 1) + "}}\n");
}

TEST_F(SizeCli, APatchIsOfAnObjectThatCanBePatched) {
  const std::string patch = std::string("--format patch --minimize ") + kGlibc + " --config ";
  const Done set = Size(patch + Make("set.yaml", Pod("StatefulSet")));
  EXPECT_EQ(set.status, 0);
  EXPECT_THAT(set.output, HasSubstr("kubectl patch statefulset tm --type strategic"));
  const Done pod = Size(patch + Make("pod.yaml", Pod("Pod")));
  EXPECT_EQ(pod.status, 2);
  EXPECT_THAT(pod.output, HasSubstr("memory of a Pod"));
}

// What goes is no setting: Flink refuses an empty size.
TEST_F(SizeCli, SettingsOfTheJsonAreThoseToSet) {
  const std::string config = Make("flink.yaml", "taskmanager.memory.flink.size: 1280m\n");
  const Done done =
      Size("--format json --limit 1300m --config " + config + " " + std::string(kGlibc));
  const nlohmann::json json = nlohmann::json::parse(done.output);
  ASSERT_EQ(json["fits"], true) << done.output;
  EXPECT_FALSE(json["settings"].contains("taskmanager.memory.flink.size")) << done.output;
  EXPECT_TRUE(json["settings"].contains("taskmanager.memory.process.size")) << done.output;
  EXPECT_THAT(done.output, HasSubstr("taskmanager.memory.flink.size"));  // among the changes
}

// No metric tells how large a write buffer is: the configuration does.
TEST_F(SizeCli, AScrapeIsReadWithTheConfigurationThatIsGiven) {
  const std::string scrape = WRACKLINE_TEST_DATA "/metrics/managed-1g/end.prom";
  const std::string config = Make("managed.yaml", "taskmanager.memory.process.size: 1g\n");
  const Done done = Size("--minimize --format json --config " + config + " " + scrape);
  ASSERT_EQ(done.status, 0) << done.output;
  const nlohmann::json json = nlohmann::json::parse(done.output.substr(done.output.find('{')));
  for (const nlohmann::json& row : json["components"]) {
    if (row["name"] == "managed memory") {
      EXPECT_EQ(row["need"], 28 << 20);
    }
    if (row["name"] == "JVM overhead") {
      EXPECT_GE(row["after"], 192 << 20);
    }
  }
}

TEST_F(SizeCli, WhatCannotFitIsSaidWithTheSmallestLimit) {
  const Done done = Size("--config " + config_ + " --limit 300m " + kGlibc);
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("The smallest limit"));
}

TEST_F(SizeCli, WithoutAConfigurationWhatWasGrantedIsTaken) {
  const Done done = Size(std::string("--check --limit 4g ") + kGlibc);
  EXPECT_EQ(done.status, 0) << done.output;
  EXPECT_THAT(done.output, HasSubstr("what was granted to taskmanager_glibc_killed.wrackpack"));
}

TEST_F(SizeCli, ConfidenceLeavesTheLargestOut) {
  const std::string dumps = std::string("--limit 2g ") + kGlibc + " " + kJemalloc;
  const Done half = Check("--confidence 50% " + dumps);
  EXPECT_EQ(half.status, 0);
  EXPECT_THAT(half.output, HasSubstr("held against 1 of 2 runs"));
  EXPECT_THAT(Check(dumps).output, Not(HasSubstr("held against")));
}

}  // namespace
}  // namespace wrackline
