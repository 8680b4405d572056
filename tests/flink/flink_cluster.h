// A real Flink cluster of one JobManager and one TaskManager (flink.sh), ended with everything of it at the end.
//
//   FlinkCluster cluster({.flink = "1.20.3", .java = "17", .preload = true, .cgroup = cgroup.folder()});
//   ASSERT_EQ(cluster.Up(), "");
//   ASSERT_EQ(cluster.Submit({"fault=inflater"}), "");
//   ... cluster.recordings() ...
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/profiled_process.h"

namespace wrackline::test {

struct FlinkOptions {
  std::string flink;  // version
  std::string java;   // feature version of the TaskManager's and the JobManager's
  // Lines "key: value" beside what a cluster needs to be up at all.
  std::string configuration;
  bool preload = false;
  std::string cgroup;  // folder of the TaskManager's memory cgroup; empty: this process's
};

class FlinkCluster {
 public:
  explicit FlinkCluster(FlinkOptions options);
  FlinkCluster(const FlinkCluster&) = delete;
  FlinkCluster& operator=(const FlinkCluster&) = delete;
  // When the test has failed: keeps the logs, the configuration and the recordings, says where, and prints the end of
  // the TaskManager's log.
  ~FlinkCluster();

  // Each returns what went wrong, or nothing. Up waits until the TaskManager has registered.
  std::string Up();
  // OrdersJob's options, NAME=VALUE.
  std::string Submit(const std::vector<std::string>& options);

  // What the TaskManager's Prometheus endpoint says, and the JobManager's REST endpoint at a path; empty: no answer.
  std::string Metrics() const;
  std::string Rest(const std::string& path) const;

  void KillTaskManager() const;
  pid_t TaskManagerPid() const;
  // The TaskManager's exit status as a shell has it (137: killed); -1 while it runs.
  int TaskManagerStatus() const;

  std::string recordings() const { return folder_ / "recordings"; }
  std::string configuration_file() const { return folder_ / "conf/config.yaml"; }
  std::string log() const { return folder_ / "taskmanager.log"; }

 private:
  ProcessEnd Script(const std::vector<std::string>& arguments) const;
  void KeepLogs() const;
  const FlinkOptions options_;
  const TemporaryFolder folder_;
};

}  // namespace wrackline::test
