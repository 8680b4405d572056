// What the recorder thread observes: the kernel's figures at every step of the timeline, and when
// to step faster.
//
// Figures by cost (docs/preload.md): memory.stat, statm and PSI take some 50 us and are read at
// every step; smaps_rollup takes 16 ms per GiB resident and the allocator's statistics walk its
// heap, so the assistant thread takes them under a DutyLimiter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "lib/container/cgroup.h"
#include "lib/container/pressure.h"
#include "lib/container/process.h"

extern "C" {
typedef struct _wrackline_proto_TimelineSample wrackline_proto_TimelineSample;
}

namespace wrackline::preload {

// Lets a job run so rarely that it takes at most `duty` of one core. The job's cost is measured
// each time.
class DutyLimiter {
 public:
  // At most one part in `parts` of the time: 200 is 0.5 %.
  explicit constexpr DutyLimiter(std::uint64_t parts) : parts_(parts) {}
  bool Allowed(std::uint64_t now_ns) const { return now_ns >= next_ns_; }
  void Spent(std::uint64_t end_ns, std::uint64_t cost_ns) { next_ns_ = end_ns + cost_ns * parts_; }
  void NotBefore(std::uint64_t time_ns) {
    if (time_ns > next_ns_) next_ns_ = time_ns;
  }

 private:
  std::uint64_t parts_;
  std::uint64_t next_ns_ = 0;
};

// How many times the memory held (the cgroup's charge, or else what is resident) has moved by a twentieth of the limit, or of what it
// was where there is no limit. While the count stands still, figures that cost more than a reading of a file are as good as new.
class MemoryMoves {
 public:
  // Figures of now; absent ones decide nothing.
  std::uint32_t Update(std::optional<std::uint64_t> held, std::optional<std::uint64_t> limit);

 private:
  std::optional<std::uint64_t> held_;  // at the last move
  std::uint32_t count_ = 0;
};

// When such a figure is taken anew: after a period, which is shorter in fast mode (below), and sooner when memory has moved since; but
// never more often than its cost allows.
class LookPace {
 public:
  struct Rule {
    std::uint64_t period_ns, fast_period_ns;
    std::uint64_t parts, fast_parts;  // at most one part in so many of a core's time
  };
  explicit constexpr LookPace(const Rule& rule) : rule_(rule) {}

  bool Due(std::uint64_t now_ns, std::uint32_t moves, bool fast) const;
  // A look was asked for, and it is over.
  void Began(std::uint32_t moves) { moves_ = moves; }
  void Ended(std::uint64_t end_ns, std::uint64_t cost_ns) {
    end_ns_ = end_ns;
    cost_ns_ = cost_ns;
  }

 private:
  Rule rule_;
  std::uint64_t end_ns_ = 0;  // 0: never looked
  std::uint64_t cost_ns_ = 0;
  std::uint32_t moves_ = 0;
};

// What was untouched and is not any more is the largest figure that a fast death leaves stale: RocksDB takes its memtables 8 MiB at
// a time and fills them in a blink.
constexpr LookPace::Rule kUntouchedRule = {30'000'000'000, 1'000'000'000, 400, 40};
// For the huge pages in it, which no other file has on cgroup v1: they come and go slowly, and the kernel walks every page.
// (20 ms in a TaskManager of 1.7 GB: once a minute that was a twelfth of what all our threads cost it.)
constexpr LookPace::Rule kRollupRule = {300'000'000'000, 60'000'000'000, 2000, 2000};

// Whether the timeline steps every 50 ms instead of every second.
//
// Level alone never triggers: a healthy pod with a full heap sits above 90 % of its limit for ever.
// What triggers is growth near the limit (the working set is above 85 % of it and more than 1 % of
// it above its lowest value of the last 5 s), or stall (tasks of this cgroup waited for memory
// during more than 10 % of the last second or longer). Stall of the whole machine does not count,
// it may be a neighbour's.
//
// Fast time is bought from a purse of 60 s that fills at a fifth of real time; when it is empty it
// must be full again (5 minutes) before the next. So a pod that keeps stalling costs a sixth of the
// fast mode's price, and a pod that dies on its first way up is seen in full. Two seconds without a
// trigger end it early and keep the rest of the purse.
class FastMode {
 public:
  static constexpr std::uint64_t kPurseNs = 60'000'000'000;
  static constexpr std::uint64_t kRefillParts = 5;
  static constexpr std::uint64_t kWindowNs = 5'000'000'000;
  static constexpr std::uint64_t kHoldNs = 2'000'000'000;

  // Takes one observation (times never fall) and says whether the next step is a fast one.
  bool Update(std::uint64_t now_ns, std::optional<std::uint64_t> working_set,
              std::optional<std::uint64_t> limit, const container::Pressure& pressure);
  bool fast() const { return fast_; }
  // False while the purse fills up after it was emptied.
  bool may_go_fast() const { return !resting_; }

 private:
  bool GrowsNearLimit(std::uint64_t now_ns, std::uint64_t working_set, std::uint64_t limit);
  bool Stalls(std::uint64_t now_ns, const container::Pressure& pressure);

  struct Point {
    std::uint64_t time_ns, value;
  };
  static constexpr std::uint32_t kPoints = 128;  // more than 5 s of 50 ms
  Point points_[kPoints] = {};
  std::uint32_t point_count_ = 0, next_point_ = 0;
  Point stall_ = {};
  bool stall_known_ = false;
  bool stalls_ = false;
  std::uint64_t last_ns_ = 0;
  std::uint64_t triggered_ns_ = 0;
  std::uint64_t purse_ns_ = kPurseNs;
  bool resting_ = false;
  bool fast_ = false;
};

// The cheap figures of one step.
struct Observation {
  container::CgroupMemory cgroup;
  container::Statm statm;
  container::ProcessStat stat;
  container::Pressure pressure;
};
// `root` as in lib/container; `pid` "self" or digits.
Observation Observe(const char* root, const char* pid, const container::Cgroup& cgroup);

// Writes the observation into `out`, absent figures left absent; the other fields of `out` are not
// touched.
void FillObservation(const Observation& observation, wrackline_proto_TimelineSample* out);
void FillRollup(const container::SmapsRollup& rollup, std::uint64_t monotonic_ns,
                wrackline_proto_TimelineSample* out);

}  // namespace wrackline::preload
