// The heap may grow to more than the limit leaves beside everything else.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

struct Heap {
  Bytes most;
  std::string origin;
};

std::optional<Heap> HeapOf(const evidence::Evidence& evidence) {
  if (evidence.jvm && evidence.jvm->max_heap) return Heap{*evidence.jvm->max_heap, "the VM"};
  if (evidence.flink && evidence.flink->max_heap)
    return Heap{*evidence.flink->max_heap, "the JVM options"};
  if (evidence.flink && evidence.flink->budgets && evidence.flink->budgets->framework_heap &&
      evidence.flink->budgets->task_heap)
    return Heap{*evidence.flink->budgets->framework_heap + *evidence.flink->budgets->task_heap,
                evidence.flink->budgets->origin};
  return std::nullopt;
}

std::optional<Finding> BesideTheRest(const Case& c, const Heap& heap, Bytes limit) {
  const Bytes held = LineAmount(c, "jvm.heap");
  if (held.count <= 0 || c.ledger->basis == ledger::Basis::kMetrics) return std::nullopt;
  const Bytes outside = c.ledger->total - held - LineAmount(c, "file.page_cache");
  const Bytes left = std::max(Bytes{}, limit - outside);
  if (heap.most <= left) return std::nullopt;
  Finding finding;
  finding.amount = held;
  // What grew into the heap's place may as well be the culprit: the heap is it where it holds most.
  finding.role =
      EndedByLimit(c.outcome) && 2 * held > c.ledger->total ? Role::kCause : Role::kContributor;
  finding.confidence = 2 * held > c.ledger->total ? Confidence::kHigh : Confidence::kMedium;
  finding.summary = fmt::format("The Java heap may take {}, and the rest leaves it {} of {}",
                                FormatBytes(heap.most), FormatBytes(left), FormatBytes(limit));
  finding.evidence.push_back(fmt::format("{} of heap were resident, {} outside the heap",
                                         FormatBytes(held), FormatBytes(outside)));
  finding.evidence.push_back("largest heap by " + heap.origin);
  const evidence::JvmFigures* last = c.evidence.jvm ? c.evidence.jvm->Last() : nullptr;
  if (last != nullptr && last->heap_used_after_collection)
    finding.evidence.push_back(fmt::format("{} were in use after a collection",
                                           FormatBytes(*last->heap_used_after_collection)));
  if (4 * held < c.ledger->total)
    finding.against.emplace_back("the heap held less than a quarter: others took its place");
  if (last != nullptr && last->heap_used_after_collection &&
      4 * *last->heap_used_after_collection < 3 * left) {
    finding.advice.push_back(fmt::format(
        "a smaller heap would do: taskmanager.memory.task.heap.size, or -Xmx, to some {}",
        FormatBytes(Bytes{last->heap_used_after_collection->count * 4 / 3})));
  } else {
    finding.advice.emplace_back(
        "a smaller heap (taskmanager.memory.task.heap.size, or -Xmx), or a larger limit by what is "
        "missing: " +
        FormatBytes(heap.most - left));
  }
  return finding;
}

}  // namespace

std::optional<Finding> HeapTooLarge(const Case& c) {
  const std::optional<Heap> heap = HeapOf(c.evidence);
  const std::optional<Bytes> limit = LimitOf(c.evidence);
  if (!heap || !limit || limit->count <= 0) return std::nullopt;
  if (10 * heap->most < 9 * *limit)
    return c.ledger ? BesideTheRest(c, *heap, *limit) : std::nullopt;
  // No VM lives with a tenth of the limit beside its heap; what it held does not have to be known.
  Finding finding;
  finding.amount = heap->most;
  finding.role = EndedByLimit(c.outcome) ? Role::kCause : Role::kContributor;
  finding.confidence =
      EndedByLimit(c.outcome) && c.ledger && 2 * LineAmount(c, "jvm.heap") < c.ledger->total
          ? Confidence::kMedium
          : Confidence::kHigh;
  finding.summary = fmt::format("The Java heap alone may take {} of the limit of {}",
                                FormatBytes(heap->most), FormatBytes(*limit));
  finding.evidence.push_back("largest heap by " + heap->origin);
  if (const Bytes held = LineAmount(c, "jvm.heap"); held.count > 0)
    finding.evidence.push_back(fmt::format("{} of heap were resident", FormatBytes(held)));
  finding.advice.emplace_back(
      "leave a quarter of the limit to what is not heap, with RocksDB more: set "
      "taskmanager.memory.process.size to the limit and let Flink derive the heap");
  return finding;
}

}  // namespace wrackline::diagnosis
