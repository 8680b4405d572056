// The built command: exit statuses and its one-line errors (docs/cli.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace wrackline {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kKilled = WRACKLINE_TEST_DATA "/recordings/four_states_killed.wrackpack";

struct Done {
  int status = -1;
  std::string output;  // both streams
};

Done Wrackline(const std::string& arguments) {
  Done done;
  std::FILE* pipe = popen((std::string(WRACKLINE_BINARY) + " " + arguments + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe))
    done.output.append(buffer.data(), length);
  done.status = WEXITSTATUS(pclose(pipe));
  return done;
}

long Lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-cli-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~CliTest() override { fs::remove_all(folder_); }
  std::string Make(const std::string& name, const std::string& content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }
  fs::path folder_;
};

TEST_F(CliTest, HelpAndVersion) {
  EXPECT_EQ(Wrackline("--help").status, 0);
  EXPECT_THAT(Wrackline("--version").output, HasSubstr("wrackline 0."));
  for (const char* subcommand : {"run", "report", "diff", "rocksdb", "inspect", "pack"})
    EXPECT_EQ(Wrackline(std::string(subcommand) + " --help").status, 0) << subcommand;
}

TEST_F(CliTest, MistypedSubcommand) {
  const Done done = Wrackline("reprot x");
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.output, HasSubstr("did you mean 'report'?"));
}

TEST_F(CliTest, UsageErrors) {
  for (const char* arguments : {"", "report", "report --format xml x", "report --limit nonsense x",
                                "inspect --section no x"}) {
    const Done done = Wrackline(arguments);
    EXPECT_EQ(done.status, 2) << arguments;
    EXPECT_EQ(Lines(done.output), 1) << done.output;
  }
}

TEST_F(CliTest, BadInputIsOneLineThatSaysWhatToDo) {
  std::string cut;
  {
    std::ifstream whole(kKilled, std::ios::binary);
    cut.assign(std::istreambuf_iterator<char>(whole), {});
    cut.resize(cut.size() / 2);
  }
  const std::vector<std::string> inputs = {folder_.string(),
                                           (folder_ / "none.wrack").string(),
                                           Make("zeros.wrack", std::string(1 << 20, '\0')),
                                           Make("text.wrack", "hello\n"),
                                           Make("empty.wrack", ""),
                                           Make("cut.wrackpack", cut)};
  // The folder as it is now holds only unreadable files.
  for (const std::string& input : inputs) {
    for (const char* command : {"report ", "inspect "}) {
      const Done done = Wrackline(command + input);
      EXPECT_EQ(done.status, 2) << input;
      EXPECT_EQ(Lines(done.output), 1) << done.output;
      EXPECT_THAT(done.output, ::testing::StartsWith("wrackline: "));
    }
  }
}

TEST_F(CliTest, ReportOfARealKill) {
  const Done text = Wrackline(std::string("report ") + kKilled);
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.output, HasSubstr("Killed by the kernel's OOM killer at 350.0 of 350.0 MiB."));
  const std::string output = (folder_ / "report.json").string();
  EXPECT_EQ(
      Wrackline(std::string("report --format json --output ") + output + " " + kKilled).status, 0);
  EXPECT_TRUE(fs::exists(output));
  EXPECT_EQ(Wrackline(std::string("report --output /nonexistent/x ") + kKilled).status, 2);
}

TEST_F(CliTest, SymbolsOfAFolder) {
  for (const char* command : {"report ", "inspect --format json "}) {
    const Done missing = Wrackline(std::string(command) + kKilled + " --symbols /nowhere/at/all");
    EXPECT_EQ(missing.status, 2);
    EXPECT_EQ(Lines(missing.output), 1) << missing.output;
    EXPECT_THAT(missing.output, HasSubstr("/nowhere/at/all: No such file or directory (give"));
    // One that has nothing for it changes nothing, and says so; the option may be repeated, and
    // does not swallow what follows it.
    const Done empty = Wrackline(std::string(command) + "--symbols " + folder_.string() +
                                 " --symbols " + folder_.string() + " " + kKilled);
    EXPECT_EQ(empty.status, 0);
    EXPECT_THAT(empty.output, HasSubstr("0 frames named, 0 lines found"));
  }
  EXPECT_EQ(Wrackline(std::string("inspect --records --symbols /tmp ") + kKilled).status, 2);
}

constexpr const char* kManaged = WRACKLINE_TEST_DATA "/metrics/managed-1g/end.prom";
constexpr const char* kUnmanaged = WRACKLINE_TEST_DATA "/metrics/unmanaged-1g/end.prom";

TEST_F(CliTest, RocksDbOfAScrape) {
  const Done done = Wrackline(std::string("rocksdb ") + kManaged);
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.output, HasSubstr("191.8 MiB of 192.0 MiB"));
  EXPECT_THAT(done.output, HasSubstr("8.2 times"));
  EXPECT_THAT(Wrackline(std::string("rocksdb - < ") + kManaged).output,
              HasSubstr("191.8 MiB of 192.0 MiB"));
  EXPECT_THAT(Wrackline(std::string("rocksdb --format json ") + kUnmanaged).output,
              HasSubstr("\"naive_sum\""));
  // Two TaskManagers: both are shown; of one of them, named, only that.
  const std::string both = std::string("rocksdb ") + kManaged + " " + kUnmanaged;
  EXPECT_THAT(Wrackline(both).output, HasSubstr("c54896"));
  EXPECT_THAT(Wrackline(both).output, HasSubstr("4f4c33"));
  EXPECT_THAT(Wrackline(both + " --taskmanager 127_0_0_1:16122_4f4c33").output,
              ::testing::Not(HasSubstr("c54896")));
}

TEST_F(CliTest, RocksDbOfARecording) {
  const Done done = Wrackline(std::string("rocksdb ") + kKilled);
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.output, HasSubstr("1 database, 4 column"));
  EXPECT_THAT(done.output,
              HasSubstr("RocksDB holds                                       294.6 MiB"));
  EXPECT_THAT(done.output, HasSubstr("nothing is shared"));
}

TEST_F(CliTest, RocksDbOfNothingIsAnErrorThatSaysWhatToDo) {
  const std::string cut = Make("cut.prom", "up 1\nup 2");
  const std::string bad = Make("bad.prom", "flink_up 1\nflink_up{\n");
  const std::string none = Make("none.prom", "up 1\n");
  const std::string idle =
      Make("idle.prom", "flink_taskmanager_Status_JVM_Memory_Heap_Used{tm_id=\"a\"} 1\n");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"rocksdb " + cut, "cut.prom: line 2: the last line has no end"},
      {"rocksdb " + bad, "bad.prom: line 2: "},
      {"report " + bad, "bad.prom: line 2: "},
      {"rocksdb " + none, "no metric of a Flink TaskManager"},
      {"rocksdb " + idle, "state.backend.rocksdb.metrics.block-cache-usage"},
      {"rocksdb " + Make("text", "hello\n"), ""},
      {"rocksdb /nowhere/x.prom", "/nowhere/x.prom"},
      {std::string("rocksdb ") + kKilled + " " + kManaged, "one recording, or"},
      {std::string("rocksdb ") + kManaged + " --taskmanager x", "127_0_0_1:16122_c54896"},
      {std::string("rocksdb ") + kManaged + " --config /nowhere/c", "/nowhere/c"},
      {std::string("report ") + kKilled + " --scrape " + kManaged, "not both"},
      {std::string("report ") + kKilled + " --taskmanager x", "for scrapes"},
      {"report --scrape /nowhere/x.prom", "/nowhere/x.prom"}};
  for (const auto& [arguments, says] : cases) {
    const Done done = Wrackline(arguments);
    EXPECT_EQ(done.status, 2) << arguments;
    EXPECT_EQ(Lines(done.output), 1) << done.output;
    EXPECT_THAT(done.output, HasSubstr(says));
  }
}

TEST_F(CliTest, ReportOfAScrapeAndAConfiguration) {
  const std::string config = " --flink-version 1.20.3 --limit 1g --config " WRACKLINE_TEST_DATA
                             "/metrics/managed-1g/config.yaml";
  for (const char* how : {"report ", "report --scrape "}) {
    const Done done = Wrackline(how + std::string(kManaged) + config);
    EXPECT_EQ(done.status, 0);
    EXPECT_THAT(done.output, HasSubstr("191.8 of 192.0 MiB"));
    EXPECT_THAT(done.output, HasSubstr("What to set instead"));
  }
}

TEST_F(CliTest, InspectSectionsAndRecords) {
  const std::string every = WRACKLINE_TEST_DATA "/../fuzz/corpus/fuzz_recorder/every-kind";
  EXPECT_THAT(Wrackline("inspect --section threads " + every).output,
              HasSubstr(R"("java_name":"Source: orders -> Map (1/4)#0")"));
  EXPECT_THAT(Wrackline("inspect --section stacks " + every).output,
              HasSubstr(R"("com.example.pipeline.ConfigDecoder.decode")"));
  EXPECT_THAT(Wrackline("inspect --section jvm " + every).output, HasSubstr(R"("collector":"G1")"));
  EXPECT_THAT(Wrackline(std::string("inspect --section process ") + kKilled).output,
              HasSubstr("glibc 2.36"));
  EXPECT_EQ(Wrackline(std::string("inspect --format json ") + kKilled + " > /dev/null").status, 0);
  // An option takes one word: the next is a file.
  EXPECT_THAT(Wrackline(std::string("inspect --section process ") + kKilled + " " + kKilled).output,
              AllOf(HasSubstr("argument"), Not(HasSubstr("not in {"))));
  EXPECT_THAT(Wrackline(std::string("inspect --records ") + kKilled + " | head -1").output,
              HasSubstr("process"));
}

TEST_F(CliTest, RunWithoutACommandOrWithAMistypedOption) {
  EXPECT_EQ(Wrackline("run").status, 125);
  EXPECT_EQ(Wrackline("run --limti 3m -- true").status, 125);
  EXPECT_EQ(Wrackline("run --limit 1m --assume-limit 1m -- true").status, 125);
}

}  // namespace
}  // namespace wrackline
