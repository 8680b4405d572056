#include "analyzer/evidence/cgroup_choice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/folder_files.h"

namespace wrackline::evidence {
namespace {

// How near it came to its limit: that it ran out, how full it was to a fiftieth, and of two that were as full the inner one,
// which holds less: a pod with one container has that container's limit. Without a limit the larger one.
using Rank = std::tuple<bool, long, double>;

Rank RankOf(const CgroupSnapshot& snapshot) {
  const container::CgroupMemory& memory = snapshot.memory;
  const auto held =
      static_cast<double>(std::max(memory.charge.value_or(0), memory.peak.value_or(0)));
  const auto limit = static_cast<double>(memory.limit.value_or(0));
  const bool ran_out = snapshot.oom.value_or(0) > 0;
  if (limit <= 0) return {ran_out, -1, held};
  return {ran_out, std::lround(50 * std::min(held / limit, 10.0)), -held};
}

}  // namespace

std::vector<bool> ChooseCgroups(const std::vector<NamedCgroup>& cgroups) {
  std::map<std::string, Rank> by_identity;
  for (const NamedCgroup& cgroup : cgroups) {
    const Rank rank = RankOf(cgroup.snapshot);
    const auto [place, fresh] = by_identity.try_emplace(WithoutMoment(cgroup.name), rank);
    if (!fresh) place->second = std::max(place->second, rank);
  }
  const auto best =
      std::max_element(by_identity.begin(), by_identity.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<bool> used;
  used.reserve(cgroups.size());
  for (const NamedCgroup& cgroup : cgroups)
    used.push_back(WithoutMoment(cgroup.name) == best->first);
  return used;
}

std::string OtherCgroup(const CgroupSnapshot& snapshot) {
  std::string text = "another cgroup, farther from its limit";
  const char* separator = ": ";
  const auto add = [&](const char* name, const std::optional<std::uint64_t>& amount) {
    if (!amount) return;
    text += separator + std::string(name) + " " + FormatBytes(ToBytes(*amount));
    separator = ", ";
  };
  add("charge", snapshot.memory.charge);
  add("limit", snapshot.memory.limit);
  return text;
}

}  // namespace wrackline::evidence
