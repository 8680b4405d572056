// Runs a program with the shim, or without it, and looks at what it leaves: for the e2e tests.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace wrackline::test {

// A fresh folder below the system's temporary one, removed with everything in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct ProcessOptions {
  std::vector<std::string> command;
  // Added to this process's own; LD_PRELOAD among them.
  std::map<std::string, std::string> environment;
  // Called in the child, before exec.
  std::function<void()> in_child;
};

struct ProcessEnd {
  int status = 0;  // as of waitpid
  std::string out, err;
  bool exited(int code) const;
  bool killed(int signal) const;
};

// A running child whose stdout and stderr go to files; killed and waited for at the end.
class ChildProcess {
 public:
  explicit ChildProcess(const ProcessOptions& options);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  void Kill(int signal) const;
  // True when it has ended; never waits.
  bool Ended();
  ProcessEnd Wait();
  // CLOCK_REALTIME when Wait or Ended saw the end.
  std::uint64_t end_time_ns() const { return end_time_ns_; }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
  std::uint64_t end_time_ns_ = 0;
};

ProcessEnd RunProcess(const ProcessOptions& options);

// The recorder files in a folder, sorted.
std::vector<std::string> RecorderFiles(const std::string& folder);

// Polls `condition` every 10 ms until it is true; false after `limit`.
bool WaitFor(const std::function<bool()>& condition, std::chrono::milliseconds limit);

}  // namespace wrackline::test
