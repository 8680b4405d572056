#include "preload/timeline.h"

#include <wrackline_nanopb/wrackline.pb.h>

#include <algorithm>

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kStallWindowNs = 1'000'000'000;
constexpr std::uint64_t kMoveParts = 20;

template <typename Field, typename Value>
void Set(bool* has, Field* field, const std::optional<Value>& value) {
  *has = value.has_value();
  if (value.has_value()) *field = *value;
}

}  // namespace

std::uint32_t MemoryMoves::Update(std::optional<std::uint64_t> held,
                                  std::optional<std::uint64_t> limit) {
  if (!held) return count_;
  if (!held_) held_ = held;
  const std::uint64_t moved = *held > *held_ ? *held - *held_ : *held_ - *held;
  const std::uint64_t whole = limit.value_or(0) != 0 ? *limit : *held_;
  if (moved == 0 || moved < whole / kMoveParts) return count_;
  held_ = held;
  return ++count_;
}

bool LookPace::Due(std::uint64_t now_ns, std::uint32_t moves, bool fast) const {
  if (end_ns_ == 0) return true;
  if (now_ns < end_ns_ + cost_ns_ * (fast ? rule_.fast_parts : rule_.parts)) return false;
  if (now_ns >= end_ns_ + (fast ? rule_.fast_period_ns : rule_.period_ns)) return true;
  return moves != moves_;
}

bool FastMode::GrowsNearLimit(std::uint64_t now_ns, std::uint64_t working_set,
                              std::uint64_t limit) {
  std::uint64_t lowest = working_set;
  for (std::uint32_t i = 0; i < point_count_; ++i) {
    if (points_[i].time_ns + kWindowNs >= now_ns) lowest = std::min(lowest, points_[i].value);
  }
  points_[next_point_] = {now_ns, working_set};
  next_point_ = (next_point_ + 1) % kPoints;
  point_count_ = std::min(point_count_ + 1, kPoints);
  return working_set > limit / 100 * 85 && working_set - lowest > limit / 100;
}

bool FastMode::Stalls(std::uint64_t now_ns, const container::Pressure& pressure) {
  if (!pressure.of_cgroup || !pressure.some_total_us.has_value()) {
    stall_known_ = false;
    return stalls_ = false;
  }
  const Point current{now_ns, *pressure.some_total_us};
  if (!stall_known_ || current.value < stall_.value) {
    stall_ = current;
    stall_known_ = true;
    return stalls_ = false;
  }
  const std::uint64_t elapsed_ns = now_ns - stall_.time_ns;
  if (elapsed_ns < kStallWindowNs) return stalls_;
  stalls_ = (current.value - stall_.value) * 1000 > elapsed_ns / 10;
  stall_ = current;
  return stalls_;
}

bool FastMode::Update(std::uint64_t now_ns, std::optional<std::uint64_t> working_set,
                      std::optional<std::uint64_t> limit, const container::Pressure& pressure) {
  const std::uint64_t elapsed = last_ns_ == 0 ? 0 : now_ns - last_ns_;
  last_ns_ = now_ns;
  if (fast_) {
    purse_ns_ -= std::min(purse_ns_, elapsed);
    resting_ = resting_ || purse_ns_ == 0;
  } else {
    purse_ns_ = std::min(kPurseNs, purse_ns_ + elapsed / kRefillParts);
    resting_ = resting_ && purse_ns_ < kPurseNs;
  }

  const bool grows =
      working_set.has_value() && limit.has_value() && GrowsNearLimit(now_ns, *working_set, *limit);
  const bool stalls = Stalls(now_ns, pressure);
  if (grows || stalls) triggered_ns_ = now_ns;
  const bool wanted = triggered_ns_ != 0 && triggered_ns_ + kHoldNs > now_ns;
  fast_ = wanted && !resting_;
  return fast_;
}

Observation Observe(const char* root, const char* pid, const container::Cgroup& cgroup) {
  Observation observation;
  if (cgroup.version != 0) observation.cgroup = container::ReadCgroupMemory(cgroup);
  observation.statm = container::ReadStatm(root, pid);
  observation.stat = container::ReadProcessStat(root, pid);
  observation.pressure = container::ReadMemoryPressure(root, cgroup);
  return observation;
}

void FillObservation(const Observation& observation, wrackline_proto_TimelineSample* out) {
  const container::CgroupMemory& from = observation.cgroup;
  wrackline_proto_CgroupMemory& cgroup = out->cgroup;
  Set(&cgroup.has_charge, &cgroup.charge, from.charge);
  Set(&cgroup.has_limit, &cgroup.limit, from.limit);
  Set(&cgroup.has_peak, &cgroup.peak, from.peak);
  Set(&cgroup.has_anon, &cgroup.anon, from.anon);
  Set(&cgroup.has_file, &cgroup.file, from.file);
  Set(&cgroup.has_shmem, &cgroup.shmem, from.shmem);
  Set(&cgroup.has_file_mapped, &cgroup.file_mapped, from.file_mapped);
  Set(&cgroup.has_file_dirty, &cgroup.file_dirty, from.file_dirty);
  Set(&cgroup.has_file_writeback, &cgroup.file_writeback, from.file_writeback);
  Set(&cgroup.has_inactive_file, &cgroup.inactive_file, from.inactive_file);
  Set(&cgroup.has_active_file, &cgroup.active_file, from.active_file);
  Set(&cgroup.has_inactive_anon, &cgroup.inactive_anon, from.inactive_anon);
  Set(&cgroup.has_active_anon, &cgroup.active_anon, from.active_anon);
  Set(&cgroup.has_kernel, &cgroup.kernel, from.kernel);
  Set(&cgroup.has_slab, &cgroup.slab, from.slab);
  Set(&cgroup.has_slab_reclaimable, &cgroup.slab_reclaimable, from.slab_reclaimable);
  Set(&cgroup.has_kernel_stack, &cgroup.kernel_stack, from.kernel_stack);
  Set(&cgroup.has_page_tables, &cgroup.page_tables, from.page_tables);
  Set(&cgroup.has_sock, &cgroup.sock, from.sock);
  Set(&cgroup.has_anon_thp, &cgroup.anon_thp, from.anon_thp);
  Set(&cgroup.has_swap, &cgroup.swap, from.swap);
  Set(&cgroup.has_pgmajfault, &cgroup.pgmajfault, from.pgmajfault);
  Set(&cgroup.has_oom_kill, &cgroup.oom_kill, from.oom_kill);
  Set(&cgroup.has_limit_hits, &cgroup.limit_hits, from.limit_hits);
  // A reading of the controller always has a charge; without a controller there is no message.
  out->has_cgroup = cgroup.has_charge;

  wrackline_proto_ProcessMemory& process = out->process;
  out->has_process = true;
  Set(&process.has_virtual_bytes, &process.virtual_bytes, observation.statm.virtual_bytes);
  Set(&process.has_resident, &process.resident, observation.statm.resident);
  Set(&process.has_resident_shared, &process.resident_shared, observation.statm.shared);
  Set(&process.has_threads, &process.threads, observation.stat.threads);

  const container::Pressure& stalls = observation.pressure;
  wrackline_proto_Pressure& pressure = out->pressure;
  out->has_pressure = stalls.some_total_us.has_value() || stalls.full_total_us.has_value();
  pressure.of_cgroup = stalls.of_cgroup;
  Set(&pressure.has_some_total_us, &pressure.some_total_us, stalls.some_total_us);
  Set(&pressure.has_full_total_us, &pressure.full_total_us, stalls.full_total_us);
  Set(&pressure.has_some_avg10, &pressure.some_avg10, stalls.some_avg10);
  Set(&pressure.has_full_avg10, &pressure.full_avg10, stalls.full_avg10);
}

void FillRollup(const container::SmapsRollup& rollup, std::uint64_t monotonic_ns,
                wrackline_proto_TimelineSample* out) {
  wrackline_proto_ProcessMemory& process = out->process;
  out->has_process = true;
  process.has_rollup_monotonic_ns = true;
  process.rollup_monotonic_ns = monotonic_ns;
  Set(&process.has_rollup_rss, &process.rollup_rss, rollup.rss);
  Set(&process.has_rollup_pss, &process.rollup_pss, rollup.pss);
  Set(&process.has_rollup_anonymous, &process.rollup_anonymous, rollup.anonymous);
  Set(&process.has_rollup_anon_huge_pages, &process.rollup_anon_huge_pages, rollup.anon_huge_pages);
  Set(&process.has_rollup_swap, &process.rollup_swap, rollup.swap);
  Set(&process.has_rollup_shared_clean, &process.rollup_shared_clean, rollup.shared_clean);
  Set(&process.has_rollup_private_clean, &process.rollup_private_clean, rollup.private_clean);
  Set(&process.has_rollup_private_dirty, &process.rollup_private_dirty, rollup.private_dirty);
}

}  // namespace wrackline::preload
