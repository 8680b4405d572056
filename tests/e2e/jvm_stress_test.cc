// The shim never hurts a VM: every allocation sampled while classes come and go, code is thrown away, threads end by the
// hundred, collections run, and the VM ends in every way. WRACKLINE_STORM_SECONDS: of each run (2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/e2e/java_stacks.h"
#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Seconds() {
  const char* seconds = std::getenv("WRACKLINE_STORM_SECONDS");
  return seconds != nullptr ? seconds : "2";
}

struct Case {
  const char* name;
  const char* version;
  const char* flag;
  const char* way;
  int status;
  bool jemalloc = false;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

const Case kCases[] = {
    {"G1ThatReturns", "17", "-XX:+UseG1GC", "return", 0},
    {"ZgcThatExits", "17", "-XX:+UseZGC", "exit", 3},
    {"SerialThatHalts", "17", "-XX:+UseSerialGC", "halt", 4},
    {"InterpreterThatThrows", "17", "-Xint", "throw", 1},
    {"C1WithAShutdownHook", "17", "-XX:TieredStopAtLevel=1", "hook", 5},
    {"CheckedJniThatReturns", "17", "-Xcheck:jni", "return", 0},
    {"JemallocOfManyArenas", "17", "-XX:+UseG1GC", "exit", 3, true},
    {"G1ThatExits", "25", "-XX:+UseG1GC", "exit", 3},
    {"ZgcThatReturns", "25", "-XX:+UseZGC", "return", 0},
    {"SerialWithAShutdownHook", "25", "-XX:+UseSerialGC", "hook", 5},
    {"JemallocOfManyArenas25", "25", "-XX:+UseSerialGC", "return", 0, true},
};

class JvmStress : public testing::TestWithParam<Case> {
 protected:
  ProcessOptions Command(const std::string& version, std::vector<std::string> flags,
                         const std::string& seconds, const std::string& way) const {
    ProcessOptions java;
    java.command = {JavaHome(version) + "/bin/java", "-Xmx200m", "-XX:-UsePerfData", "-cp",
                    WRACKLINE_JAVA_STRESS};
    java.command.insert(java.command.end(), flags.begin(), flags.end());
    java.command.insert(java.command.end(), {"com.example.stress.Commotion", seconds, way});
    java.environment = {{"LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY},
                        {"WRACKLINE_OUT", folder_.path()},
                        {"WRACKLINE_INTERVAL", "1"}};
    java.in_child = [] {
      const rlimit none{0, 0};
      setrlimit(RLIMIT_CORE, &none);
    };
    return java;
  }

  // It ends, within what a hang would exceed.
  static ProcessEnd EndOf(ChildProcess* child, std::chrono::seconds limit) {
    const bool ended = WaitFor([child] { return child->Ended(); }, limit);
    EXPECT_TRUE(ended) << "still there after " << limit.count() << " s";
    if (!ended) child->Kill(SIGKILL);
    return child->Wait();
  }
  static std::chrono::seconds Limit() {
    return std::chrono::seconds(2 * std::atoi(Seconds().c_str()) + 50);
  }

  // Nearly every sample on a thread that runs Java has its Java stack.
  void CheckRecording() const {
    const auto files = RecorderFiles(folder_.path());
    ASSERT_EQ(files.size(), 1u);
    const auto recording = recorder::ReadRecording(files[0]);
    ASSERT_TRUE(recording.ok()) << recording.error().Text();
    EXPECT_EQ(recording.value().damage, "");
    const proto::Losses& losses = recording.value().losses;
    const JavaStackFailures failures = FailuresOf(recording.value());
    EXPECT_GT(losses.java_stacks(), 10'000u);
    EXPECT_LE((failures.all - failures.thawing) * 50, losses.java_stacks() + failures.all)
        << failures.by_code << ", thawing " << failures.thawing;
    RecordProperty("java_stacks", std::to_string(losses.java_stacks()));
    RecordProperty("java_stacks_failed", std::to_string(failures.all));
  }

  const TemporaryFolder folder_;
};

TEST_P(JvmStress, EndsAsItWouldWithout) {
  const Case& one = GetParam();
  ASSERT_NE(JavaHome(one.version), "") << NoJava(one.version);
  ProcessOptions java = Command(one.version, {one.flag}, Seconds(), one.way);
  if (one.jemalloc) {
    java.environment["LD_PRELOAD"] =
        std::string(WRACKLINE_PRELOAD_LIBRARY) + ":" + WRACKLINE_JEMALLOC;
    java.environment["MALLOC_CONF"] = "narenas:400";
  }
  ChildProcess child(java);
  const ProcessEnd end = EndOf(&child, Limit());
  EXPECT_TRUE(end.exited(one.status)) << end.status << "\n" << end.out << end.err;
  EXPECT_THAT(end.out, HasSubstr("done true"));
  EXPECT_THAT(end.out, Not(HasSubstr("WARNING in native method")));
  CheckRecording();
}
INSTANTIATE_TEST_SUITE_P(Ways, JvmStress, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

class JvmStressEnds : public JvmStress {};

TEST_P(JvmStressEnds, BySignalAndWhileItIsLookedAt) {
  const Case& one = GetParam();
  const std::string home = JavaHome(one.version);
  ASSERT_NE(home, "") << NoJava(one.version);
  ChildProcess child(Command(one.version, {}, "60", "return"));
  ASSERT_TRUE(WaitFor(
      [&] { return Catches(child.pid(), SIGQUIT) && !RecorderFiles(folder_.path()).empty(); },
      std::chrono::seconds(20)));
  if (std::ifstream(home + "/bin/jcmd").good()) {
    for (const char* question :
         {"Thread.print", "GC.heap_info", "VM.native_memory", "GC.class_histogram"}) {
      ProcessOptions jcmd;
      jcmd.command = {home + "/bin/jcmd", std::to_string(child.pid()), question};
      const ProcessEnd answer = RunProcess(jcmd);
      EXPECT_TRUE(answer.exited(0)) << question << "\n" << answer.out << answer.err;
    }
  }
  child.Kill(one.status - 128);
  const ProcessEnd end = EndOf(&child, std::chrono::seconds(20));
  if (one.status == 128 + SIGKILL) {
    EXPECT_TRUE(end.killed(SIGKILL));
  } else {
    EXPECT_TRUE(end.exited(one.status)) << end.status << "\n" << end.err;
  }
  const auto files = RecorderFiles(folder_.path());
  ASSERT_EQ(files.size(), 1u);
  const auto recording = recorder::ReadRecording(files[0]);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(recording.value().exit.has_value(), one.status != 128 + SIGKILL);
}
const Case kSignals[] = {
    {"Terminated17", "17", "", "", 128 + SIGTERM},
    {"Killed17", "17", "", "", 128 + SIGKILL},
    {"Terminated25", "25", "", "", 128 + SIGTERM},
};
INSTANTIATE_TEST_SUITE_P(Signals, JvmStressEnds, testing::ValuesIn(kSignals),
                         [](const auto& info) { return std::string(info.param.name); });

// The headings of a VM's error report.
std::vector<std::string> Headings(const std::string& file) {
  std::vector<std::string> headings;
  std::ifstream text(file);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("---------------") || line == "END.") headings.push_back(line);
  }
  return headings;
}

class JvmCrash : public JvmStress {};

TEST_P(JvmCrash, IsReportedAsWithout) {
  const Case& one = GetParam();
  ASSERT_NE(JavaHome(one.version), "") << NoJava(one.version);
  ProcessOptions java =
      Command(one.version, {"-XX:ErrorFile=" + folder_ / "with.log"}, "1", "crash");
  ChildProcess with(java);
  const ProcessEnd end = EndOf(&with, std::chrono::seconds(60));
  java = Command(one.version, {"-XX:ErrorFile=" + folder_ / "without.log"}, "1", "crash");
  java.environment.clear();
  ChildProcess without(java);
  const ProcessEnd bare = EndOf(&without, std::chrono::seconds(60));
  EXPECT_TRUE(bare.killed(SIGABRT));
  EXPECT_EQ(end.status, bare.status);
  const std::vector<std::string> wanted = Headings(folder_ / "without.log");
  EXPECT_GT(wanted.size(), 4u);
  EXPECT_EQ(Headings(folder_ / "with.log"), wanted);
  std::ifstream file(folder_ / "with.log");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("com.example.stress.Commotion.main"));
  EXPECT_THAT(text.str(), HasSubstr("SIGSEGV"));
}
const Case kCrashes[] = {{"Java17", "17", "", "", 0}, {"Java25", "25", "", "", 0}};
INSTANTIATE_TEST_SUITE_P(Versions, JvmCrash, testing::ValuesIn(kCrashes),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wrackline::test
