// The tree of the ledger: which line is in which group, and what Flink grants each group.
#include <algorithm>
#include <cmath>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

struct Kind {
  const char* id;
  const char* label;
  Category category;
};

// In the order of the report.
constexpr Kind kKinds[] = {
    {"jvm.heap", "Java heap", Category::kAnonymous},
    {"jvm.metaspace", "metaspace", Category::kAnonymous},
    {"direct", "direct buffers", Category::kAnonymous},
    {"rocksdb", "RocksDB", Category::kAnonymous},
    {"native", "other native memory", Category::kAnonymous},
    {"jvm.overhead", "JVM beside heap and metaspace", Category::kAnonymous},
    {"allocator", "allocator", Category::kAnonymous},
    {"wrackline", "wrackline itself", Category::kAnonymous},
    {"other_processes", "other processes", Category::kAnonymous},
    {"file", "files", Category::kFile},
    {"shared", "shared memory", Category::kShared},
    {"kernel", "kernel", Category::kKernel},
};

std::string_view GroupOf(const Line& line) {
  if (line.id == "jvm.heap" || line.id == "jvm.metaspace") return line.id;
  if (line.id == "jvm.direct" || line.id.starts_with("direct.")) return "direct";
  if (line.id == "file.shmem") return "shared";
  return line.holder == Holder::kJvm ? "jvm.overhead" : Name(line.holder);
}

struct Grant {
  std::optional<Bytes> amount;
  const char* keys;
};

std::optional<Bytes> Sum(std::initializer_list<std::optional<Bytes>> parts) {
  std::optional<Bytes> sum;
  for (const std::optional<Bytes>& part : parts) {
    if (part) sum = sum.value_or(Bytes{}) + *part;
  }
  return sum;
}

// What Flink's memory model counts each group in. JVM overhead is for whatever the model has no component for: of that, the VM's own
// part is the only one that is known to be meant.
Grant GrantOf(std::string_view group, const evidence::FlinkFacts& flink) {
  if (!flink.budgets) return {};
  const evidence::FlinkBudgets& budgets = *flink.budgets;
  if (group == "jvm.heap")
    return {Sum({budgets.framework_heap, budgets.task_heap}), "framework and task heap"};
  if (group == "jvm.metaspace") return {budgets.metaspace, "JVM metaspace"};
  if (group == "direct")
    return {Sum({budgets.framework_off_heap, budgets.task_off_heap, budgets.network}),
            "framework off-heap, task off-heap and network"};
  if (group == "rocksdb" && flink.rocksdb_managed && !flink.rocksdb_fixed)
    return {budgets.managed, "managed memory"};
  if (group == "jvm.overhead") return {budgets.overhead, "JVM overhead"};
  return {};
}

}  // namespace

void AddGroups(const evidence::Evidence& evidence, Ledger* ledger) {
  ledger->groups.clear();
  for (const Kind& kind : kKinds) {
    Group group{kind.id, kind.label, kind.category, {}, {}, {}, {}, {}};
    double variance = 0;
    for (std::size_t i = 0; i < ledger->lines.size(); ++i) {
      const Line& line = ledger->lines[i];
      if (GroupOf(line) != kind.id) continue;
      group.lines.push_back(i);
      group.amount += line.amount;
      if (!line.standard_error) continue;
      const double error = static_cast<double>(line.standard_error->count);
      variance += error * error;
    }
    if (group.lines.empty()) continue;
    if (variance > 0)
      group.standard_error =
          Bytes{static_cast<std::int64_t>(std::min(std::sqrt(variance), 9.0e18))};
    if (evidence.flink) {
      const Grant grant = GrantOf(kind.id, *evidence.flink);
      group.budget = grant.amount;
      if (grant.amount)
        group.budget_source =
            std::string(grant.keys) + " (" + evidence.flink->budgets->origin + ")";
    }
    ledger->groups.push_back(std::move(group));
  }
}

}  // namespace wrackline::ledger
