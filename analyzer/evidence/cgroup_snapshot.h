// The kernel's files of one memory cgroup, v1 or v2, at one moment.
//
// A folder of them (a copy of /sys/fs/cgroup/..., joined into one text by folder_files.h), or one text with a line "== NAME" before
// each file's content, or a single memory.stat. Which figure is in which file: docs/container.md.
//
// A snapshot taken after the kill shows an empty cgroup: it gives the limit, the peak and the counters, and no point of the
// timeline. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/source.h"
#include "lib/container/cgroup.h"
#include "lib/container/pressure.h"

namespace wrackline::evidence {

struct CgroupSnapshot {
  int version = 0;  // 1 or 2
  container::CgroupMemory memory;
  container::Pressure pressure;
  std::optional<std::uint64_t>
      local_oom_kill;  // memory.events.local: of this cgroup itself, not of those below
  std::optional<std::uint64_t> oom;      // its own limit ran out, and nothing could be reclaimed
  std::optional<bool> kill_group;        // memory.oom.group
  std::vector<std::uint32_t> processes;  // cgroup.procs, at most 1,024
  std::optional<std::uint32_t> cpu_quota_thousandths;

  // It holds next to nothing of what it once held, and the OOM killer was there.
  bool AfterKill() const;
};

// Nothing when the text has no figure of a memory cgroup.
std::optional<CgroupSnapshot> ParseCgroupSnapshot(std::string_view text);

bool IsCgroupSnapshot(const SourceFile& file);
Result<std::string> AddCgroupSnapshot(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
