#include "tests/support/profiled_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace wrackline::test {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> environment;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    const std::string name = entry.substr(0, entry.find('='));
    // The tests' own surroundings must not decide what a test sees.
    if (added.count(name) == 0 && name.rfind("WRACKLINE_", 0) != 0) environment.push_back(entry);
  }
  for (const auto& [name, value] : added) environment.push_back(name + "=" + value);
  return environment;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "wrackline-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary folder: " + std::string(strerror(errno)));
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

bool ProcessEnd::exited(int code) const { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
bool ProcessEnd::killed(int signal) const {
  return WIFSIGNALED(status) && WTERMSIG(status) == signal;
}

ChildProcess::ChildProcess(const ProcessOptions& options) {
  std::vector<std::string> arguments = options.command;
  std::vector<std::string> environment = Environment(options.environment);
  std::vector<char*> argument_pointers = Pointers(arguments);
  std::vector<char*> environment_pointers = Pointers(environment);
  const std::string out = folder_ / "out";
  const std::string err = folder_ / "err";
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork: " + std::string(strerror(errno)));
  if (pid_ > 0) return;
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  dup2(open(out.c_str(), flags, 0600), STDOUT_FILENO);
  dup2(open(err.c_str(), flags, 0600), STDERR_FILENO);
  if (options.in_child) options.in_child();
  execvpe(argument_pointers[0], argument_pointers.data(), environment_pointers.data());
  _exit(127);
}

ChildProcess::~ChildProcess() {
  if (ended_) return;
  Kill(SIGKILL);
  Wait();
}

void ChildProcess::Kill(int signal) const {
  if (!ended_) kill(pid_, signal);
}

bool ChildProcess::Ended() {
  if (!ended_ && waitpid(pid_, &status_, WNOHANG) == pid_) {
    ended_ = true;
    end_time_ns_ = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                              std::chrono::nanoseconds(1));
  }
  return ended_;
}

ProcessEnd ChildProcess::Wait() {
  if (!ended_) {
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
    end_time_ns_ = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                                              std::chrono::nanoseconds(1));
  }
  return {status_, ReadWhole(folder_ / "out"), ReadWhole(folder_ / "err")};
}

ProcessEnd RunProcess(const ProcessOptions& options) {
  ChildProcess child(options);
  return child.Wait();
}

std::vector<std::string> RecorderFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".wrack") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool WaitFor(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace wrackline::test
