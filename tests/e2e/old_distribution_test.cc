// The built library in programs of an older Debian release, with that release's libc, loader, jemalloc and libraries: it loads,
// changes nothing, and records. scripts/old-root.sh fetches the programs; they run in a mount namespace of their own, so that
// nothing is left mounted, with the test's folder as /tmp.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

// The root's path, from the last line that the script prints; "" when it failed.
std::string OldRoot() {
  ProcessOptions options;
  options.command = {WRACKLINE_OLD_ROOT_SCRIPT};
  const ProcessEnd end = RunProcess(options);
  if (!end.err.empty()) std::printf("%s", end.err.c_str());
  if (!end.exited(0)) return "";
  return end.out.substr(0, end.out.find('\n'));
}

class OldDistribution : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "chroot and mount need root";
    root_ = OldRoot();
    ASSERT_FALSE(root_.empty()) << "scripts/old-root.sh failed, see above";
    std::filesystem::copy_file(WRACKLINE_PRELOAD_LIBRARY, folder_ / "libwrackline_preload.so");
    std::filesystem::create_directory(folder_ / "dumps");
  }

  ProcessEnd Run(const std::vector<std::string>& command,
                 std::map<std::string, std::string> environment) const {
    ProcessOptions options;
    options.command = command;
    options.environment = std::move(environment);
    options.environment.insert(
        {{"PATH", "/usr/bin:/bin"}, {"LC_ALL", "C"}, {"PYTHONHASHSEED", "0"}});
    options.in_child = [root = root_, scratch = folder_.path()] {
      if (unshare(CLONE_NEWNS) != 0 ||
          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          mount(scratch.c_str(), (root + "/tmp").c_str(), nullptr, MS_BIND, nullptr) != 0 ||
          mount("/dev", (root + "/dev").c_str(), nullptr, MS_BIND, nullptr) != 0 ||
          mount("proc", (root + "/proc").c_str(), "proc", 0, nullptr) != 0 ||
          chroot(root.c_str()) != 0 || chdir("/tmp") != 0) {
        perror("old_distribution_test: cannot enter the root");
        _exit(126);
      }
    };
    return RunProcess(options);
  }

  // Runs `command` without the shim, and with it in front of the allocator under test, sampling much.
  // Gives the recordings; at least one of them has samples.
  std::vector<recorder::Recording> Compare(const std::vector<std::string>& command) const {
    const std::string behind = GetParam();
    std::map<std::string, std::string> environment;
    if (!behind.empty()) environment.emplace("LD_PRELOAD", behind);
    const ProcessEnd plain = Run(command, environment);
    EXPECT_TRUE(WIFEXITED(plain.status));
    environment["LD_PRELOAD"] =
        "/tmp/libwrackline_preload.so" + (behind.empty() ? "" : ":" + behind);
    environment.emplace("WRACKLINE_OUT", "/tmp/dumps");
    environment.emplace("WRACKLINE_INTERVAL", "4096");
    environment.emplace("WRACKLINE_RECORDER_SIZE", "4m");
    const ProcessEnd shimmed = Run(command, environment);
    EXPECT_EQ(shimmed.status, plain.status);
    EXPECT_EQ(shimmed.out, plain.out);
    // The loader says on stderr when it cannot load a preload.
    EXPECT_EQ(shimmed.err, plain.err);
    EXPECT_NE(plain.out, "");

    std::vector<recorder::Recording> recordings;
    std::uint64_t samples = 0;
    for (const std::string& file : RecorderFiles(folder_ / "dumps")) {
      auto recording = recorder::ReadRecording(file);
      if (!recording.ok()) {
        ADD_FAILURE() << recording.error().Text();
        continue;
      }
      for (const auto& [id, stack] : recording.value().stacks)
        samples += stack.counters.allocated_samples();
      recordings.push_back(std::move(recording.value()));
    }
    EXPECT_GT(samples, 0u);
    return recordings;
  }

  std::string root_;
  TemporaryFolder folder_;
};

// Neither bash nor dash brings libpthread or libdl before glibc 2.34.
TEST_P(OldDistribution, ShellsAndCoreutils) {
  Compare({"bash", "-c",
           "x=; for i in {1..100}; do x+=$(printf '%s ' \"$x\" | head -c 20); done; echo ${#x}; "
           "seq 1 3000 | sort -r | head -n 3; dash -c 'echo $(ls / | wc -l)'; exit 3"});
}

TEST_P(OldDistribution, Perl) {
  Compare({"perl", "-e",
           "my %h; $h{$_} = 'x' x ($_ % 900) for 1 .. 20000; print scalar(keys %h), \"\\n\";"});
}

TEST_P(OldDistribution, PythonWithThreadsAndNames) {
  const auto recordings =
      Compare({"python3", "-c",
               "import threading, os\n"
               "def work(): return sum(len(bytes(n)) for n in range(600, 3000))\n"
               "ts = [threading.Thread(target=work) for _ in range(4)]\n"
               "[t.start() for t in ts]; [t.join() for t in ts]\n"
               "pid = os.fork()\n"
               "if pid == 0: work(); os._exit(3)\n"
               "print(os.waitpid(pid, 0)[1], work())"});
  ASSERT_EQ(recordings.size(), 1u);
  const recorder::Recording& recording = recordings[0];
  ASSERT_TRUE(recording.exit.has_value());
  EXPECT_EQ(recording.exit->exit().status(), 0);
  // Stacks are walked and named, by the old libc's loader and unwind tables.
  bool evaluated = false;
  for (const auto& [pc, name] : recording.frame_names) {
    evaluated = evaluated || name.symbol().find("PyEval") != std::string::npos;
  }
  EXPECT_TRUE(evaluated) << recording.frame_names.size() << " frames have names";
  EXPECT_EQ(recording.losses.unwind_failed(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Behind, OldDistribution, testing::Values("", "libjemalloc.so.2"),
                         [](const auto& info) {
                           return *info.param == '\0' ? "Glibc" : "Jemalloc";
                         });

}  // namespace
}  // namespace wrackline::test
