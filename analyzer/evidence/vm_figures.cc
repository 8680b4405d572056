#include "analyzer/evidence/vm_figures.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace wrackline::evidence {
namespace {

bool Earlier(const JvmFigures& a, const JvmFigures& b) { return a.time < b.time; }

Duration Apart(Time a, Time b) { return a > b ? a - b : b - a; }

template <typename T>
void Fill(const std::optional<T>& from, std::optional<T>* to) {
  if (!*to) *to = from;
}

}  // namespace

Jvm& VmOf(std::string_view origin, Evidence* evidence) {
  if (!evidence->jvm) evidence->jvm.emplace();
  if (evidence->jvm->origin.empty()) evidence->jvm->origin = origin;
  return *evidence->jvm;
}

void FillFigures(const JvmFigures& from, JvmFigures* to) {
  for (const auto member :
       {&JvmFigures::heap_used, &JvmFigures::heap_committed, &JvmFigures::heap_max,
        &JvmFigures::heap_used_after_collection, &JvmFigures::non_heap_used,
        &JvmFigures::non_heap_committed, &JvmFigures::metaspace_used,
        &JvmFigures::metaspace_committed, &JvmFigures::class_space_used,
        &JvmFigures::class_space_committed, &JvmFigures::direct_used, &JvmFigures::direct_capacity,
        &JvmFigures::direct_max, &JvmFigures::mapped_used}) {
    Fill(from.*member, &(to->*member));
  }
  for (const auto member : {&JvmFigures::threads, &JvmFigures::classes_loaded,
                            &JvmFigures::direct_buffers, &JvmFigures::mapped_buffers}) {
    Fill(from.*member, &(to->*member));
  }
  for (const auto member :
       {&JvmFigures::classes_unloaded, &JvmFigures::collections, &JvmFigures::collection_ms}) {
    Fill(from.*member, &(to->*member));
  }
  if (to->pools.empty()) to->pools = from.pools;
  // One report is one account: its categories and its totals are not mixed with another's.
  if (to->native_memory.empty() && !to->native_committed) {
    to->native_memory = from.native_memory;
    to->native_reserved = from.native_reserved;
    to->native_committed = from.native_committed;
    to->native_reserved_change = from.native_reserved_change;
    to->native_committed_change = from.native_committed_change;
  }
}

void AddFigures(JvmFigures figures, Jvm* vm) {
  std::vector<JvmFigures>& all = vm->figures;
  if (!Known(figures.time) && !all.empty()) return FillFigures(figures, &all.back());
  const auto after = std::upper_bound(all.begin(), all.end(), figures, Earlier);
  auto nearest = after;
  if (after != all.begin()) {
    const auto before = std::prev(after);
    if (after == all.end() || Apart(before->time, figures.time) <= Apart(after->time, figures.time))
      nearest = before;
  }
  if (nearest != all.end() && Apart(nearest->time, figures.time) <= kOneMoment)
    return FillFigures(figures, &*nearest);
  all.insert(after, std::move(figures));
}

void AddSeries(std::vector<JvmFigures> series, Jvm* vm) {
  std::stable_sort(series.begin(), series.end(), Earlier);
  std::vector<JvmFigures> merged;
  merged.reserve(series.size() + vm->figures.size());
  std::merge(std::make_move_iterator(vm->figures.begin()),
             std::make_move_iterator(vm->figures.end()), std::make_move_iterator(series.begin()),
             std::make_move_iterator(series.end()), std::back_inserter(merged), Earlier);
  vm->figures = std::move(merged);
}

std::optional<JvmFigures> Jvm::Latest() const {
  if (figures.empty()) return std::nullopt;
  JvmFigures latest = figures.back();
  for (auto figure = figures.rbegin() + 1; figure != figures.rend(); ++figure)
    FillFigures(*figure, &latest);
  return latest;
}

}  // namespace wrackline::evidence
