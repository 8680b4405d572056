// `wrackline collect` of a real Java VM in a memory cgroup of its own: what a report can be made of, and no secret in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/support/java_home.h"
#include "tests/support/memory_cgroup.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kSecret = "Qz7x9planted";

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Every file below `folder`, one behind the other.
std::string Everything(const std::string& folder) {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) all += ReadAll(entry.path());
  return all;
}

ProcessEnd Wrackline(std::vector<std::string> arguments) {
  ProcessOptions options;
  options.command = {WRACKLINE_COMMAND};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  return RunProcess(options);
}

class Collect : public ::testing::Test {
 protected:
  void SetUp() override {
    home_ = JavaHome("17");
    ASSERT_FALSE(home_.empty()) << NoJava("17");
    fs::create_directory(folder_ / "conf");
    std::ofstream(folder_ / "conf/flink-conf.yaml")
        << "taskmanager.memory.process.size: 256m\ns3.secret-key: " << kSecret << "\n";
    fs::create_directory(folder_ / "log");
    std::ofstream(folder_ / "log/tm.log")
        << "INFO Loading configuration property: s3.secret-key, " << kSecret << "\n";
  }

  // As Flink's images start one; recorded, in `cgroup`.
  ProcessOptions Vm(const MemoryCgroup& cgroup, const std::string& what) {
    ProcessOptions options;
    options.command = {home_ + "/bin/java",
                       "-Xmx64m",
                       "-XX:NativeMemoryTracking=summary",
                       "-Xlog:gc*:file=" + (folder_ / "log/gc-%p.log"),
                       "-Dlog.file=" + (folder_ / "log/tm.log"),
                       std::string("-Ddb.password=") + kSecret,
                       "-cp",
                       WRACKLINE_JVM_CLASSES,
                       "JvmTarget",
                       what,
                       "1",
                       "--token",
                       kSecret};
    options.environment = {{"FLINK_CONF_DIR", folder_ / "conf"},
                           {"DB_URL", std::string("postgres://u:") + kSecret + "@h/"},
                           {"LD_PRELOAD", WRACKLINE_PRELOAD_LIBRARY},
                           {"WRACKLINE_OUT", folder_ / "recorded"},
                           {"WRACKLINE_RECORDER_SIZE", "4m"}};
    options.in_child = [&cgroup] { cgroup.AddPid(getpid()); };
    return options;
  }

  // Recording has begun, and the VM has got as far as to write its counters.
  bool Runs() {
    return WaitFor(
        [&] {
          return fs::exists(folder_ / "recorded") && !RecorderFiles(folder_ / "recorded").empty();
        },
        std::chrono::seconds(60));
  }

  TemporaryFolder folder_;
  std::string home_;
};

TEST_F(Collect, ALiveVmWithItsSecretsMasked) {
  auto cgroup = MemoryCgroup::Create("collect", 512 * kMiB);
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
  ChildProcess child(Vm(cgroup.value(), "stay"));
  ASSERT_TRUE(Runs());
  // A VM that has only begun to start does not catch SIGQUIT yet, and is not asked.
  nlohmann::json manifest;
  std::string out;
  int attempt = 0;
  const auto collected = [&] {
    out = folder_ / ("collected-" + std::to_string(++attempt));
    const ProcessEnd end =
        Wrackline({"collect", "--pid", std::to_string(child.pid()), "--patience", "60", "-o", out});
    EXPECT_TRUE(end.exited(0)) << end.err;
    EXPECT_THAT(end.err, HasSubstr("masked"));
    EXPECT_THAT(end.err + end.out, Not(HasSubstr(kSecret)));
    manifest = nlohmann::json::parse(ReadAll(out + "/manifest.json"));
    return fs::exists(out + "/jcmd/native_memory.txt") && fs::exists(out + "/recordings");
  };
  ASSERT_TRUE(WaitFor(collected, std::chrono::seconds(100))) << manifest.dump(1);

  const std::string pid = std::to_string(child.pid());
  for (const std::string& file :
       {"proc/" + pid + "/status", "proc/" + pid + "/smaps", "proc/" + pid + "/smaps_rollup",
        "proc/" + pid + "/cmdline", std::string("conf/flink-conf.yaml"), std::string("log/tm.log"),
        std::string("jcmd/heap_info.txt"), std::string("jcmd/flags.txt"),
        std::string("processes.tsv")})
    EXPECT_GT(fs::file_size(out + "/" + file), 0u) << file;
  EXPECT_TRUE(fs::exists(out + "/cgroup/container/memory.stat"));
  EXPECT_TRUE(fs::exists(out + "/gc")) << manifest.dump(1);
  bool counters = false;
  for (const auto& entry : fs::directory_iterator(out))
    counters = counters || entry.path().filename().string().find("hsperfdata_") == 0;
  EXPECT_TRUE(counters) << manifest["missing"].dump(1);
  EXPECT_EQ(manifest["pid"], child.pid());
  EXPECT_THAT(ReadAll(out + "/jcmd/native_memory.txt"), HasSubstr("Java Heap"));
  EXPECT_EQ(Everything(out).find(kSecret), std::string::npos);

  // The recording's own command line was masked too, and a report can be made of it.
  const ProcessEnd report = Wrackline({"report", out + "/recordings", "--format", "json"});
  ASSERT_TRUE(report.exited(0)) << report.err;
  EXPECT_THAT(report.out, HasSubstr("JvmTarget"));
  EXPECT_THAT(report.out, HasSubstr("******"));
  EXPECT_THAT(report.out, Not(HasSubstr(kSecret)));
  const ProcessEnd event = Wrackline({"report", out + "/recordings", "--format", "event"});
  ASSERT_TRUE(event.exited(0)) << event.err;
  EXPECT_EQ(nlohmann::json::parse(event.out)["pid"], child.pid());

  // The VM lives on.
  EXPECT_FALSE(child.Ended());
  child.Kill(SIGKILL);
}

TEST_F(Collect, WaitsForAKillAsASidecar) {
  auto cgroup = MemoryCgroup::Create("collect-kill", 160 * kMiB);
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
  // Another process of the group keeps it, as a pod's pause container does.
  ChildProcess child(Vm(cgroup.value(), "stay"));
  ASSERT_TRUE(Runs());
  const std::string out = folder_ / "sidecar";
  ProcessOptions options;
  options.command = {WRACKLINE_COMMAND,           "collect",      "--pid",
                     std::to_string(child.pid()), "--recordings", folder_ / "recorded",
                     "--wait-for-kill",           "-o",           out};
  ChildProcess sidecar(options);
  const auto made = [&](const std::string& reason) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(out, error))
      if (entry.path().filename().string().find(reason) != std::string::npos &&
          fs::exists(entry.path() / "manifest.json"))
        return entry.path().string();
    return std::string();
  };
  ASSERT_TRUE(WaitFor([&] { return !made("start").empty(); }, std::chrono::seconds(60)));
  // Another process of the group runs against its limit: the kernel kills one of the two.
  ProcessOptions hog;
  hog.command = {WRACKLINE_SHIM_TARGET, "grow", "1"};
  hog.in_child = [&cgroup] { cgroup.value().AddPid(getpid()); };
  ChildProcess grows(hog);
  ASSERT_TRUE(WaitFor([&] { return !made("oom-kill").empty(); }, std::chrono::seconds(60)));
  const nlohmann::json manifest =
      nlohmann::json::parse(ReadAll(made("oom-kill") + "/manifest.json"));
  EXPECT_EQ(manifest["reason"], "oom-kill");
  EXPECT_THAT(ReadAll(made("oom-kill") + "/kernel.log"), HasSubstr("Killed process"));
  sidecar.Kill(SIGTERM);
  EXPECT_TRUE(sidecar.Wait().exited(0));
  EXPECT_FALSE(made("end").empty());
  EXPECT_EQ(Everything(out).find(kSecret), std::string::npos);
  child.Kill(SIGKILL);
  grows.Kill(SIGKILL);
}

// From the node: what the process writes is in a mount that only it has, below a link of its own.
TEST_F(Collect, RecordingsInTheProcesssOwnMount) {
  auto cgroup = MemoryCgroup::Create("collect-mount", 512 * kMiB);
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
  const std::string own = folder_ / "own";
  fs::create_directory(own);
  fs::create_symlink(own, folder_ / "link");
  ProcessOptions options = Vm(cgroup.value(), "stay");
  for (auto& [name, value] : options.environment)
    if (name == "WRACKLINE_OUT") value = folder_ / "link/recorded";
  options.in_child = [&cgroup, &own] {
    cgroup.value().AddPid(getpid());
    if (unshare(CLONE_NEWNS) != 0 || mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", own.c_str(), "tmpfs", 0, "size=64m") != 0)
      _exit(120);
  };
  ChildProcess child(options);
  const std::string seen = "/proc/" + std::to_string(child.pid()) + "/root" + own + "/recorded";
  ASSERT_TRUE(WaitFor(
      [&] {
        std::error_code error;
        return fs::exists(seen, error) && !RecorderFiles(seen).empty();
      },
      std::chrono::seconds(60)));
  EXPECT_FALSE(fs::exists(own + "/recorded"));
  const std::string out = folder_ / "collected";
  const ProcessEnd end = Wrackline({"collect", "--pid", std::to_string(child.pid()), "-o", out});
  ASSERT_TRUE(end.exited(0)) << end.err;
  const ProcessEnd event = Wrackline({"report", out + "/recordings", "--format", "event"});
  ASSERT_TRUE(event.exited(0)) << event.err << end.err;
  EXPECT_EQ(nlohmann::json::parse(event.out)["pid"], child.pid());
  child.Kill(SIGKILL);
}

// A disk that is full for a while costs the collections of that while, not the watch.
TEST_F(Collect, AWatchOutlivesAWriteThatFails) {
  auto cgroup = MemoryCgroup::Create("collect-full", 512 * kMiB);
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
  ChildProcess child(Vm(cgroup.value(), "stay"));
  ASSERT_TRUE(Runs());
  const fs::path out = folder_ / "sidecar";
  ProcessOptions options;
  const fs::path said = folder_ / "said";
  options.command = {"/bin/sh",
                     "-c",
                     "exec \"$@\" 2>\"$SAID\"",
                     "sh",
                     WRACKLINE_COMMAND,
                     "collect",
                     "--pid",
                     std::to_string(child.pid()),
                     "-o",
                     out,
                     "--patience=1",
                     "--wait-for-kill"};
  options.environment = {{"SAID", said}};
  ChildProcess sidecar(options);
  ASSERT_TRUE(WaitFor([&] { return fs::exists(out / "001-start/manifest.json"); },
                      std::chrono::seconds(60)));
  const fs::path aside = folder_ / "aside";
  fs::rename(out, aside);
  std::ofstream(out) << "in its way";
  child.Kill(SIGKILL);
  child.Wait();
  ASSERT_TRUE(WaitFor(
      [&] { return ReadAll(said).find("not collected (process-gone)") != std::string::npos; },
      std::chrono::seconds(60)))
      << ReadAll(said);
  fs::remove(out);
  fs::rename(aside, out);
  sidecar.Kill(SIGTERM);
  const ProcessEnd end = sidecar.Wait();
  EXPECT_TRUE(end.exited(0)) << ReadAll(said);
  const std::string last = end.out.substr(end.out.rfind("sidecar/"));
  EXPECT_THAT(last, HasSubstr("-end"));
}

TEST_F(Collect, WhatAFormerProcessLeftAsAnArchive) {
  auto cgroup = MemoryCgroup::Create("collect-previous", 512 * kMiB);
  if (!cgroup.ok()) GTEST_SKIP() << cgroup.error().Text();
  {
    ChildProcess child(Vm(cgroup.value(), "stay"));
    ASSERT_TRUE(Runs());
    // Its first records are there.
    ASSERT_TRUE(WaitFor(
        [&] {
          return Wrackline({"report", folder_ / "recorded"}).exited(0);
        },
        std::chrono::seconds(60)));
    child.Kill(SIGKILL);
    child.Wait();
  }
  const std::string archive = folder_ / "left.tar.zst";
  const ProcessEnd end = Wrackline({"collect", "--previous", "--recordings", folder_ / "recorded",
                                    "--logs", folder_ / "log", "-o", archive});
  ASSERT_TRUE(end.exited(0)) << end.err;
  EXPECT_THAT(end.out, HasSubstr("left.tar.zst"));
}

TEST_F(Collect, NothingIsNotACrash) {
  const ProcessEnd none = Wrackline({"collect", "--pid", "999999999", "-o", folder_ / "none"});
  EXPECT_TRUE(none.exited(2));
  EXPECT_THAT(none.err, HasSubstr("999999999"));
  const ProcessEnd full = Wrackline({"collect", "--previous", "-o", "/proc/none"});
  EXPECT_TRUE(full.exited(2));
}

}  // namespace
}  // namespace wrackline::test
