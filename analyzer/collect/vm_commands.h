// What a HotSpot VM answers to a diagnostic command, as `jcmd` asks it, without a JDK in the container: the attach protocol itself.
//
//   AttachedVm vm(pid);
//   Result<std::string> text = vm.Ask("VM.native_memory summary scale=B", std::chrono::seconds(5));
//
// The VM must run as this process's user, or this process as root. It is asked to listen by SIGQUIT, which ends a process that does not
// catch it: it is sent only to a process that catches it and has libjvm.so mapped.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "analyzer/collect/read.h"
#include "lib/base/result.h"

namespace wrackline::collect {

class AttachedVm {
 public:
  explicit AttachedVm(pid_t pid) : pid_(pid) {}

  // Errors: no VM, not ours to ask, no answer in time, or the VM's own words. After a time-out it is not asked again.
  Result<std::string> Ask(const std::string& command, std::chrono::milliseconds patience);

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  Status Listen(Deadline deadline);
  Result<int> Connect(Deadline deadline) const;

  pid_t pid_;
  std::unique_ptr<Held> folder_;  // its /tmp, while it lives
  std::string socket_;            // empty: it was not asked to listen
  std::string refused_;           // why it is not asked again
};

// False where SIGQUIT would end the process, or it is no Java VM. `status`: /proc/PID/status, `maps`: /proc/PID/maps.
bool CatchesQuitAsVm(std::string_view status, std::string_view maps);

}  // namespace wrackline::collect
