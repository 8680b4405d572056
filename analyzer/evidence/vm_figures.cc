#include "analyzer/evidence/vm_figures.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace wrackline::evidence {
namespace {

bool Earlier(const JvmFigures& a, const JvmFigures& b) { return a.time < b.time; }

Duration Apart(Time a, Time b) { return a > b ? a - b : b - a; }

template <typename T>
bool Fill(const std::optional<T>& from, std::optional<T>* to) {
  if (*to || !from) return false;
  *to = from;
  return true;
}

// The parts of the heap, or those of the code cache: one account each.
bool FillPools(const std::vector<JvmPool>& from, bool heap, std::vector<JvmPool>* to) {
  const auto of_kind = [heap](const JvmPool& pool) { return pool.heap == heap; };
  if (std::any_of(to->begin(), to->end(), of_kind) ||
      std::none_of(from.begin(), from.end(), of_kind))
    return false;
  std::copy_if(from.begin(), from.end(), std::back_inserter(*to), of_kind);
  return true;
}

// What is read of a VM is its newest set of figures: where that is of a text, which says a part, the rest is the newest that is known.
void CompleteNewest(Jvm* vm) {
  if (vm->figures.size() < 2) return;
  JvmFigures& newest = vm->figures.back();
  if (newest.file.empty()) return;
  for (auto figures = vm->figures.rbegin() + 1; figures != vm->figures.rend(); ++figures) {
    if (FillFigures(*figures, &newest)) newest.oldest = figures->oldest.value_or(figures->time);
  }
}

}  // namespace

Jvm& VmOf(std::string_view origin, Evidence* evidence) {
  if (!evidence->jvm) evidence->jvm.emplace();
  if (evidence->jvm->origin.empty()) evidence->jvm->origin = origin;
  return *evidence->jvm;
}

bool FillFigures(const JvmFigures& from, JvmFigures* to) {
  bool filled = false;
  for (const auto member :
       {&JvmFigures::heap_used, &JvmFigures::heap_committed, &JvmFigures::heap_max,
        &JvmFigures::heap_used_after_collection, &JvmFigures::non_heap_used,
        &JvmFigures::non_heap_committed, &JvmFigures::metaspace_used,
        &JvmFigures::metaspace_committed, &JvmFigures::class_space_used,
        &JvmFigures::class_space_committed, &JvmFigures::direct_used, &JvmFigures::direct_capacity,
        &JvmFigures::direct_max, &JvmFigures::mapped_used}) {
    filled |= Fill(from.*member, &(to->*member));
  }
  for (const auto member : {&JvmFigures::threads, &JvmFigures::classes_loaded,
                            &JvmFigures::direct_buffers, &JvmFigures::mapped_buffers}) {
    filled |= Fill(from.*member, &(to->*member));
  }
  for (const auto member :
       {&JvmFigures::classes_unloaded, &JvmFigures::collections, &JvmFigures::collection_ms}) {
    filled |= Fill(from.*member, &(to->*member));
  }
  for (const bool heap : {true, false}) filled |= FillPools(from.pools, heap, &to->pools);
  // One report is one account: its categories and its totals are not mixed with another's.
  if (to->native_memory.empty() && !to->native_committed && from.native_committed) {
    filled = true;
    to->native_memory = from.native_memory;
    to->native_reserved = from.native_reserved;
    to->native_committed = from.native_committed;
    to->native_reserved_change = from.native_reserved_change;
    to->native_committed_change = from.native_committed_change;
  }
  return filled;
}

void AddFigures(JvmFigures figures, Jvm* vm) {
  std::vector<JvmFigures>& all = vm->figures;
  if (!Known(figures.time) && !all.empty()) {
    FillFigures(figures, &all.back());
    return;
  }
  const auto after = std::upper_bound(all.begin(), all.end(), figures, Earlier);
  auto nearest = after;
  if (after != all.begin()) {
    const auto before = std::prev(after);
    if (after == all.end() || Apart(before->time, figures.time) <= Apart(after->time, figures.time))
      nearest = before;
  }
  if (nearest != all.end() && Apart(nearest->time, figures.time) <= kOneMoment)
    FillFigures(figures, &*nearest);
  else
    all.insert(after, std::move(figures));
  CompleteNewest(vm);
}

void AddSeries(std::vector<JvmFigures> series, Jvm* vm) {
  std::stable_sort(series.begin(), series.end(), Earlier);
  std::vector<JvmFigures> merged;
  merged.reserve(series.size() + vm->figures.size());
  std::merge(std::make_move_iterator(vm->figures.begin()),
             std::make_move_iterator(vm->figures.end()), std::make_move_iterator(series.begin()),
             std::make_move_iterator(series.end()), std::back_inserter(merged), Earlier);
  vm->figures = std::move(merged);
  CompleteNewest(vm);
}

std::optional<JvmFigures> Jvm::Latest() const {
  if (figures.empty()) return std::nullopt;
  JvmFigures latest = figures.back();
  for (auto figure = figures.rbegin() + 1; figure != figures.rend(); ++figure)
    FillFigures(*figure, &latest);
  return latest;
}

}  // namespace wrackline::evidence
