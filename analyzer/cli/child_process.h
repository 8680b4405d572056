// One child process: started with an environment, signals forwarded to it, waited for.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace wrackline::cli {

struct ChildEnd {
  bool started = false;
  pid_t pid = 0;
  int exec_errno = 0;   // not started: why execvp failed
  int enter_errno = 0;  // not started: why `before_exec` failed
  int status = 0;       // as waitpid gives it
};

// Runs `command` (found along PATH) with `environment` and returns when it has ended. SIGINT,
// SIGTERM, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 sent to this process meanwhile go to the child;
// those that a terminal sends reach the child by itself and are not sent twice. `before_exec` runs
// in the child (no allocation) and returns 0 or an errno value. Single-threaded callers only.
// Errors: fork fails.
Result<ChildEnd> RunChild(const std::vector<std::string>& command,
                          const std::vector<std::string>& environment,
                          const std::function<int()>& before_exec);

}  // namespace wrackline::cli
