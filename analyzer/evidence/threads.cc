#include "analyzer/evidence/threads.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/sites.h"
#include "analyzer/evidence/thread_groups.h"

namespace wrackline::evidence {
namespace {

struct SiteSums {
  double live = 0;
  std::array<double, kAgeParts> by_age{};
};

struct Sums {
  double live = 0, variance = 0;
  std::uint64_t samples = 0;
  std::set<std::pair<std::uint32_t, std::uint64_t>> threads;
  std::set<std::uint32_t> subtasks;
  std::optional<std::uint32_t> parallelism;
  std::map<std::size_t, SiteSums> sites;
};

Bytes Rounded(double amount) { return Bytes{static_cast<std::int64_t>(std::min(amount, 9.0e18))}; }

ThreadGroup Summarized(ThreadKind kind, std::string name, const Sums& sums, bool ages) {
  ThreadGroup group;
  group.kind = kind;
  group.name = std::move(name);
  group.live = Rounded(sums.live);
  group.standard_error = Rounded(std::sqrt(sums.variance));
  group.samples = sums.samples;
  group.threads = static_cast<std::uint32_t>(sums.threads.size());
  group.subtasks.assign(sums.subtasks.begin(), sums.subtasks.end());
  group.parallelism = sums.parallelism;
  const auto top =
      std::max_element(sums.sites.begin(), sums.sites.end(),
                       [](const auto& a, const auto& b) { return a.second.live < b.second.live; });
  if (top != sums.sites.end()) {
    group.top_site = top->first;
    group.top_site_live = Rounded(top->second.live);
  }
  group.by_site.reserve(sums.sites.size());
  for (const auto& [site, part] : sums.sites) {
    ThreadGroup::Part& of = group.by_site.emplace_back();
    of.site = site;
    of.live = Rounded(part.live);
    if (!ages) continue;
    for (const double amount : part.by_age) of.by_age.push_back(Rounded(amount));
  }
  return group;
}

}  // namespace

const proto::Thread* ThreadAt(const recorder::Recording& recording, std::uint32_t thread_id,
                              std::uint64_t time_ms) {
  const auto& threads = recording.threads;
  auto after = threads.upper_bound({thread_id, time_ms});
  if (after != threads.begin()) {
    const auto before = std::prev(after);
    if (before->first.first == thread_id) return &before->second;
  }
  return after != threads.end() && after->first.first == thread_id ? &after->second : nullptr;
}

std::vector<ThreadGroup> ThreadGroupsFromRecording(const recorder::Recording& recording,
                                                   const std::vector<Site>& sites) {
  if (recording.threads.empty()) return {};
  std::unordered_map<std::uint32_t, std::size_t> site_of;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    for (const std::uint32_t stack : sites[i].stacks) site_of[stack] = i;
  }
  const std::int64_t end_ms = RecordedMs(recording);
  std::unordered_map<const proto::Thread*, GroupedThread> grouped;
  std::map<std::pair<ThreadKind, std::string>, Sums> groups;
  for (const auto& [slot, object] : recording.live_objects) {
    const proto::Thread* const thread = ThreadAt(recording, object.thread_id(), object.time_ms());
    auto [place, fresh] = grouped.try_emplace(thread);
    if (fresh)
      place->second =
          thread != nullptr
              ? GroupOf(thread->java_name(), thread->comm())
              : GroupedThread{ThreadKind::kUnknown, "(threads not recorded)", {}, {}, {}};
    const GroupedThread& of = place->second;
    Sums& sums = groups[{of.kind, of.group}];
    const double weight = static_cast<double>(ToBytes(object.weight()).count);
    const double size = static_cast<double>(ToBytes(object.size()).count);
    sums.live += weight;
    // As for sites (sites.cc).
    if (weight > size) sums.variance += weight * (weight - size);
    sums.samples += 1;
    sums.threads.insert({object.thread_id(), thread != nullptr ? thread->since_ms() : 0});
    if (of.subtask) sums.subtasks.insert(*of.subtask);
    if (of.parallelism) sums.parallelism = std::max(sums.parallelism.value_or(0), *of.parallelism);
    const auto site = site_of.find(object.stack_id());
    if (site == site_of.end()) continue;
    SiteSums& part = sums.sites[site->second];
    part.live += weight;
    if (end_ms > 0) part.by_age[AgePart(object.time_ms(), end_ms)] += weight;
  }
  std::vector<ThreadGroup> ranked;
  ranked.reserve(groups.size());
  for (const auto& [key, sums] : groups)
    ranked.push_back(Summarized(key.first, key.second, sums, end_ms > 0));
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const ThreadGroup& a, const ThreadGroup& b) { return a.live > b.live; });
  return ranked;
}

}  // namespace wrackline::evidence
