// RocksDB inside a VM, under the shim alone: databases are found as they open, their figures in the file of a killed process are what
// Java was told at the same moment, and they are let go before they close, whatever many threads do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using recorder::Recording;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

struct Library {
  const char* jar;
  const char* version;  // as the library says it; "": it does not
  bool split;           // its blocks' keys name files
  // Java gives the handle of a dropped family back. 5.17 never does: the family stays in memory, and in the figures.
  bool frees_dropped = true;
};
void PrintTo(const Library& library, std::ostream* out) { *out << library.jar; }

constexpr Library k5{"frocksdbjni-5.17.2.jar", "", false, false};
constexpr Library k6{"frocksdbjni-6.20.3.jar", "6.20.3", false};
constexpr Library k8{"frocksdbjni-8.10.0.jar", "8.10.0", true};
constexpr Library k10{"rocksdbjni-10.4.2.jar", "10.4.2", true};
// Flink's own branch: the same in another package.
constexpr Library kForSt{"forstjni.jar", "", true};

// Path, family and property, in RocksDB's own words.
using Figures = std::map<std::tuple<std::string, std::string, std::string>, std::uint64_t>;

std::string Read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class JvmRocksDb : public testing::TestWithParam<std::tuple<Library, const char*>> {
 protected:
  void SetUp() override {
    home_ = JavaHome(std::get<1>(GetParam()));
    ASSERT_NE(home_, "") << NoJava(std::get<1>(GetParam()));
    jdk_ = JavaHome("17");
    ASSERT_NE(jdk_, "") << NoJava("17");
    jar_ = JavaLibrary(library_.jar);
    ASSERT_NE(jar_, "") << NoJavaLibrary(library_.jar);
  }

  void Compile(const std::string& type) {
    std::string source = Read(std::string(WRACKLINE_ROCKSDB_PROGRAMS) + "/" + type + ".java");
    if (std::string(library_.jar) == kForSt.jar) {
      source = std::regex_replace(source, std::regex("org\\.rocksdb"), "org.forstdb");
    }
    const std::string file = folder_ / (type + ".java");
    std::ofstream(file) << source;
    ProcessOptions javac;
    javac.command = {jdk_ + "/bin/javac", "-nowarn", "-cp", jar_, "-d", folder_.path(), file};
    const ProcessEnd compiled = RunProcess(javac);
    ASSERT_TRUE(compiled.exited(0)) << compiled.err;
  }

  ProcessOptions Program(const std::string& type, const std::vector<std::string>& arguments) {
    ProcessOptions java;
    java.command = {home_ + "/bin/java",
                    "-Xmx128m",
                    "-Xcheck:jni",
                    "-XX:-UsePerfData",
                    "-Djava.io.tmpdir=" + folder_.path(),
                    "-cp",
                    folder_.path() + ":" + jar_,
                    "com.example.state." + type};
    java.command.insert(java.command.end(), arguments.begin(), arguments.end());
    java.environment = {{"LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY},
                        {"WRACKLINE_OUT", records_.path()},
                        {"WRACKLINE_ROCKSDB", "50"}};
    return java;
  }

  std::optional<Recording> Recorded(pid_t pid) {
    const std::string part = "-" + std::to_string(pid) + "-";
    for (const std::string& file : RecorderFiles(records_.path())) {
      if (file.find(part) == std::string::npos) continue;
      auto recording = recorder::ReadRecording(file);
      if (recording.ok()) return recording.value();
    }
    return std::nullopt;
  }

  const Library library_ = std::get<0>(GetParam());
  std::string home_, jdk_, jar_;
  const TemporaryFolder folder_, records_;
};

// What the newest samples of open databases say, in the words of Java's figures.
Figures NewestFigures(const Recording& recording) {
  std::map<std::uint64_t, const proto::RocksDbSample*> newest;
  for (const proto::Record& record : recording.rocksdb_samples) {
    newest[record.rocksdb_sample().database_id()] = &record.rocksdb_sample();
  }
  Figures figures;
  for (const auto& [id, sample] : newest) {
    const auto database = recording.rocksdb_databases.find(id);
    if (database == recording.rocksdb_databases.end() || database->second.closed()) continue;
    std::map<std::uint64_t, const proto::RocksDbCache*> caches;
    for (const auto& cache : sample->caches()) caches[cache.id()] = &cache;
    for (const auto& family : sample->families()) {
      const auto put = [&](const char* property, bool has, std::uint64_t value) {
        const bool fresh =
            figures.insert({{database->second.path(), family.name(), property}, value}).second;
        EXPECT_TRUE(fresh) << family.name() << " twice";
        EXPECT_TRUE(has) << property;
      };
      put("rocksdb.cur-size-active-mem-table", family.has_active_memtable(),
          family.active_memtable());
      put("rocksdb.cur-size-all-mem-tables", family.has_unflushed_memtables(),
          family.unflushed_memtables());
      put("rocksdb.size-all-mem-tables", family.has_all_memtables(), family.all_memtables());
      put("rocksdb.estimate-table-readers-mem", family.has_table_readers(), family.table_readers());
      put("rocksdb.num-immutable-mem-table", family.has_immutable_memtables(),
          family.immutable_memtables());
      const auto cache = caches.find(family.cache_id());
      if (cache == caches.end()) {
        ADD_FAILURE() << family.name() << " has no cache";
        continue;
      }
      put("rocksdb.block-cache-usage", cache->second->has_usage(), cache->second->usage());
      put("rocksdb.block-cache-capacity", cache->second->has_capacity(), cache->second->capacity());
      put("rocksdb.block-cache-pinned-usage", cache->second->has_pinned_usage(),
          cache->second->pinned_usage());
    }
  }
  return figures;
}

class JvmRocksDbFigures : public JvmRocksDb {
 protected:
  // Tells the program to do `word`; what Java was told of the figures after it.
  Figures Tell(ChildProcess& child, const std::string& word) {
    const std::string step = folder_ / std::to_string(++steps_);
    std::ofstream(step + ".new") << word;
    std::filesystem::rename(step + ".new", step);
    EXPECT_TRUE(WaitFor([&] { return std::filesystem::exists(step + ".done") || child.Ended(); },
                        seconds(60)));
    Figures figures;
    std::istringstream lines(Read(step + ".done"));
    std::string path, family, property;
    for (std::uint64_t value = 0; lines >> path >> family >> property >> value;) {
      figures[{path, family, property}] = value;
    }
    EXPECT_FALSE(figures.empty()) << word;
    return figures;
  }

  // Samples that begin after this moment are in the file.
  void WaitForNext(ChildProcess& child) {
    const auto samples = [&]() -> std::uint64_t {
      const auto recording = Recorded(child.pid());
      if (!recording || recording->rocksdb_samples.empty()) return 0;
      return recording->rocksdb_samples.back().rocksdb_sample().monotonic_ns();
    };
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto since = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
                       static_cast<std::uint64_t>(now.tv_nsec);
    // The last one of a round began after `since` and may be followed by none: one round more.
    for (int round = 0; round < 2; ++round) {
      const std::uint64_t after = std::max(since, samples());
      EXPECT_TRUE(WaitFor([&] { return samples() > after || child.Ended(); }, seconds(60)));
    }
    EXPECT_FALSE(child.Ended());
  }

  int steps_ = 0;
};

TEST_P(JvmRocksDbFigures, OfAKilledProcessAreJavas) {
  ASSERT_NO_FATAL_FAILURE(Compile("Databases"));
  const std::string first = folder_ / "job_0a_op_WindowOperator_1b__1_2__uuid_3c/db";
  ChildProcess child(Program("Databases", {folder_.path(), first}));
  for (const std::string word : {"figures", "create", "drop", "open", "close"}) {
    if (word == "drop" && !library_.frees_dropped) continue;
    const Figures java = Tell(child, word);
    WaitForNext(child);
    const auto recording = Recorded(child.pid());
    ASSERT_TRUE(recording);
    EXPECT_THAT(NewestFigures(*recording), testing::ContainerEq(java)) << word;
    if (testing::Test::HasFailure()) break;
  }
  child.Kill(SIGKILL);
  const ProcessEnd end = child.Wait();
  EXPECT_TRUE(end.killed(SIGKILL)) << end.out << end.err;
  EXPECT_THAT(end.out + end.err, Not(HasSubstr("in native method")));  // -Xcheck:jni

  const auto recording = Recorded(child.pid());
  ASSERT_TRUE(recording);
  std::map<std::string, proto::RocksDbDatabase> by_path;
  for (const auto& [id, database] : recording->rocksdb_databases) {
    EXPECT_TRUE(by_path.insert({database.path(), database}).second) << database.path();
    if (library_.version[0] != '\0') {
      EXPECT_EQ(database.rocksdb_version(), library_.version);
    }
  }
  ASSERT_EQ(by_path.size(), 3u);
  EXPECT_TRUE(by_path[first].closed());
  EXPECT_FALSE(by_path[folder_ / "two/db"].closed());
  std::set<std::string> families;
  for (const auto& family : by_path[first].families()) {
    families.insert(family.name());
    EXPECT_EQ(family.write_buffer_size(), 64u << 20);
  }
  EXPECT_THAT(families, testing::IsSubsetOf({"default", "window-contents", "_timer_state/event"}));

  // One cache, one manager that charges it, and where keys name files, whose its blocks are.
  std::set<std::uint64_t> caches, managers;
  std::uint64_t split = 0;
  for (const proto::Record& record : recording->rocksdb_samples) {
    for (const auto& cache : record.rocksdb_sample().caches()) caches.insert(cache.id());
    for (const auto& manager : record.rocksdb_sample().write_buffer_managers()) {
      managers.insert(manager.id());
      EXPECT_TRUE(manager.cache_id() == 0 || caches.count(manager.cache_id()) == 1);
    }
    for (const auto& family : record.rocksdb_sample().families()) {
      if (family.name() == "window-contents") {
        split = std::max(split, std::uint64_t{family.cached_blocks().data()});
      }
    }
  }
  EXPECT_EQ(caches.size(), 1u);
  // 8,000 values of a thousand bytes were written and read back, 2,000 of them from a newer memtable.
  if (library_.split) {
    EXPECT_GT(split, 6'000'000u);
  } else {
    EXPECT_EQ(split, 0u);
  }
}

std::string Name(const testing::TestParamInfo<JvmRocksDb::ParamType>& info) {
  std::string name = std::get<0>(info.param).jar;
  name.resize(name.rfind('.'));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
  return name + "_Java" + std::get<1>(info.param);
}
INSTANTIATE_TEST_SUITE_P(Versions, JvmRocksDbFigures,
                         testing::Values(std::tuple(k6, "17"), std::tuple(k6, "25"),
                                         std::tuple(k8, "17"), std::tuple(k8, "25"),
                                         std::tuple(k5, "17"), std::tuple(k10, "25"),
                                         std::tuple(kForSt, "17")),
                         Name);

// The shim is loaded into a VM that has databases open: those are not known, and it says so; what opens later is watched.
class JvmRocksDbLater : public JvmRocksDbFigures {};

TEST_P(JvmRocksDbLater, WhatWasOpenBeforeIsMissingAndSaid) {
  ASSERT_NO_FATAL_FAILURE(Compile("Databases"));
  ProcessOptions java = Program("Databases", {folder_.path(), folder_ / "one/db"});
  java.environment.erase("LD_PRELOAD");
  ChildProcess child(java);
  Tell(child, "figures");
  ProcessOptions jcmd;
  jcmd.command = {jdk_ + "/bin/jcmd", std::to_string(child.pid()), "JVMTI.agent_load",
                  WRACKLINE_PRELOAD_LIBRARY};
  const ProcessEnd answer = RunProcess(jcmd);
  ASSERT_THAT(answer.out, HasSubstr("return code: 0")) << answer.err;
  ASSERT_TRUE(WaitFor(
      [&] {
        const auto recording = Recorded(child.pid());
        return child.Ended() || (recording && recording->jvm_facts);
      },
      seconds(60)));
  Figures java_figures = Tell(child, "open");
  WaitForNext(child);
  // Those that nobody knows are closed meanwhile.
  Tell(child, "create");
  Tell(child, "drop");
  Tell(child, "close");
  WaitForNext(child);
  child.Kill(SIGKILL);
  const ProcessEnd end = child.Wait();
  EXPECT_TRUE(end.killed(SIGKILL)) << end.out << end.err;
  const auto recording = Recorded(child.pid());
  ASSERT_TRUE(recording);
  ASSERT_EQ(recording->rocksdb_databases.size(), 1u);
  EXPECT_EQ(recording->rocksdb_databases.begin()->second.path(), folder_ / "three/db");
  EXPECT_THAT(recording->jvm_facts->trouble(),
              HasSubstr("RocksDB was loaded before: databases opened before are not seen"));
  std::set<std::string> families;
  for (const auto& [key, value] : NewestFigures(*recording)) families.insert(std::get<1>(key));
  EXPECT_THAT(families, testing::ElementsAre("default", "joined"));
}

INSTANTIATE_TEST_SUITE_P(Versions, JvmRocksDbLater,
                         testing::Values(std::tuple(k6, "17"), std::tuple(k8, "25")), Name);

// Many threads, a sample every millisecond; WRACKLINE_STORM_SECONDS makes it last longer.
class JvmRocksDbStorm : public JvmRocksDb {
 protected:
  static int Milliseconds() {
    const char* wanted = std::getenv("WRACKLINE_STORM_SECONDS");
    return wanted != nullptr ? 1000 * std::atoi(wanted) : 3000;
  }
  // A machine that does much else may not come to a sample in three seconds: then the storm is a longer one.
  void Run(const std::vector<std::string>& threads) {
    ASSERT_NO_FATAL_FAILURE(Compile("Storm"));
    for (const int milliseconds : {Milliseconds(), 10 * Milliseconds()}) {
      std::vector<std::string> arguments = {folder_ / "db", std::to_string(milliseconds)};
      arguments.insert(arguments.end(), threads.begin(), threads.end());
      ASSERT_NO_FATAL_FAILURE(RunOnce(arguments));
      if (sampled_) return;
      std::cout << "a storm of " << milliseconds << " ms ended without a sample\n";
    }
  }
  void RunOnce(const std::vector<std::string>& arguments) {
    ProcessOptions java = Program("Storm", arguments);
    java.command.insert(java.command.begin() + 1, "-XX:ErrorFile=/dev/stderr");
    java.environment["WRACKLINE_ROCKSDB"] = "1";
    ChildProcess child(java);
    const ProcessEnd end = child.Wait();
    EXPECT_TRUE(end.exited(0)) << end.out << end.err;
    EXPECT_THAT(end.out + end.err, Not(HasSubstr("in native method")));
    const auto recording = Recorded(child.pid());
    ASSERT_TRUE(recording);
    EXPECT_EQ(recording->damage, "");
    sampled_ = !recording->rocksdb_samples.empty() && !recording->rocksdb_databases.empty();
  }
  bool sampled_ = false;
};

TEST_P(JvmRocksDbStorm, OpensAndClosesBesideTheReader) {
  Run({"6", "0"});
  EXPECT_TRUE(sampled_) << "no database was sampled";
}

TEST_P(JvmRocksDbStorm, OfTwoClassLoadersEndsInTheMiddle) {
  Run({"3", "2", "exit"});
  EXPECT_TRUE(sampled_) << "no database was sampled";
}

INSTANTIATE_TEST_SUITE_P(Versions, JvmRocksDbStorm,
                         testing::Values(std::tuple(k6, "17"), std::tuple(k8, "17"),
                                         std::tuple(k8, "25")),
                         Name);

}  // namespace
}  // namespace wrackline::test
