// One child process: started with an environment, signals forwarded to it, waited for.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace wrackline::cli {

// Holds back what RunChild forwards, from before the child until what it left is written: a second Ctrl-C must not end this process
// before that. What is still pending at the end of its life is dropped, as it was meant for a child that is gone.
class HeldSignals {
 public:
  HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
  ~HeldSignals();
  // As it was; the child gets it.
  const sigset_t& mask_before() const { return before_; }

 private:
  sigset_t before_;
};

struct ChildEnd {
  bool started = false;
  pid_t pid = 0;
  int exec_errno = 0;   // not started: why execvp failed
  int enter_errno = 0;  // not started: why `before_exec` failed
  int status = 0;       // as waitpid gives it
};

// Runs `command` (found along PATH) with `environment` and returns when it has ended. SIGINT,
// SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 sent to this process meanwhile go to the child;
// those that a terminal sends to both reach the child by itself and are not sent twice. `before_exec`
// runs in the child (no allocation) and returns 0 or an errno value. Single-threaded callers only.
// Errors: fork fails.
Result<ChildEnd> RunChild(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment,
                          const std::function<int()>& before_exec, const HeldSignals& held);

}  // namespace wrackline::cli
