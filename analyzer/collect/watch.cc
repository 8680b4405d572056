#include "analyzer/collect/watch.h"

#include <cstdio>

#include "lib/container/cgroup.h"
#include "lib/container/process.h"

namespace wrackline::collect {

Watch::Watch(const Target& target)
    : folder_(target.cgroup_folder), version_(target.cgroup_version), pid_(target.pid) {
  kills_ = Kills();
  started_ = Started();
}

std::optional<std::uint64_t> Watch::Kills() const {
  container::Cgroup cgroup;
  if (folder_.empty() || folder_.size() >= sizeof(cgroup.folder)) return std::nullopt;
  cgroup.version = version_;
  std::snprintf(cgroup.folder, sizeof(cgroup.folder), "%s", folder_.c_str());
  return container::ReadCgroupMemory(cgroup).oom_kill;
}

std::optional<std::uint64_t> Watch::Started() const {
  if (pid_ == 0) return std::nullopt;
  const container::ProcessStat stat = container::ReadProcessStat("", std::to_string(pid_).c_str());
  if (stat.state == 0 || container::IsZombie(stat)) return std::nullopt;
  return stat.start_ticks;
}

Seen Watch::Look() {
  const std::optional<std::uint64_t> kills = Kills();
  const bool moved = kills && kills_ && *kills > *kills_;
  if (kills) kills_ = kills;
  // One that was dead when it was first looked at is gone too: it ended while it was being collected.
  const bool gone = !told_ && pid_ != 0 && (!started_ || Started() != started_);
  if (gone) {
    started_.reset();
    told_ = true;
  }
  if (moved) return Seen::kOomKill;
  return gone ? Seen::kProcessGone : Seen::kNothing;
}

}  // namespace wrackline::collect
