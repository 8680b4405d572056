// Flink sets memory aside for what it does not count: stacks, code, the collector, native libraries. Does that suffice?
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

constexpr Bytes kLeast = 16 * kMiB;

struct Part {
  const char* name;
  Bytes amount;
};

// Direct buffers are malloc's as well, and have a budget of their own: they are taken out of the native lines.
Bytes NativeWithoutDirect(const Case& c) {
  const Bytes native = c.ledger->Of(ledger::Holder::kNative);
  const evidence::JvmFigures* last = c.evidence.jvm ? c.evidence.jvm->Last() : nullptr;
  if (last == nullptr || !last->direct_used) return native;
  return std::max(Bytes{}, native - *last->direct_used);
}

}  // namespace

std::optional<Finding> OverheadTooSmall(const Case& c) {
  if (!c.ledger || c.ledger->basis == ledger::Basis::kMetrics || !c.evidence.flink ||
      !c.evidence.flink->budgets || !c.evidence.flink->budgets->overhead)
    return std::nullopt;
  const Bytes overhead = *c.evidence.flink->budgets->overhead;
  const evidence::JvmFigures* last = c.evidence.jvm ? c.evidence.jvm->Last() : nullptr;
  const Part parts[] = {{"code cache", LineAmount(c, "jvm.code_cache")},
                        {"thread stacks", LineAmount(c, "jvm.thread_stacks")},
                        {"collector and other mappings of the VM", LineAmount(c, "jvm.other")},
                        {"class archive", LineAmount(c, "jvm.class_archive")},
                        {"native code outside RocksDB and direct buffers", NativeWithoutDirect(c)},
                        {"the allocator's own", c.ledger->Of(ledger::Holder::kAllocator)},
                        {"kernel memory", c.ledger->Of(ledger::Holder::kKernel)},
                        {"wrackline itself", c.ledger->Of(ledger::Holder::kWrackline)}};
  Bytes used;
  for (const Part& part : parts) used += part.amount;
  const Bytes beyond = used - overhead;
  if (beyond < kLeast || 10 * beyond < overhead) return std::nullopt;
  Finding finding;
  finding.amount = beyond;
  finding.role =
      EndedByLimit(c.outcome) && 20 * beyond > c.ledger->total ? Role::kCause : Role::kContributor;
  // Half of what is beyond must stand on lines that are no upper bounds.
  Bytes bounds;
  for (const ledger::Line& line : c.ledger->lines) {
    const bool of_vm = line.id == "jvm.code_cache" || line.id == "jvm.thread_stacks" ||
                       line.id == "jvm.other" || line.id == "jvm.class_archive";
    if (line.confidence == ledger::Confidence::kUpperBound &&
        (line.holder == ledger::Holder::kAllocator || of_vm))
      bounds += line.amount;
  }
  finding.confidence = 2 * bounds > beyond ? Confidence::kMedium : Confidence::kHigh;
  finding.summary =
      fmt::format("What the JVM overhead of {} has to cover held {}, {} more than that",
                  FormatBytes(overhead), FormatBytes(used), FormatBytes(beyond));
  for (const Part& part : parts) {
    if (part.amount.count > 0)
      finding.evidence.push_back(fmt::format("{}: {}", part.name, FormatBytes(part.amount)));
  }
  finding.evidence.push_back("budget by " + c.evidence.flink->budgets->origin);
  if (last == nullptr || !last->direct_used)
    finding.against.emplace_back(
        "how much of the native memory is direct buffers, which have a budget of their own, is not "
        "known");
  if (2 * bounds > beyond)
    finding.against.emplace_back(
        "half of it and more are upper bounds: what the VM committed, or the allocator keeps");
  const Bytes wanted =
      Bytes{(used.count + used.count / 10 + kMiB.count - 1) / kMiB.count * kMiB.count};
  finding.advice.push_back(
      fmt::format("taskmanager.memory.jvm-overhead.min and .max: {}m; with an unchanged process "
                  "size that comes "
                  "out of heap and managed memory",
                  wanted.count / kMiB.count));
  return finding;
}

}  // namespace wrackline::diagnosis
