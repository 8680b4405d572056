// The shim in real VMs, on Java 11, 17, 21 and 25: it attaches itself, stacks go on in Java, frames have names, and the VM ends as
// it would without.
#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/e2e/java_stacks.h"
#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using recorder::Recording;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kJavaFrame = std::uint64_t{1} << 63;
constexpr int kRounds = 10;

// What is live at stacks that have a frame of this symbol, by its estimate; and all that was said of such frames.
struct Site {
  double bytes = 0;
  std::vector<proto::FrameName> names;
};

Site SiteOf(const Recording& recording, const std::string& symbol) {
  Site site;
  for (const auto& [pc, name] : recording.frame_names) {
    if (name.symbol() == symbol) site.names.push_back(name);
  }
  const auto has = [&](std::uint32_t id) {
    const auto stack = recording.stacks.find(id);
    if (stack == recording.stacks.end()) return false;
    return std::any_of(
        stack->second.frames.begin(), stack->second.frames.end(), [&](std::uint64_t frame) {
          const auto name = recording.frame_names.find(frame);
          return name != recording.frame_names.end() && name->second.symbol() == symbol;
        });
  };
  for (const auto& [slot, object] : recording.live_objects) {
    if (has(object.stack_id())) site.bytes += static_cast<double>(object.weight());
  }
  return site;
}

// Of the estimate of `count` times blocks of these sizes: each is seen with the probability 1 - exp(-size / interval), and then
// counted by its inverse.
double StandardError(int count, const std::vector<double>& sizes, double interval) {
  double variance = 0;
  for (const double size : sizes) {
    const double unseen = std::exp(-size / interval);
    variance += size * size * unseen / (1 - unseen);
  }
  return std::sqrt(count * variance);
}

std::uint64_t JavaStacksFailed(const Recording& recording) {
  std::uint64_t failed = 0;
  for (const std::uint64_t count : recording.losses.java_stack_failed()) failed += count;
  return failed;
}

class Jvm : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    home_ = JavaHome(GetParam());
    ASSERT_NE(home_, "") << NoJava(GetParam());
  }

  // Of JvmTarget, preloaded unless `options` say otherwise.
  ProcessOptions Command(std::vector<std::string> options, std::vector<std::string> arguments) {
    ProcessOptions process;
    process.command = {home_ + "/bin/java", "-cp", WRACKLINE_JVM_CLASSES};
    // Two processors do not want a heap for a large machine.
    process.command.insert(process.command.end(), {"-Xmx128m", "-XX:-UsePerfData"});
    process.command.insert(process.command.end(), options.begin(), options.end());
    process.command.emplace_back("JvmTarget");
    process.command.insert(process.command.end(), arguments.begin(), arguments.end());
    process.environment = {{"LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY},
                           {"WRACKLINE_OUT", folder_.path()},
                           {"WRACKLINE_INTERVAL", "4096"}};
    return process;
  }

  Recording ReadOnly() {
    const auto files = RecorderFiles(folder_.path());
    EXPECT_EQ(files.size(), 1u);
    if (files.size() != 1) return {};
    auto recording = recorder::ReadRecording(files[0]);
    EXPECT_TRUE(recording.ok());
    if (!recording.ok()) return {};
    EXPECT_EQ(recording.value().damage, "");
    return recording.value();
  }

  // The whole leak, in the way that is complete from the VM's first Java code.
  Recording RunWithAgent(std::vector<std::string> options, const std::string& interval) {
    options.push_back(std::string("-agentpath:") + WRACKLINE_PRELOAD_LIBRARY);
    ProcessOptions process = Command(options, {"return", std::to_string(kRounds)});
    process.environment["WRACKLINE_INTERVAL"] = interval;
    const ProcessEnd end = RunProcess(process);
    EXPECT_TRUE(end.exited(0)) << end.err;
    return ReadOnly();
  }

  const TemporaryFolder folder_;
  std::string home_;
};

TEST_P(Jvm, AttachesItselfAndNamesTheJavaCode) {
  const std::string start = folder_ / "start";
  ChildProcess child(Command({}, {"return", "20", start}));
  ASSERT_TRUE(WaitFor(
      [&] {
        const auto files = RecorderFiles(folder_.path());
        if (files.empty()) return child.Ended();
        const auto recording = recorder::ReadRecording(files[0]);
        return child.Ended() || (recording.ok() && recording.value().jvm_facts.has_value());
      },
      std::chrono::seconds(60)));
  std::ofstream(start) << "start\n";
  const ProcessEnd end = child.Wait();
  ASSERT_TRUE(end.exited(0)) << end.err;
  const Recording recording = ReadOnly();
  EXPECT_GT(recording.losses.java_stacks(), 1000u);
  const Site direct = SiteOf(recording, "JvmTarget.keepDirect");
  ASSERT_FALSE(direct.names.empty());
  EXPECT_TRUE(direct.names[0].java());
  EXPECT_EQ(direct.names[0].file(), "JvmTarget.java");
  EXPECT_EQ(direct.names[0].line(), 25u);
  EXPECT_GT(direct.bytes, 0);
}

TEST_P(Jvm, AsAnAgentBesideThePreloadItSeesAllFromTheStart) {
  const Recording recording = RunWithAgent({}, "4096");
  constexpr double kLeak = kRounds * 100 * 20000.0;
  EXPECT_NEAR(SiteOf(recording, "JvmTarget.keepUnsafe").bytes, kLeak + 100 * 20000.0, kLeak * 0.05);
  // The worker's are more of them.
  EXPECT_NEAR(SiteOf(recording, "JvmTarget.keepDirect").bytes, kLeak + 100 * 20000.0, kLeak * 0.05);
  // zlib's two blocks for each, the smaller of them rarely sampled: 5 standard errors are 0.5 MB of 7.3.
  constexpr double kInflater = 7160 + 112;
  EXPECT_NEAR(SiteOf(recording, "JvmTarget.keepInflaters").bytes, kRounds * 100 * kInflater,
              5 * StandardError(kRounds * 100, {7160, 112}, 4096));
  EXPECT_NEAR(SiteOf(recording, "JvmTarget.keepByLambda").bytes, kLeak, kLeak * 0.05);
  const std::uint64_t failed = JavaStacksFailed(recording);
  EXPECT_LE(failed * 200, recording.losses.java_stacks() + failed);
  EXPECT_EQ(recording.losses.java_names_lost(), 0u);
}

TEST_P(Jvm, HiddenClassesHaveReadableNames) {
  const Recording recording = RunWithAgent({}, "4096");
  std::vector<std::string> hidden;
  for (const auto& [pc, name] : recording.frame_names) {
    if (name.java() && name.symbol().starts_with("JvmTarget$$Lambda"))
      hidden.push_back(name.symbol());
  }
  EXPECT_THAT(hidden, testing::Contains("JvmTarget$$Lambda.run"));
}

TEST_P(Jvm, EveryAllocationSampledHasItsJavaStack) {
  for (const char* mode : {"-Xint", "-XX:TieredStopAtLevel=1", "-Xbatch"}) {
    const std::string folder = folder_.path();
    for (const std::string& file : RecorderFiles(folder)) std::filesystem::remove(file);
    const Recording recording = RunWithAgent({mode}, "1");
    const std::uint64_t failed = JavaStacksFailed(recording);
    EXPECT_GT(recording.losses.java_stacks(), 5000u) << mode;
    EXPECT_LE(failed * 50, recording.losses.java_stacks() + failed) << mode;
  }
}

TEST_P(Jvm, DeepStacksAreCutAtTheLimitWithWhatIsInnermost) {
  const Recording recording = RunWithAgent({}, "4096");
  std::size_t deep = 0;
  for (const auto& [id, stack] : recording.stacks) {
    EXPECT_LE(stack.frames.size(), 128u);
    const auto frames =
        std::count_if(stack.frames.begin(), stack.frames.end(), [&](std::uint64_t frame) {
          const auto name = recording.frame_names.find(frame);
          return name != recording.frame_names.end() &&
                 name->second.symbol() == "JvmTarget.keepDeep";
        });
    if (frames < 100) continue;
    ++deep;
    EXPECT_TRUE(stack.truncated);
    EXPECT_EQ(stack.frames.size(), 128u);
  }
  EXPECT_GE(deep, 1u);
}

TEST_P(Jvm, SwitchedOffItLeavesTheVmAlone) {
  ProcessOptions process =
      Command({std::string("-agentpath:") + WRACKLINE_PRELOAD_LIBRARY}, {"return", "10"});
  process.environment["WRACKLINE_JVM"] = "off";
  process.environment["WRACKLINE_VERBOSE"] = "1";
  const ProcessEnd end = RunProcess(process);
  ASSERT_TRUE(end.exited(0)) << end.err;
  EXPECT_THAT(end.err, Not(HasSubstr("attached to the VM")));
  const Recording recording = ReadOnly();
  EXPECT_EQ(recording.losses.java_stacks(), 0u);
  EXPECT_GT(recording.stacks.size(), 10u);
  for (const auto& [id, stack] : recording.stacks) {
    for (const std::uint64_t frame : stack.frames) EXPECT_EQ(frame & kJavaFrame, 0u);
  }
}

TEST_P(Jvm, AsAnAgentAloneItSaysThatItSeesNoAllocation) {
  ProcessOptions process =
      Command({std::string("-agentpath:") + WRACKLINE_PRELOAD_LIBRARY}, {"return", "10"});
  process.environment.erase("LD_PRELOAD");
  process.environment["WRACKLINE_VERBOSE"] = "1";
  const ProcessEnd end = RunProcess(process);
  ASSERT_TRUE(end.exited(0)) << end.err;
  EXPECT_THAT(end.err, HasSubstr("attached to the VM (agent)"));
  EXPECT_THAT(end.err, HasSubstr("loaded without LD_PRELOAD: no allocation is seen"));
  // There is a file only if the program lived for long enough.
  for (const std::string& file : RecorderFiles(folder_.path())) {
    const auto recording = recorder::ReadRecording(file);
    ASSERT_TRUE(recording.ok());
    EXPECT_EQ(recording.value().process->sampling_interval(), 0u);
    EXPECT_TRUE(recording.value().live_objects.empty());
  }
}

// jcmd PID JVMTI.agent_load, twice, of a VM that runs already: what it leaves when it is killed.
class JvmLoadedLater : public Jvm {
 protected:
  proto::JvmFacts Load(const ProcessOptions& process) {
    const std::string jdk = JavaHome("17");  // a run-time alone has no jcmd
    ChildProcess child(process);
    ProcessOptions jcmd;
    jcmd.command = {jdk + "/bin/jcmd", std::to_string(child.pid()), "JVMTI.agent_load",
                    WRACKLINE_PRELOAD_LIBRARY};
    // jcmd's signal ends a VM that does not catch it yet.
    EXPECT_TRUE(WaitFor([&] { return Catches(child.pid(), SIGQUIT) || child.Ended(); },
                        std::chrono::seconds(60)));
    for (int time = 0; time < 2; ++time) {
      const ProcessEnd answer = RunProcess(jcmd);
      EXPECT_THAT(answer.out, HasSubstr("return code: 0")) << answer.err;
    }
    EXPECT_TRUE(WaitFor(
        [&] {
          const auto files = RecorderFiles(folder_.path());
          if (files.empty()) return child.Ended();
          auto read = recorder::ReadRecording(files[0]);
          return child.Ended() || (read.ok() && !read.value().jvm_samples.empty());
        },
        std::chrono::seconds(60)));
    EXPECT_FALSE(child.Ended());
    child.Kill(SIGKILL);
    EXPECT_TRUE(child.Wait().killed(SIGKILL));
    const Recording recording = ReadOnly();
    EXPECT_FALSE(recording.jvm_samples.empty());
    return recording.jvm_facts.value_or(proto::JvmFacts());
  }
};

TEST_P(JvmLoadedLater, AloneItTellsOfTheVm) {
  ProcessOptions process = Command({}, {"stay", "10"});
  process.environment.erase("LD_PRELOAD");
  const proto::JvmFacts facts = Load(process);
  EXPECT_EQ(facts.attached_by(), "attach");
  EXPECT_THAT(facts.trouble(), HasSubstr("without LD_PRELOAD"));
}

TEST_P(JvmLoadedLater, BesideThePreloadItChangesNothing) {
  const proto::JvmFacts facts = Load(Command({}, {"stay", "10"}));
  EXPECT_EQ(facts.attached_by(), "preload");
  EXPECT_EQ(facts.trouble(), "");
}

// Without an archive of classes the VM reads them from its file of modules, at a descriptor's number. In a table of descriptors of
// our own that number is another file or none: classes that our thread loaded were rubbish, and the VM ended.
TEST_P(Jvm, ItsThreadHasTheDescriptorsOfTheVm) {
  ChildProcess child(Command({"-Xshare:off"}, {"stay", "10"}));
  const auto thread = [&]() -> std::filesystem::path {
    std::error_code none;
    for (const auto& task : std::filesystem::directory_iterator(
             "/proc/" + std::to_string(child.pid()) + "/task", none)) {
      std::string name;
      std::getline(std::ifstream(task.path() / "comm"), name);
      if (name == "wrackline-jvm") return task.path();
    }
    return {};
  };
  const auto open_files = [](const std::filesystem::path& process) {
    std::map<std::string, std::string> files;
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator(process / "fd", none))
      files[file.path().filename()] = std::filesystem::read_symlink(file.path(), none);
    return files;
  };
  const auto has_modules = [](const std::map<std::string, std::string>& files) {
    return std::any_of(files.begin(), files.end(),
                       [](const auto& file) { return file.second.ends_with("/lib/modules"); });
  };
  const std::filesystem::path process = "/proc/" + std::to_string(child.pid());
  ASSERT_TRUE(WaitFor([&] { return !thread().empty() && has_modules(open_files(process)); },
                      std::chrono::seconds(60)));
  // What is opened or closed between the two looks is in one of them only.
  EXPECT_TRUE(WaitFor([&] { return open_files(process) == open_files(thread()); },
                      std::chrono::seconds(20)));
  child.Kill(SIGKILL);
  child.Wait();
}

TEST_P(Jvm, EndsInEveryWayAsItWouldWithout) {
  const std::pair<const char*, int> kEnds[] = {
      {"return", 0}, {"exit", 3}, {"halt", 4}, {"throw", 1}, {"term", 128 + SIGTERM}};
  for (const auto& [way, status] : kEnds) {
    const ProcessEnd end = RunProcess(Command({"-Xcheck:jni"}, {way, "1"}));
    EXPECT_TRUE(end.exited(status)) << way << ": " << end.status << "\n" << end.err;
    EXPECT_THAT(end.out, Not(HasSubstr("WARNING in native method"))) << way;
    EXPECT_THAT(end.out, Not(HasSubstr("FATAL"))) << way;
  }
}

TEST_P(Jvm, InAProgramThatMakesItsOwnTheThreadStepsAsideAndComesBack) {
  ProcessOptions process = Command({}, {});
  process.command = {WRACKLINE_JVM_HOST, home_ + "/lib/server/libjvm.so", WRACKLINE_JVM_CLASSES};
  const ProcessEnd end = RunProcess(process);
  ASSERT_TRUE(end.exited(0)) << end.status << "\n" << end.err;
  EXPECT_THAT(end.out, HasSubstr("before: 0\nattached: 1\ncall: 0\nback: 1\n"));
  std::size_t named = 0;
  // What the shim's threads wrote before the call, and after it.
  for (const std::string& file : RecorderFiles(folder_.path())) {
    const auto recording = recorder::ReadRecording(file);
    ASSERT_TRUE(recording.ok());
    named += SiteOf(recording.value(), "JvmTarget.keepDirect").names.size();
  }
  EXPECT_GT(named, 0u);
}

INSTANTIATE_TEST_SUITE_P(Versions, Jvm, testing::Values("11", "17", "21", "25"),
                         [](const auto& info) { return std::string("Java") + info.param; });
INSTANTIATE_TEST_SUITE_P(Versions, JvmLoadedLater, testing::Values("11", "17", "21", "25"),
                         [](const auto& info) { return std::string("Java") + info.param; });

}  // namespace
}  // namespace wrackline::test
