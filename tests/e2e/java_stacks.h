// What the tests of a VM under strain ask of its recording, and of the VM before it is asked anything.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "lib/recorder/reader.h"

namespace wrackline::test {

// A VM that does not catch SIGQUIT yet is ended by it: jcmd's first word to a VM.
inline bool Catches(pid_t pid, int signal) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; status >> word;) {
    std::uint64_t caught = 0;
    if (word == "SigCgt:" && status >> std::hex >> caught) return (caught >> (signal - 1)) & 1;
  }
  return false;
}

inline bool InJava(const recorder::Stack& stack) {
  return std::any_of(stack.frames.begin(), stack.frames.end(),
                     [](auto frame) { return frame >> 63 != 0; });
}

// How often AsyncGetCallTrace gave no stack.
struct JavaStackFailures {
  std::uint64_t all = 0;
  // Those that are no fault of the shim's, told by their native frames; `all` has them too.
  std::uint64_t thawing = 0;  // the VM puts a virtual thread's frames back onto a stack
  std::uint64_t events = 0;   // the VM makes ready what another agent asked to be told of
  std::string by_code;        // from code 0 down
};

inline JavaStackFailures FailuresOf(const recorder::Recording& recording) {
  JavaStackFailures failures;
  const auto of_code = [&](int code) -> std::uint64_t {
    return recording.losses.java_stack_failed_size() > -code
               ? recording.losses.java_stack_failed(-code)
               : 0;
  };
  for (const std::uint64_t count : recording.losses.java_stack_failed()) {
    failures.all += count;
    failures.by_code += " " + std::to_string(count);
  }
  // Only there the VM is asked: where the native walk ended in code that it made.
  const auto asked = [&](const recorder::Stack& stack) {
    if (stack.frames.empty() || stack.truncated || InJava(stack)) return false;
    const std::uint64_t last = stack.frames.back();
    return std::none_of(recording.modules.begin(), recording.modules.end(), [&](const auto& entry) {
      return last >= entry.second.start() && last < entry.second.end();
    });
  };
  const auto has = [&](const recorder::Stack& stack, const char* part) {
    return std::any_of(stack.frames.begin(), stack.frames.end(), [&](std::uint64_t frame) {
      const auto name = recording.frame_names.find(frame);
      return name != recording.frame_names.end() &&
             name->second.symbol().find(part) != std::string::npos;
    });
  };
  for (const auto& [id, stack] : recording.stacks) {
    if (!asked(stack)) continue;
    if (has(stack, "thaw"))
      failures.thawing += stack.counters.allocated_samples();
    else if (has(stack, "Jvmti"))
      failures.events += stack.counters.allocated_samples();
  }
  // The caller of a thaw is a stub that AsyncGetCallTrace does not walk through (-6); how many there are is the collector's doing, which
  // asks for such frames to be looked at one by one while it marks. Events of allocations and of contended monitors come in the middle
  // of compiled code's slow paths, which it does not walk through either (-4); how many there are is the other agent's doing.
  failures.thawing = std::min(failures.thawing, of_code(-6));
  failures.events = std::min(failures.events, of_code(-4));
  return failures;
}

}  // namespace wrackline::test
