#include "analyzer/cli/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace wrackline::cli {
namespace {

constexpr std::array<int, 6> kForwarded = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What the child tells its parent when it could not become the command.
struct Failure {
  int enter_errno;
  int exec_errno;
};

[[noreturn]] void Become(char* const* arguments, char* const* environment,
                         const std::function<int()>& before_exec, const sigset_t& mask,
                         int report) {
  Failure failure{before_exec(), 0};
  if (failure.enter_errno == 0) {
    sigprocmask(SIG_SETMASK, &mask, nullptr);
    execvpe(arguments[0], arguments, environment);
    failure.exec_errno = errno;
  }
  // A failed write leaves the parent with an exit status of 127, which is right as well.
  [[maybe_unused]] const ssize_t ignored = write(report, &failure, sizeof failure);
  _exit(127);
}

sigset_t Forwarded() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kForwarded) sigaddset(&signals, signal);
  return signals;
}

// A terminal signals the whole foreground group; a child may have made one of its own (setsid, timeout). That the line was hung up
// only the session's leader is told.
bool HasItToo(pid_t child, int signal) {
  if (signal == SIGHUP && getsid(0) == getpid()) return false;
  return getpgid(child) == getpgrp();
}

void Wait(pid_t child, const sigset_t& signals, int* status) {
  for (;;) {
    siginfo_t info{};
    const int signal = sigwaitinfo(&signals, &info);
    if (signal < 0) continue;
    if (signal != SIGCHLD) {
      if (info.si_code != SI_KERNEL || !HasItToo(child, signal)) kill(child, signal);
      continue;
    }
    if (waitpid(child, status, WNOHANG) == child) return;
  }
}

}  // namespace

HeldSignals::HeldSignals() : before_() {
  const sigset_t signals = Forwarded();
  sigprocmask(SIG_BLOCK, &signals, &before_);
}

HeldSignals::~HeldSignals() {
  const sigset_t signals = Forwarded();
  const timespec at_once{};
  while (sigtimedwait(&signals, nullptr, &at_once) > 0 || errno == EINTR) {
  }
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

Result<ChildEnd> RunChild(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment,
                          const std::function<int()>& before_exec, const HeldSignals& held) {
  const std::vector<char*> arguments = Pointers(command);
  const std::vector<char*> variables = Pointers(environment);
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) != 0)
    return Error{std::string("cannot make a pipe: ") + std::strerror(errno), ""};

  sigset_t signals = Forwarded(), before;
  sigaddset(&signals, SIGCHLD);
  sigprocmask(SIG_BLOCK, &signals, &before);
  // An inherited "ignore" would let the kernel reap the child unseen.
  struct sigaction inherited_chld {
  }, plain{};
  plain.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &plain, &inherited_chld);

  ChildEnd end;
  end.pid = fork();
  if (end.pid == 0) {
    sigaction(SIGCHLD, &inherited_chld, nullptr);
    Become(arguments.data(), variables.data(), before_exec, held.mask_before(), channel[1]);
  }
  close(channel[1]);
  if (end.pid < 0) {
    const int error = errno;
    close(channel[0]);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return Error{std::string("cannot start a process: ") + std::strerror(error), ""};
  }
  Failure failure{};
  ssize_t length;
  do {
    length = read(channel[0], &failure, sizeof failure);
  } while (length < 0 && errno == EINTR);
  close(channel[0]);
  end.started = length == 0;
  if (!end.started) {
    end.enter_errno = failure.enter_errno;
    end.exec_errno = failure.exec_errno;
  }
  Wait(end.pid, signals, &end.status);
  sigaction(SIGCHLD, &inherited_chld, nullptr);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  return end;
}

}  // namespace wrackline::cli
