// What Java makes of RocksDB and does not close is counted, said and named by the method that made it: tests/e2e/java's Unclosed, under the
// shim in real VMs, with Flink's JNI libraries. A program that closes everything has no such finding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "lib/recorder/reader.h"
#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using Json = nlohmann::json;
using Count = proto::RocksDbObjectCount;

// A VM on a busy machine.
constexpr std::chrono::seconds kLimit{90}, kPatience{20};

struct Program {
  const char* name;
  int amount;
  // What the recording says when the program has done all: so many were made, ever.
  Count::Kind kind;
  std::uint64_t made;
};

std::uint64_t MadeIn(const recorder::Recording& recording, Count::Kind kind) {
  if (recording.rocksdb_objects.empty()) return 0;
  for (const Count& count : recording.rocksdb_objects.back().rocksdb_objects().counts()) {
    if (count.kind() == kind) return count.made();
  }
  return 0;
}

class JvmRocksDbObjects
    : public testing::TestWithParam<std::tuple<const char* /*Java*/, const char* /*RocksDB*/>> {
 protected:
  // The report on a program that was killed when the recording had all that it did. Stacks and their names come a moment after the
  // counts: waits until the report's finding by `rule` names `place` and `bytes`, or for the limit. An empty rule: for the counts alone.
  Json ReportOf(const Program& program, const std::string& rule = "", const std::string& place = "",
                double bytes = 0) {
    const auto [java_version, rocksdb_version] = GetParam();
    const std::string home = JavaHome(java_version), jdk = JavaHome("17");
    const std::string jar_name = std::string("frocksdbjni-") + rocksdb_version + ".jar";
    const std::string jar = JavaLibrary(jar_name);
    EXPECT_NE(home, "") << NoJava(java_version);
    EXPECT_NE(jdk, "") << NoJava("17");
    EXPECT_NE(jar, "") << NoJavaLibrary(jar_name);
    if (home.empty() || jdk.empty() || jar.empty()) return Json::object();
    const TemporaryFolder folder, recordings;
    ProcessOptions javac;
    javac.command = {jdk + "/bin/javac", "-cp", jar, "-d", folder.path(), WRACKLINE_UNCLOSED};
    const ProcessEnd compiled = RunProcess(javac);
    EXPECT_TRUE(compiled.exited(0)) << compiled.err;
    ProcessOptions java;
    java.command = {home + "/bin/java",
                    "-Xmx256m",
                    "-XX:-UsePerfData",
                    "-Djava.io.tmpdir=" + folder.path(),
                    "-cp",
                    folder.path() + ":" + jar,
                    "com.example.state.Unclosed",
                    program.name,
                    std::to_string(program.amount),
                    folder / "db",
                    folder / "start"};
    java.environment = {{"LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY},
                        {"WRACKLINE_OUT", recordings.path()},
                        {"WRACKLINE_INTERVAL", "4096"},
                        {"WRACKLINE_ROCKSDB", "100"}};
    ChildProcess child(java);
    const std::string pid = "-" + std::to_string(child.pid()) + "-";
    std::string file;
    const auto recorded = [&](const std::function<bool(const recorder::Recording&)>& condition) {
      return WaitFor(
          [&] {
            if (child.Ended()) return true;
            for (const std::string& found : RecorderFiles(recordings.path())) {
              if (found.find(pid) != std::string::npos) file = found;
            }
            if (file.empty()) return false;
            const Result<recorder::Recording> recording = recorder::ReadRecording(file);
            return recording.ok() && condition(recording.value());
          },
          kLimit);
    };
    // Methods are wrapped from the attachment on.
    EXPECT_TRUE(recorded([](const auto& recording) { return recording.jvm_facts.has_value(); }));
    std::ofstream(folder / "start") << "start\n";
    EXPECT_TRUE(recorded([&](const recorder::Recording& recording) {
      return MadeIn(recording, program.kind) >= program.made;
    }));
    const auto report_now = [&file] {
      ProcessOptions command;
      command.command = {WRACKLINE_COMMAND, "report", "--format", "json", file};
      const ProcessEnd report = RunProcess(command);
      EXPECT_TRUE(report.exited(0)) << report.err;
      return Json::parse(report.out);
    };
    if (!rule.empty()) {
      WaitFor(
          [&] {
            const Json finding = FindingOf(report_now(), rule);
            return child.Ended() || (TextOf(finding).find(place) != std::string::npos &&
                                     finding.value("bytes", 0.0) >= bytes);
          },
          kPatience);
    }
    EXPECT_FALSE(child.Ended());
    child.Kill(SIGKILL);
    const ProcessEnd end = child.Wait();
    EXPECT_TRUE(end.killed(SIGKILL)) << end.out << end.err;
    return report_now();
  }

  static Json FindingOf(const Json& report, const std::string& rule) {
    for (const Json& finding : report.value("findings", Json::array())) {
      if (finding["rule"] == rule) return finding;
    }
    return Json();
  }
  static std::string TextOf(const Json& finding) {
    if (finding.is_null()) return "";
    std::string text = finding.value("summary", "");
    for (const Json& line : finding.value("evidence", Json::array()))
      text += "\n" + line.get<std::string>();
    return text;
  }
  static std::uint64_t Alive(const Json& report, const std::string& name) {
    for (const Json& of_class : report["rocksdb_objects"]["classes"]) {
      if (of_class["class"] == name) return of_class["alive"];
    }
    return 0;
  }
};

TEST_P(JvmRocksDbObjects, ReadOptionsNeverClosed) {
  constexpr const char* kPlace = "com.example.state.Unclosed.lookup";
  constexpr double kBytes = 20000 * 90.0;  // 100 bytes and more each
  const Json report = ReportOf({"read-options", 20000, Count::READ_OPTIONS, 20000},
                               "rocksdb_unclosed_read_options", kPlace, kBytes);
  const Json finding = FindingOf(report, "rocksdb_unclosed_read_options");
  ASSERT_FALSE(finding.is_null()) << report["rocksdb_objects"];
  EXPECT_GE(Alive(report, "ReadOptions"), 20000u);
  EXPECT_THAT(TextOf(finding), testing::HasSubstr(kPlace));
  EXPECT_GE(finding["bytes"].get<double>(), kBytes);
}

TEST_P(JvmRocksDbObjects, IteratorsNeverClosed) {
  constexpr const char* kPlace = "com.example.state.Unclosed.scan";
  const Json report =
      ReportOf({"iterators", 2000, Count::ITERATOR, 2000}, "rocksdb_unclosed_iterators", kPlace);
  const Json finding = FindingOf(report, "rocksdb_unclosed_iterators");
  ASSERT_FALSE(finding.is_null()) << report["rocksdb_objects"];
  EXPECT_EQ(Alive(report, "RocksIterator"), 2000u);
  EXPECT_THAT(TextOf(finding), testing::HasSubstr(kPlace));
  // Whose they are.
  EXPECT_THAT(TextOf(finding), testing::HasSubstr("/db, the oldest "));
  const Json& iterators = report["rocksdb_objects"]["iterators"];
  ASSERT_EQ(iterators.size(), 1u);
  EXPECT_EQ(iterators[0]["alive"], 2000);
}

TEST_P(JvmRocksDbObjects, StatisticsNeverClosed) {
  constexpr const char* kPlace = "com.example.state.Unclosed.measure";
  const Json report =
      ReportOf({"statistics", 40, Count::STATISTICS, 40}, "rocksdb_unclosed_statistics", kPlace);
  const Json finding = FindingOf(report, "rocksdb_unclosed_statistics");
  ASSERT_FALSE(finding.is_null()) << report["rocksdb_objects"];
  EXPECT_EQ(Alive(report, "Statistics"), 40u);
  EXPECT_THAT(TextOf(finding), testing::HasSubstr(kPlace));
}

// FLINK-39753: the database, its options and the cache are closed, and 64 copies of the options are not.
TEST_P(JvmRocksDbObjects, CacheKeptByOptionsAfterItsDatabase) {
  constexpr int kMegabytes = 8;
  constexpr const char* kPlace = "com.example.state.Unclosed.compact";
  const Json report =
      ReportOf({"cache", kMegabytes, Count::CACHE, 1}, "rocksdb_orphan_cache", kPlace);
  const Json finding = FindingOf(report, "rocksdb_orphan_cache");
  ASSERT_FALSE(finding.is_null()) << report["rocksdb_objects"];
  EXPECT_GE(finding["bytes"].get<double>(), kMegabytes * 0.9 * (1 << 20));
  EXPECT_THAT(TextOf(finding), testing::AllOf(testing::HasSubstr("closed by Java, but "),
                                              testing::HasSubstr("64 ColumnFamilyOptions"),
                                              testing::HasSubstr(kPlace)));
}

// rocksdb#15036: RocksDB's own Java class leaves one behind for each database, from 8.10.0 on.
TEST_P(JvmRocksDbObjects, ReadOptionsOfDatabasesThatWereClosed) {
  constexpr int kDatabases = 40;
  const bool leaks = std::get<1>(GetParam()) != std::string("6.20.3");
  const Json report = ReportOf({"databases", kDatabases, Count::DATABASE, kDatabases},
                               leaks ? "rocksdb_unclosed_read_options" : "", "rocksdb#15036");
  const Json finding = FindingOf(report, "rocksdb_unclosed_read_options");
  if (!leaks) {
    EXPECT_TRUE(finding.is_null()) << finding;
    EXPECT_EQ(Alive(report, "ReadOptions"), 0u);
    return;
  }
  ASSERT_FALSE(finding.is_null()) << report["rocksdb_objects"];
  EXPECT_GE(Alive(report, "ReadOptions"), 40u);
  EXPECT_THAT(TextOf(finding), testing::HasSubstr("rocksdb#15036"));
}

TEST_P(JvmRocksDbObjects, AProgramThatClosesAllHasNoFinding) {
  const Json report = ReportOf({"nothing", 5000, Count::ITERATOR, 5000});
  for (const Json& finding : report["findings"]) {
    EXPECT_THAT(
        finding["rule"].get<std::string>(),
        testing::Not(testing::AnyOf(testing::HasSubstr("unclosed"), testing::HasSubstr("orphan"))))
        << finding;
  }
  // One may be at work.
  EXPECT_LE(Alive(report, "RocksIterator"), 1u);
  EXPECT_LE(Alive(report, "WriteBatch"), 1u);
  EXPECT_EQ(Alive(report, "RocksDB"), 1u);
}

std::string Name(const testing::TestParamInfo<std::tuple<const char*, const char*>>& info) {
  std::string name =
      std::string("Java") + std::get<0>(info.param) + "_RocksDB" + std::get<1>(info.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Versions, JvmRocksDbObjects,
                         testing::Values(std::tuple("17", "6.20.3"), std::tuple("25", "8.10.0")),
                         Name);

}  // namespace
}  // namespace wrackline::test
