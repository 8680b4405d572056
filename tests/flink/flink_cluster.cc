#include "tests/flink/flink_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/support/java_home.h"

namespace wrackline::test {
namespace {

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Flink 1.10 has few of the interfaces that the job is written to: what differs is in src-1.10.
std::vector<std::filesystem::path> Sources(const std::string& flink) {
  const std::filesystem::path sources = WRACKLINE_FLINK_SOURCES;
  std::vector<std::filesystem::path> files;
  if (flink.starts_with("1.10.")) {
    files = {sources / "DecodeOrder.java", sources / "MakeOrder.java"};
  }
  const std::filesystem::path folder =
      files.empty() ? sources : std::filesystem::path(WRACKLINE_FLINK_SOURCES_1_10);
  for (const auto& file : std::filesystem::directory_iterator(folder)) files.push_back(file.path());
  return files;
}

// The job's classes for this Flink's jars.
std::string Compile(const std::string& flink, const std::string& jars, const std::string& folder) {
  ProcessOptions javac;
  javac.command = {JavaHome("17") + "/bin/javac",
                   "-nowarn",
                   "-Xlint:-options",
                   "-source",
                   "11",
                   "-target",
                   "11",
                   "-cp",
                   jars + "/*",
                   "-d",
                   folder};
  for (const std::filesystem::path& file : Sources(flink)) javac.command.push_back(file);
  const ProcessEnd end = RunProcess(javac);
  return end.exited(0) ? "" : "javac: " + end.err;
}

std::string Trouble(const ProcessEnd& end) {
  return end.exited(0) ? "" : end.err + end.out + "(no more was said)";
}

}  // namespace

FlinkCluster::FlinkCluster(FlinkOptions options) : options_(std::move(options)) {}

FlinkCluster::~FlinkCluster() {
  Script({"down"});
  if (testing::Test::HasFailure()) KeepLogs();
}

void FlinkCluster::KeepLogs() const {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string name = test ? test->name() : "test";
  std::replace(name.begin(), name.end(), '/', '-');
  std::string kept = std::string(WRACKLINE_FLINK_KEPT) + "/" + name;
  for (int i = 2; std::filesystem::exists(kept) && i < 100; ++i)
    kept = std::string(WRACKLINE_FLINK_KEPT) + "/" + name + "-" + std::to_string(i);
  std::error_code error;
  std::filesystem::create_directories(kept, error);
  const auto options =
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;
  for (const char* part : {"conf", "recordings", "taskmanager.log", "jobmanager.log", "submit.log",
                           "taskmanager.status", "memory"})
    std::filesystem::copy(folder_ / part, kept + "/" + part, options, error);
  const std::string text = Read(log());
  std::cout << "kept in " << kept << "; the end of the TaskManager's log:\n"
            << text.substr(text.size() < 8000 ? 0 : text.size() - 8000) << '\n';
}

ProcessEnd FlinkCluster::Script(const std::vector<std::string>& arguments) const {
  ProcessOptions script;
  script.command = {WRACKLINE_FLINK_SCRIPT, arguments[0], folder_.path()};
  script.command.insert(script.command.end(), arguments.begin() + 1, arguments.end());
  return RunProcess(script);
}

std::string FlinkCluster::Up() {
  const std::string jars = FlinkJars(options_.flink);
  if (jars.empty()) return NoFlink(options_.flink);
  const std::string home = JavaHome(options_.java);
  if (home.empty()) return NoJava(options_.java);
  const std::string classes = folder_ / "classes";
  std::filesystem::create_directory(classes);
  if (std::string trouble = Compile(options_.flink, jars, classes); !trouble.empty())
    return trouble;
  const std::string more = folder_ / "more.yaml";
  std::ofstream(more) << options_.configuration;
  std::vector<std::string> arguments = {"up",     "--flink", jars,       "--classes", classes,
                                        "--java", home,      "--config", more};
  if (options_.preload) arguments.insert(arguments.end(), {"--preload", WRACKLINE_PRELOAD_LIBRARY});
  if (!options_.cgroup.empty()) arguments.insert(arguments.end(), {"--cgroup", options_.cgroup});
  return Trouble(Script(arguments));
}

std::string FlinkCluster::Submit(const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {"submit"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return Trouble(Script(arguments));
}

std::string FlinkCluster::Metrics() const { return Script({"get", "metrics"}).out; }

std::string FlinkCluster::Rest(const std::string& path) const {
  return Script({"get", "rest", path}).out;
}

pid_t FlinkCluster::TaskManagerPid() const {
  pid_t pid = 0;
  std::ifstream(folder_ / "taskmanager.pid") >> pid;
  return pid;
}

void FlinkCluster::KillTaskManager() const {
  if (const pid_t pid = TaskManagerPid(); pid > 0) kill(pid, SIGKILL);
  WaitFor([&] { return TaskManagerStatus() >= 0; }, std::chrono::seconds(20));
}

int FlinkCluster::TaskManagerStatus() const {
  int status = -1;
  std::ifstream(folder_ / "taskmanager.status") >> status;
  return status;
}

}  // namespace wrackline::test
