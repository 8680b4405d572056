#include "tests/flink/flink_cluster.h"

#include <gtest/gtest.h>

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

// The job's classes for this Flink's jars.
std::string Compile(const std::string& jars, const std::string& folder) {
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
  for (const auto& file : std::filesystem::directory_iterator(WRACKLINE_FLINK_SOURCES))
    javac.command.push_back(file.path());
  const ProcessEnd end = RunProcess(javac);
  return end.exited(0) ? "" : "javac: " + end.err;
}

}  // namespace

FlinkCluster::FlinkCluster(FlinkOptions options) : options_(std::move(options)) {}

FlinkCluster::~FlinkCluster() {
  Script({"down"});
  if (!testing::Test::HasFailure()) return;
  const std::string text = Read(log());
  std::cout << "the end of the TaskManager's log:\n"
            << text.substr(text.size() < 8000 ? 0 : text.size() - 8000) << '\n';
}

std::string FlinkCluster::Script(const std::vector<std::string>& arguments) const {
  ProcessOptions script;
  script.command = {WRACKLINE_FLINK_SCRIPT, arguments[0], folder_.path()};
  script.command.insert(script.command.end(), arguments.begin() + 1, arguments.end());
  const ProcessEnd end = RunProcess(script);
  return end.exited(0) ? "" : end.err + end.out + "(no more was said)";
}

std::string FlinkCluster::Up() {
  const std::string jars = FlinkJars(options_.flink);
  if (jars.empty()) return NoFlink(options_.flink);
  const std::string home = JavaHome(options_.java);
  if (home.empty()) return NoJava(options_.java);
  const std::string classes = folder_ / "classes";
  std::filesystem::create_directory(classes);
  if (std::string trouble = Compile(jars, classes); !trouble.empty()) return trouble;
  const std::string more = folder_ / "more.yaml";
  std::ofstream(more) << options_.configuration;
  std::vector<std::string> arguments = {"up",     "--flink", jars,       "--classes", classes,
                                        "--java", home,      "--config", more};
  if (options_.preload) arguments.insert(arguments.end(), {"--preload", WRACKLINE_PRELOAD_LIBRARY});
  if (!options_.cgroup.empty()) arguments.insert(arguments.end(), {"--cgroup", options_.cgroup});
  return Script(arguments);
}

std::string FlinkCluster::Submit(const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {"submit"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return Script(arguments);
}

void FlinkCluster::KillTaskManager() const {
  pid_t pid = 0;
  if (std::ifstream(folder_ / "taskmanager.pid") >> pid && pid > 0) kill(pid, SIGKILL);
  WaitFor([&] { return TaskManagerStatus() >= 0; }, std::chrono::seconds(20));
}

int FlinkCluster::TaskManagerStatus() const {
  int status = -1;
  std::ifstream(folder_ / "taskmanager.status") >> status;
  return status;
}

}  // namespace wrackline::test
