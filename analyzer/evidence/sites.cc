#include "analyzer/evidence/sites.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/frame_namer.h"

namespace wrackline::evidence {
namespace {

struct Estimate {
  std::uint64_t samples = 0, recent_samples = 0;
  double live = 0, recent = 0, untouched = 0, variance = 0, recent_variance = 0;
  std::array<double, kAgeParts> by_age{};
  std::array<std::uint64_t, kAgeParts> samples_by_age{};
};

// The sum of weight is unbiased for the live bytes; its variance is estimated by the sum of
// weight^2 (1 - p) over the sampled objects, with p = size / weight the chance to be sampled
// (preload/sampling/sampler.h).
std::map<std::uint32_t, Estimate> EstimatePerStack(const recorder::Recording& recording,
                                                   Duration window) {
  std::map<std::uint32_t, Estimate> estimates;
  const std::int64_t end_ms = RecordedMs(recording);
  const auto window_ms = std::chrono::duration_cast<std::chrono::milliseconds>(window).count();
  for (const auto& [slot, object] : recording.live_objects) {
    const double weight = static_cast<double>(ToBytes(object.weight()).count);
    const double size = static_cast<double>(ToBytes(object.size()).count);
    Estimate& estimate = estimates[object.stack_id()];
    estimate.samples += 1;
    estimate.live += weight;
    const double variance = weight > size ? weight * (weight - size) : 0;
    estimate.variance += variance;
    if (static_cast<std::int64_t>(ToBytes(object.time_ms()).count) >= end_ms - window_ms) {
      estimate.recent_samples += 1;
      estimate.recent += weight;
      estimate.recent_variance += variance;
    }
    if (end_ms <= 0) continue;
    const std::size_t part = AgePart(object.time_ms(), end_ms);
    estimate.by_age[part] += weight;
    estimate.samples_by_age[part] += 1;
  }
  if (recording.untouched) {
    for (const proto::StackUntouched& stack : recording.untouched->stacks()) {
      const auto estimate = estimates.find(stack.stack_id());
      if (estimate == estimates.end()) continue;
      // What was freed since that look is no part of either.
      estimate->second.untouched = std::min(
          estimate->second.live, static_cast<double>(ToBytes(stack.untouched_bytes()).count));
    }
  }
  return estimates;
}

Bytes Rounded(double amount) {
  // Hostile weights can sum to more than the type holds.
  return Bytes{static_cast<std::int64_t>(std::min(amount, 9.0e18))};
}

}  // namespace

std::int64_t RecordedMs(const recorder::Recording& recording) {
  if (!recording.process) return 0;
  // By the clock that objects are dated by: the wall clock may be set while it runs.
  std::uint64_t newest = 0;
  if (recording.last_heartbeat) newest = recording.last_heartbeat->heartbeat().monotonic_ns();
  if (!recording.timeline.empty())
    newest = std::max<std::uint64_t>(newest, recording.timeline.back().timeline().monotonic_ns());
  const std::uint64_t begin = recording.process->epoch_monotonic_ns();
  if (begin != 0 && newest > begin) return static_cast<std::int64_t>((newest - begin) / 1'000'000);
  const Time end = ToTime(recording.last_time_ns);
  const Time epoch = ToTime(recording.process->epoch_time_ns());
  return std::chrono::duration_cast<std::chrono::milliseconds>(end - epoch).count();
}

std::size_t AgePart(std::uint64_t time_ms, std::int64_t end_ms) {
  const std::uint64_t inside = std::min(time_ms, static_cast<std::uint64_t>(end_ms));
  const auto part = static_cast<double>(inside) / static_cast<double>(end_ms) * kAgeParts;
  return std::min(kAgeParts - 1, static_cast<std::size_t>(part));
}

bool IsPlumbing(const SiteFrame& frame) {
  static constexpr std::array<std::string_view, 16> kExact = {
      "malloc",        "calloc", "realloc", "reallocarray", "memalign", "posix_memalign",
      "aligned_alloc", "valloc", "pvalloc", "strdup",       "__strdup", "strndup",
      "__libc_malloc", "cfree",  "mmap",    "reallocf"};
  static constexpr std::array<std::string_view, 12> kPrefix = {"operator new",
                                                               "std::",
                                                               "__gnu_cxx::",
                                                               "void std::",
                                                               "mallocx",
                                                               "rallocx",
                                                               "je_",
                                                               "tc_",
                                                               "mi_",
                                                               "__libc_",
                                                               "rocksdb::Arena::",
                                                               "rocksdb::ConcurrentArena::"};
  if (frame.java) return false;
  const std::string_view name = frame.function;
  if (!frame.named) return frame.rocksdb || frame.module.starts_with("libwrackline_preload");
  if (std::find(kExact.begin(), kExact.end(), name) != kExact.end()) return true;
  if (std::any_of(kPrefix.begin(), kPrefix.end(),
                  [name](auto prefix) { return name.starts_with(prefix); }))
    return true;
  return frame.module == "libwrackline_preload.so" || name.starts_with("wrackline::preload::");
}

std::vector<Site> SitesFromRecording(const recorder::Recording& recording, Duration window) {
  FrameNamer namer(recording);
  const std::map<std::uint32_t, Estimate> estimates = EstimatePerStack(recording, window);

  std::map<std::string, Site> sites;
  std::map<std::string, double> variances, lives, recents, recent_variances, untoucheds;
  std::map<std::string, std::array<double, kAgeParts>> ages;
  const auto add = [&](std::uint32_t id, const recorder::Stack& stack) {
    Site site;
    site.truncated = stack.truncated;
    for (const std::uint64_t pc : stack.frames) {
      const SiteFrame& frame = namer.Name(pc);
      site.frames.push_back(frame);
      site.in_rocksdb |= frame.rocksdb;
    }
    const std::string identity = Identity(site.frames, site.truncated);
    const auto [place, fresh] = sites.try_emplace(identity, std::move(site));
    Site& known = place->second;
    if (!fresh) KeepCommonLines(site.frames, &known.frames);  // try_emplace left `site` alone
    known.stacks.push_back(id);
    known.allocated += ToBytes(stack.counters.allocated_bytes());
    known.freed += ToBytes(stack.counters.freed_bytes());
    const auto estimate = estimates.find(id);
    if (estimate == estimates.end()) return;
    known.samples += estimate->second.samples;
    lives[identity] += estimate->second.live;
    known.recent_samples += estimate->second.recent_samples;
    recents[identity] += estimate->second.recent;
    recent_variances[identity] += estimate->second.recent_variance;
    untoucheds[identity] += estimate->second.untouched;
    variances[identity] += estimate->second.variance;
    known.samples_by_age.resize(kAgeParts);
    for (std::size_t part = 0; part < kAgeParts; ++part) {
      ages[identity][part] += estimate->second.by_age[part];
      known.samples_by_age[part] += estimate->second.samples_by_age[part];
    }
  };
  for (const auto& [id, stack] : recording.stacks) {
    // A stack that only mapped memory is none of the sampled ones' (mappings.h).
    if (stack.counters.allocated_samples() != 0 || estimates.contains(id) ||
        recording.mappings.empty())
      add(id, stack);
  }
  // Live objects whose stack record was lost still are live bytes.
  const recorder::Stack unknown;
  for (const auto& [id, estimate] : estimates) {
    if (recording.stacks.find(id) == recording.stacks.end()) add(id, unknown);
  }

  std::vector<Site> ranked;
  ranked.reserve(sites.size());
  for (auto& [identity, site] : sites) {
    site.live = Rounded(lives[identity]);
    site.live_recent = Rounded(recents[identity]);
    site.recent_error = Rounded(std::sqrt(recent_variances[identity]));
    site.untouched = Rounded(untoucheds[identity]);
    site.standard_error = Rounded(std::sqrt(variances[identity]));
    if (const auto found = ages.find(identity); found != ages.end()) {
      for (const double part : found->second) site.live_by_age.push_back(Rounded(part));
    }
    site.label = LabelOf(site.frames);
    ranked.push_back(std::move(site));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Site& a, const Site& b) { return a.live > b.live; });
  return ranked;
}

}  // namespace wrackline::evidence
