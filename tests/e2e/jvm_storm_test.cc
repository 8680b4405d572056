// What jvm_stress_test leaves out: stacks that overflow, two thousand threads that live at once, virtual threads; and an operator's
// jcmd or another profiler all the while (tests/e2e/java/com/example/stress/Storm.java). WRACKLINE_STORM_SECONDS is the length of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <regex>
#include <string>
#include <vector>

#include "tests/e2e/java_stacks.h"
#include "tests/e2e/jvm_runs.h"

namespace wrackline::test {
namespace {

using testing::HasSubstr;
using testing::Not;

int Seconds() {
  const char* text = std::getenv("WRACKLINE_STORM_SECONDS");
  return text == nullptr ? 2 : std::max(1, std::atoi(text));
}

struct Setting {
  const char* name;
  const char* version;
  std::vector<std::string> options;
};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

const Setting kInterpreted = {"Java17_Serial_interpreted", "17", {"-XX:+UseSerialGC", "-Xint"}};
const Setting kC2 = {"Java25_G1_C2", "25", {"-XX:+UseG1GC", "-XX:-TieredCompilation"}};
const Setting kChecked17 = {"Java17_G1", "17", {"-XX:+UseG1GC", "-Xcheck:jni"}};
const Setting kChecked25 = {"Java25_Z", "25", {"-XX:+UseZGC", "-Xcheck:jni"}};

class JvmStorm : public testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    home_ = JavaHome(GetParam().version);
    ASSERT_NE(home_, "") << NoJava(GetParam().version);
  }

  ProcessOptions Storm(std::vector<std::string> options, int seconds) {
    const auto& of_setting = GetParam().options;
    options.insert(options.end(), of_setting.begin(), of_setting.end());
    options.push_back("-XX:ErrorFile=" + (folder_ / "hs_err"));
    ProcessOptions process = JavaProgram(home_, options, "Storm", {std::to_string(seconds)});
    Preload(process, folder_.path());
    return process;
  }

  // The storm's own checks held, the VM has nothing to complain of, and nearly every sample has its Java stack.
  // `other_agent`: it asks the VM for events.
  void ExpectWell(const ProcessEnd& end, pid_t pid, bool other_agent = false) {
    EXPECT_TRUE(end.exited(0)) << end.status << "\n" << end.out << end.err;
    EXPECT_THAT(end.out, HasSubstr("all well: "));
    EXPECT_THAT(end.out, Not(HasSubstr("in native method")));
    EXPECT_THAT(end.out, Not(HasSubstr("WARNING: JNI")));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "hs_err"));
    const recorder::Recording recording = ReadOf(folder_.path(), pid);
    const JavaStackFailures failures = FailuresOf(recording);
    const std::uint64_t stacks = recording.losses.java_stacks();
    const std::uint64_t left_out = failures.thawing + (other_agent ? failures.events : 0);
    EXPECT_GT(stacks, 1000u * static_cast<unsigned>(Seconds()));
    EXPECT_LE((failures.all - left_out) * 50, stacks + failures.all)
        << failures.by_code << ", thawing " << failures.thawing << ", for events "
        << failures.events;
    EXPECT_EQ(recording.losses.freed_twice(), 0u);
    std::cout << stacks << " Java stacks, " << failures.all
              << " failed (from code 0 down:" << failures.by_code << "; " << failures.thawing
              << " while thawing, " << failures.events << " for events), "
              << recording.losses.java_names_lost() << " names lost\n";
  }

  const TemporaryFolder folder_;
  std::string home_;
};

TEST_P(JvmStorm, SurvivesTheStorm) {
  ChildProcess child(Storm({}, Seconds()));
  const ProcessEnd end = WaitOrFail(child, std::chrono::seconds(60 + Seconds()));
  ExpectWell(end, child.pid());
}

std::string Name(const testing::TestParamInfo<Setting>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Vms, JvmStorm, testing::Values(kInterpreted, kC2), Name);

// Those that need one VM of each version.
class JvmStormBeside : public JvmStorm {};

TEST_P(JvmStormBeside, AnOperatorWithJcmd) {
  const std::string jdk = JavaHome("17");
  ASSERT_TRUE(std::filesystem::exists(jdk + "/bin/jcmd"));
  ChildProcess child(Storm({"-XX:NativeMemoryTracking=summary"}, Seconds()));
  ASSERT_TRUE(WaitFor(
      [&] {
        return child.Ended() ||
               (Catches(child.pid(), SIGQUIT) && !RecorderFiles(folder_.path()).empty());
      },
      std::chrono::seconds(30)));
  int answered = 0, named = 0;
  for (int round = 0; !child.Ended(); ++round) {
    const std::vector<std::string> kCommands[] = {
        {"GC.heap_info"}, {"VM.native_memory", "summary"}, {"GC.class_histogram"},
        {"VM.metaspace"}, {"Compiler.codecache"},          {"VM.classloader_stats"}};
    ProcessOptions jcmd;
    jcmd.command = {jdk + "/bin/jcmd", std::to_string(child.pid())};
    if (round % 2 == 0) {
      jcmd.command.emplace_back("Thread.print");
    } else {
      const auto& words = kCommands[round / 2 % std::size(kCommands)];
      jcmd.command.insert(jcmd.command.end(), words.begin(), words.end());
    }
    ChildProcess asking(jcmd);
    ASSERT_TRUE(WaitFor([&] { return asking.Ended() || child.Ended(); }, std::chrono::seconds(60)));
    if (!asking.Ended()) break;  // it would wait for the dead VM's answer for 10 s
    const ProcessEnd end = asking.Wait();
    // The VM may have ended in between.
    if (!end.exited(0)) continue;
    ++answered;
    if (end.out.find("\"wrackline-jvm\"") != std::string::npos) ++named;
  }
  EXPECT_GE(answered, 2);
  // The first may have come before the shim's thread was there.
  EXPECT_GE(named, 1);
  std::cout << answered << " commands answered; ";
  ExpectWell(WaitOrFail(child, std::chrono::seconds(60)), child.pid());
}

TEST_P(JvmStormBeside, AsyncProfiler) {
  const std::string profiler = JavaLibrary("libasyncProfiler.so");
  ASSERT_NE(profiler, "") << NoJavaLibrary("libasyncProfiler.so");
  const std::string output = folder_ / "profile.jfr";
  // Signals at every millisecond of work, its own hooks of malloc, and JVMTI's samples and contended monitors.
  ChildProcess child(Storm(
      {"-agentpath:" + profiler + "=start,event=ctimer,interval=1ms,alloc=64k,nativemem=64k," +
       "lock=1ms,jfr,file=" + output},
      Seconds()));
  ProcessEnd end = WaitOrFail(child, std::chrono::seconds(60 + Seconds()));
  // With 17.0.15 async-profiler has the VM say so by itself, without wrackline, whose frames are all made for more.
  end.out = std::regex_replace(
      end.out, std::regex("WARNING: JNI local refs: [0-9]+, exceeds capacity: 32\n"), "");
  ExpectWell(end, child.pid(), true);
  EXPECT_GT(std::filesystem::file_size(output), 10000u) << end.out << end.err;
}

INSTANTIATE_TEST_SUITE_P(Vms, JvmStormBeside, testing::Values(kChecked17, kChecked25), Name);

}  // namespace
}  // namespace wrackline::test
