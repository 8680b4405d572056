#include "analyzer/report/granted.h"

#include <charconv>

namespace wrackline::report {
namespace {

using evidence::FlinkBudgets;

// No process is larger than a pebibyte: sums of eight cannot overflow.
constexpr std::int64_t kMost = std::int64_t{1} << 50;

// "241591914b".
std::optional<Bytes> SizeOf(std::string_view text) {
  std::int64_t bytes = 0;
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, bytes);
  if (error != std::errc{} || bytes < 0 || bytes > kMost) return std::nullopt;
  if (behind != end && std::string_view(behind, static_cast<std::size_t>(end - behind)) != "b")
    return std::nullopt;
  return Bytes{bytes};
}

std::optional<int> NumberOf(std::string_view text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [behind, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || behind != end || number < 1 || number > 1'000'000)
    return std::nullopt;
  return number;
}

struct Argument {
  std::string_view key;
  std::optional<Bytes> FlinkBudgets::*budget;
};
constexpr Argument kArguments[] = {
    {"taskmanager.memory.framework.heap.size", &FlinkBudgets::framework_heap},
    {"taskmanager.memory.task.heap.size", &FlinkBudgets::task_heap},
    {"taskmanager.memory.framework.off-heap.size", &FlinkBudgets::framework_off_heap},
    {"taskmanager.memory.task.off-heap.size", &FlinkBudgets::task_off_heap},
    // Flink gives the same size as least and as most.
    {"taskmanager.memory.network.max", &FlinkBudgets::network},
    {"taskmanager.memory.managed.size", &FlinkBudgets::managed},
    {"taskmanager.memory.jvm-metaspace.size", &FlinkBudgets::metaspace},
    {"taskmanager.memory.jvm-overhead.max", &FlinkBudgets::overhead},
};

bool Sane(const std::optional<Bytes>& size) {
  return size && size->count >= 0 && size->count <= kMost;
}

std::optional<flink::TaskManagerMemory> Whole(const FlinkBudgets& budgets) {
  for (const Argument& argument : kArguments) {
    if (!Sane(budgets.*argument.budget)) return std::nullopt;
  }
  flink::TaskManagerMemory memory;
  memory.framework_heap = *budgets.framework_heap;
  memory.task_heap = *budgets.task_heap;
  memory.framework_off_heap = *budgets.framework_off_heap;
  memory.task_off_heap = *budgets.task_off_heap;
  memory.network = *budgets.network;
  memory.managed = *budgets.managed;
  memory.jvm_metaspace = *budgets.metaspace;
  memory.jvm_overhead = *budgets.overhead;
  memory.total_flink = memory.JvmHeap() + memory.JvmDirect() + memory.managed;
  memory.total_process = memory.total_flink + memory.jvm_metaspace + memory.jvm_overhead;
  return memory;
}

}  // namespace

Granted GrantedByCommandLine(std::string_view command_line) {
  Granted granted;
  FlinkBudgets budgets;
  while (!command_line.empty()) {
    const std::size_t space = command_line.find(' ');
    std::string_view word = command_line.substr(0, space);
    command_line = space == std::string_view::npos ? "" : command_line.substr(space + 1);
    if (word.starts_with("-D")) word.remove_prefix(2);
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "taskmanager.numberOfTaskSlots") granted.slots = NumberOf(value);
    for (const Argument& argument : kArguments) {
      if (argument.key == key) budgets.*argument.budget = SizeOf(value);
    }
  }
  granted.memory = Whole(budgets);
  return granted;
}

Granted GrantedOf(const evidence::Evidence& evidence) {
  Granted granted = GrantedByCommandLine(evidence.process.command_line);
  if (!evidence.flink) return granted;
  const evidence::FlinkFacts& flink = *evidence.flink;
  if (!granted.memory && flink.budgets) granted.memory = Whole(*flink.budgets);
  if (!granted.slots) granted.slots = flink.slots;
  granted.version = flink.version;
  return granted;
}

}  // namespace wrackline::report
