// Runs a program with some environment and gives back what it said. Tests only; POSIX.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern char** environ;

namespace wrackline::preload {

struct ProgramResult {
  int status = -1;  // exit code, or 128 + signal
  std::string out, err;
};

inline std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = pread(fd, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

// `environment`: "NAME=value" each, on top of this process's, less every LD_PRELOAD and WRACKLINE_
// of its own.
inline ProgramResult RunProgram(const std::vector<std::string>& command,
                                const std::vector<std::string>& environment) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0 &&
        std::strncmp(*variable, "WRACKLINE_", 10) != 0) {
      variables.emplace_back(*variable);
    }
  }
  variables.insert(variables.end(), environment.begin(), environment.end());
  std::vector<char*> envp;
  for (auto& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);
  std::vector<std::string> arguments = command;
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  // Into files, not pipes: a program that says much must not wait for us.
  FILE* out = tmpfile();
  FILE* err = tmpfile();
  ProgramResult result;
  if (out == nullptr || err == nullptr) return result;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, fileno(out), 1);
  posix_spawn_file_actions_adddup2(&actions, fileno(err), 2);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = ReadAll(fileno(out));
    result.err = ReadAll(fileno(err));
  } else {
    result.err = std::string("cannot start ") + argv[0] + ": " + std::strerror(error);
  }
  fclose(out);
  fclose(err);
  return result;
}

// An empty folder that goes away with its content.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "/wrackline-XXXXXX";
    path_ = mkdtemp(pattern.data()) != nullptr ? pattern : std::string();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    if (!path_.empty()) RunProgram({"rm", "-rf", path_}, {});
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace wrackline::preload
