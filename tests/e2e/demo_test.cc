// The main job from end to end, as the demo shows it: a RocksDB program is killed by the kernel at a
// real limit, the recording explains it, and the proposal keeps the next run alive.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "lib/units/bytes.h"
#include "tests/support/memory_cgroup.h"
#include "tests/support/profiled_process.h"

namespace wrackline {
namespace {

using nlohmann::json;
using test::ProcessEnd;
using test::RunProcess;
using test::TemporaryFolder;

constexpr const char* kLimit = "256m";
constexpr std::int64_t kLimitBytes = 256 << 20;
const std::vector<std::string> kFamilies = {"value", "list", "map", "window"};

ProcessEnd Wrackline(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {WRACKLINE_COMMAND};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return RunProcess({.command = command, .environment = {}, .in_child = {}});
}

ProcessEnd RunStates(const TemporaryFolder& folder, const std::string& name,
                     const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"run",
                                        "--limit",
                                        kLimit,
                                        "--out",
                                        folder / name,
                                        "--",
                                        WRACKLINE_FOUR_STATES,
                                        "--db",
                                        folder / (name + "-db"),
                                        "--write-mb",
                                        "600"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return Wrackline(arguments);
}

Result<recorder::Recording> OnlyRecording(const std::string& folder) {
  const std::vector<std::string> files = test::RecorderFiles(folder);
  if (files.size() != 1)
    return Error{std::to_string(files.size()) + " recorder files in " + folder, ""};
  return recorder::ReadRecording(files.front());
}

json Report(const std::string& folder) {
  const ProcessEnd end = Wrackline({"report", folder, "--format", "json"});
  EXPECT_TRUE(end.exited(0)) << end.err;
  return json::parse(end.out, nullptr, false);
}

struct PropertiesLine {
  std::uint64_t time_ns = 0;
  std::map<std::string, std::int64_t> bytes;
};

// What the program itself asked RocksDB, besides the probe; a torn last line is left out.
std::vector<PropertiesLine> ReadProperties(const std::string& path) {
  std::vector<PropertiesLine> lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    std::istringstream words(text);
    PropertiesLine line;
    words >> line.time_ns;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      if (equals != std::string::npos)
        line.bytes[word.substr(0, equals)] = std::stoll(word.substr(equals + 1));
    }
    if (line.bytes.size() == kFamilies.size()) lines.push_back(line);
  }
  return lines;
}

// The family's memtables as RocksDB's property said just before and after the sample: the sample must
// lie between, give or take one arena block that was taken meanwhile.
void ExpectAgreement(const proto::Record& sample, const std::vector<PropertiesLine>& lines) {
  const auto after = std::find_if(lines.begin(), lines.end(), [&](const PropertiesLine& line) {
    return line.time_ns >= sample.time_ns();
  });
  ASSERT_NE(after, lines.begin());
  const PropertiesLine& earlier = *std::prev(after);
  const PropertiesLine& later = after == lines.end() ? earlier : *after;
  constexpr std::int64_t kBlock = 1 << 20;
  for (const auto& family : sample.rocksdb_sample().families()) {
    if (!earlier.bytes.contains(family.name())) continue;
    const auto [low, high] =
        std::minmax(earlier.bytes.at(family.name()), later.bytes.at(family.name()));
    const auto found = static_cast<std::int64_t>(family.all_memtables());
    std::cout << family.name() << ": probe " << found << ", properties " << low << " to " << high
              << "\n";
    EXPECT_GE(found, low - kBlock) << family.name();
    EXPECT_LE(found, high + kBlock) << family.name();
  }
}

TEST(Demo, KilledExplainedResizedAlive) {
  {
    const auto cgroup = test::MemoryCgroup::Create("demo-probe", 64 * kMiB);
    if (!cgroup.ok()) GTEST_SKIP() << "no memory cgroup can be made: " << cgroup.error().Text();
  }
  const TemporaryFolder folder;
  const ProcessEnd killed = RunStates(folder, "lost", {"--properties-log", folder / "properties"});
  ASSERT_TRUE(killed.exited(128 + SIGKILL)) << killed.err;

  const auto recording = OnlyRecording(folder / "lost");
  ASSERT_TRUE(recording.ok()) << recording.error().Text();
  ASSERT_TRUE(recording.value().aftermath.has_value());
  const proto::Aftermath& aftermath = *recording.value().aftermath;
  EXPECT_EQ(aftermath.signal(), SIGKILL);
  EXPECT_EQ(aftermath.oom_kill_after() - aftermath.oom_kill_before(), 1u);  // the kernel's counter
  const std::uint64_t age_ns = aftermath.end_time_ns() - recording.value().last_time_ns;
  std::cout << "last record " << static_cast<double>(age_ns) / 1e6 << " ms before the end\n";
  EXPECT_LE(age_ns, 500'000'000u);
  EXPECT_EQ(recording.value().damage, "");

  ASSERT_FALSE(recording.value().rocksdb_samples.empty());
  ExpectAgreement(recording.value().rocksdb_samples.back(), ReadProperties(folder / "properties"));

  const json report = Report(folder / "lost");
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(report["ending"]["outcome"], "oom_killed");
  EXPECT_THAT(report["verdict"].get<std::string>(), testing::HasSubstr("544.0 MiB"));
  const auto total = report["ledger"]["total"].get<std::int64_t>();
  const auto unexplained = report["ledger"]["unexplained"].get<std::int64_t>();
  std::cout << "charge " << total << ", unexplained " << unexplained << "\n";
  EXPECT_GE(total, kLimitBytes / 10 * 9);
  EXPECT_LE(std::abs(unexplained), total / 20);
  std::int64_t sum = unexplained;
  for (const json& line : report["ledger"]["lines"]) sum += line["bytes"].get<std::int64_t>();
  EXPECT_EQ(sum, total);
  for (const std::string& name : kFamilies) {
    const json& families = report["rocksdb"]["families"];
    EXPECT_TRUE(std::any_of(families.begin(), families.end(), [&](const json& family) {
      return family["name"] == name;
    })) << name;
  }
  ASSERT_TRUE(report["proposal"]["fits"].get<bool>());

  const std::string settings = folder / "report.json";
  std::ofstream(settings) << report;
  const ProcessEnd alive = RunStates(folder, "kept", {"--settings", settings});
  ASSERT_TRUE(alive.exited(0)) << alive.err;
  const auto survived = OnlyRecording(folder / "kept");
  ASSERT_TRUE(survived.ok()) << survived.error().Text();
  EXPECT_TRUE(survived.value().exit.has_value());
  EXPECT_EQ(survived.value().aftermath->oom_kill_after(),
            survived.value().aftermath->oom_kill_before());
  const json second = Report(folder / "kept");
  std::cout << "second run: peak charge " << second["peak_charge"]["bytes"] << "\n";
  EXPECT_EQ(second["ending"]["outcome"], "clean_exit");
}

// Where no cgroup can be made the program ends by itself at the limit, and nobody calls that a kill.
TEST(Demo, StoppedAtTheLimitIsNotAKill) {
  const TemporaryFolder folder;
  const ProcessEnd stopped = Wrackline(
      {"run", "--stopped-status", "99", "--assume-limit", kLimit, "--out", folder / "out", "--",
       WRACKLINE_FOUR_STATES, "--db", folder / "db", "--write-mb", "600", "--stop-at", kLimit});
  ASSERT_TRUE(stopped.exited(99)) << stopped.err;
  const json report = Report(folder / "out");
  ASSERT_TRUE(report.is_object());
  EXPECT_EQ(report["ending"]["outcome"], "stopped_at_limit");
  EXPECT_THAT(report["verdict"].get<std::string>(), testing::StartsWith("Not a kill"));
  const ProcessEnd text = Wrackline({"report", folder / "out"});
  EXPECT_THAT(text.out, testing::HasSubstr("Not a kill"));
  for (const std::string& name : kFamilies) EXPECT_THAT(text.out, testing::HasSubstr(name));
}

}  // namespace
}  // namespace wrackline
