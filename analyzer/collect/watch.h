// Waiting for a kill: the counter of a cgroup, and the process itself.
//
// Linux counts OOM kills in memory.events (v2) and memory.oom_control (v1). A container's cgroup goes with it; where that is seen, the
// process is gone too.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "analyzer/collect/target.h"

namespace wrackline::collect {

enum class Seen { kNothing, kOomKill, kProcessGone };

class Watch {
 public:
  // Of the cgroup's counter and the process as they are now.
  explicit Watch(const Target& target);

  // What has happened since the last call (or the beginning): each thing is told once.
  Seen Look();

  pid_t pid() const { return pid_; }
  // Whether that process was still there at the last look.
  bool alive() const { return started_.has_value(); }

 private:
  std::optional<std::uint64_t> Kills() const;
  std::optional<std::uint64_t> Started() const;

  std::string folder_;
  int version_ = 0;
  pid_t pid_ = 0;
  std::optional<std::uint64_t> kills_, started_;
  bool told_ = false;  // that the process is gone
};

}  // namespace wrackline::collect
