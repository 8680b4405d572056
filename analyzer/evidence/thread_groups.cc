#include "analyzer/evidence/thread_groups.h"

#include <array>
#include <charconv>

namespace wrackline::evidence {
namespace {

constexpr std::size_t kCommLength = 15;

// Threads that Flink makes for one task. What follows is the task's name, of OutputFlusher perhaps
// without the subtask. Flink 1.14 to 2.x.
constexpr std::array<std::string_view, 10> kOfTask = {
    "Legacy Source Thread - ",  "OutputFlusher for ",
    "Channel state writer ",    "Source Data Fetcher for ",
    "Kafka Fetcher for ",       "Time Trigger for ",
    "Async calls on ",          "Canceler for ",
    "Canceler/Interrupts for ", "Cancellation Watchdog for ",
};

struct Rule {
  std::string_view prefix;
  ThreadKind kind;
  std::string_view group;
};

// The first that fits counts.
constexpr std::array kRules = {
    // RocksDB names its pools by their priority; state backends do not rename them.
    Rule{"rocksdb:low", ThreadKind::kRocksDb, "RocksDB compaction (low)"},
    Rule{"rocksdb:high", ThreadKind::kRocksDb, "RocksDB flush (high)"},
    Rule{"rocksdb:bot", ThreadKind::kRocksDb, "RocksDB compaction (bottom)"},
    Rule{"rocksdb:", ThreadKind::kRocksDb, "RocksDB, other threads"},
    // Flink's own.
    Rule{"flink-akka.", ThreadKind::kFlink, "Flink RPC"},
    Rule{"flink-pekko.", ThreadKind::kFlink, "Flink RPC"},
    Rule{"flink-metrics", ThreadKind::kFlink, "Flink metrics"},
    Rule{"Flink-Metric", ThreadKind::kFlink, "Flink metrics"},
    Rule{"Flink Netty Server", ThreadKind::kFlink, "Flink network (Netty server)"},
    Rule{"Flink Netty Client", ThreadKind::kFlink, "Flink network (Netty client)"},
    Rule{"flink-rest-", ThreadKind::kFlink, "Flink REST"},
    Rule{"flink-taskexecutor-io", ThreadKind::kFlink, "Flink TaskExecutor I/O"},
    Rule{"IOManager reader", ThreadKind::kFlink, "Flink I/O manager"},
    Rule{"IOManager writer", ThreadKind::kFlink, "Flink I/O manager"},
    Rule{"AsyncOperations", ThreadKind::kFlink, "Flink asynchronous checkpoint operations"},
    Rule{"Channel state writer", ThreadKind::kFlink, "Flink channel state writers"},
    Rule{"CloseableReaperThread", ThreadKind::kFlink, "Flink CloseableReaperThread"},
    // The VM's: what JVMTI does not name, the kernel does.
    Rule{"GC Thread#", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"GC task thread", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"Gang worker", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ParGC Thread", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"G1 ", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ZWorker", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ZDriver", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ZDirector", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ZStat", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ZUncommitter", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"ZUnmapper", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"Shenandoah", ThreadKind::kJvm, "JVM garbage collector"},
    Rule{"C1 CompilerThread", ThreadKind::kJvm, "JVM compiler"},
    Rule{"C2 CompilerThread", ThreadKind::kJvm, "JVM compiler"},
    Rule{"JVMCI", ThreadKind::kJvm, "JVM compiler"},
    Rule{"Sweeper thread", ThreadKind::kJvm, "JVM compiler"},
    Rule{"VM Thread", ThreadKind::kJvm, "JVM VM Thread"},
    Rule{"Finalizer", ThreadKind::kJvm, "JVM finalizers and cleaners"},
    Rule{"Reference Handler", ThreadKind::kJvm, "JVM finalizers and cleaners"},
    Rule{"Common-Cleaner", ThreadKind::kJvm, "JVM finalizers and cleaners"},
    Rule{"VM Periodic Task", ThreadKind::kJvm, "JVM service threads"},
    Rule{"Signal Dispatcher", ThreadKind::kJvm, "JVM service threads"},
    Rule{"Service Thread", ThreadKind::kJvm, "JVM service threads"},
    Rule{"Monitor Deflation Thread", ThreadKind::kJvm, "JVM service threads"},
    Rule{"Notification Thread", ThreadKind::kJvm, "JVM service threads"},
    Rule{"Attach Listener", ThreadKind::kJvm, "JVM service threads"},
    Rule{"StringDedup", ThreadKind::kJvm, "JVM service threads"},
    Rule{"ForkJoinPool.commonPool", ThreadKind::kOther, "ForkJoinPool.commonPool"},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes a decimal number off the end of `text`.
std::optional<std::uint32_t> TakeLastNumber(std::string_view* text) {
  std::size_t begin = text->size();
  while (begin > 0 && IsDigit((*text)[begin - 1])) --begin;
  std::uint32_t number = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data() + begin, end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  text->remove_suffix(text->size() - begin);
  return number;
}

bool TakeLast(std::string_view* text, std::string_view suffix) {
  if (text->size() < suffix.size() || text->substr(text->size() - suffix.size()) != suffix)
    return false;
  text->remove_suffix(suffix.size());
  return true;
}

// "CHAIN (SUBTASK/PARALLELISM)#ATTEMPT"; before Flink 1.13, and in some names, without the attempt.
std::optional<GroupedThread> FlinkTask(std::string_view name) {
  GroupedThread task;
  task.kind = ThreadKind::kFlinkTask;
  std::string_view rest = name;
  // Cancellers add the execution's id: "NAME (1/4)#0 (4f2a...)."
  TakeLast(&rest, ".");
  const std::size_t last_open = rest.rfind(" (");
  if (last_open != std::string_view::npos && rest.find('/', last_open) == std::string_view::npos &&
      rest.substr(0, last_open).find(")#") != std::string_view::npos)
    rest.remove_suffix(rest.size() - last_open);
  if (!rest.empty() && rest.back() != ')') {
    task.attempt = TakeLastNumber(&rest);
    if (!task.attempt || !TakeLast(&rest, "#")) return std::nullopt;
  }
  if (!TakeLast(&rest, ")")) return std::nullopt;
  task.parallelism = TakeLastNumber(&rest);
  if (!task.parallelism || !TakeLast(&rest, "/")) return std::nullopt;
  task.subtask = TakeLastNumber(&rest);
  if (!task.subtask || !TakeLast(&rest, " (") || rest.empty()) return std::nullopt;
  if (*task.subtask == 0 || *task.subtask > *task.parallelism) return std::nullopt;
  task.group = rest;
  return task;
}

std::optional<GroupedThread> Task(std::string_view name) {
  for (const std::string_view prefix : kOfTask) {
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    const std::string_view of = name.substr(prefix.size());
    if (auto task = FlinkTask(of)) return task;
    GroupedThread task;
    task.kind = ThreadKind::kFlinkTask;
    task.group = of;
    return task;
  }
  return FlinkTask(name);
}

// Names that differ by their number alone are one pool.
std::string WithoutNumbers(std::string_view name) {
  if (name.starts_with("pool-")) {
    std::string_view rest = name;
    if (TakeLastNumber(&rest) && TakeLast(&rest, "-thread-") && TakeLastNumber(&rest) &&
        rest == "pool-")
      return "pool-*-thread-*";
  }
  std::string_view stem = name;
  while (!stem.empty() && IsDigit(stem.back())) stem.remove_suffix(1);
  if (stem.empty() || stem.size() == name.size()) return std::string(name);
  return std::string(stem) + "*";
}

}  // namespace

GroupedThread GroupOf(std::string_view java_name, std::string_view comm) {
  // A thread of RocksDB's that once called Java back is known there as "Thread-7".
  const bool known_to_java = !java_name.empty() && !comm.starts_with("rocksdb:");
  const std::string_view name = known_to_java ? java_name : comm;
  if (name.empty()) return {ThreadKind::kUnknown, "(unnamed threads)", {}, {}, {}};
  const bool cut = !known_to_java && name.size() >= kCommLength;
  for (const Rule& rule : kRules) {
    // "Channel state writer NAME" is the task's.
    if (known_to_java && rule.prefix.starts_with("Channel state") &&
        name.find_last_not_of(' ') >= rule.prefix.size())
      continue;
    if (name.starts_with(rule.prefix) || (cut && rule.prefix.starts_with(name)))
      return {rule.kind, std::string(rule.group), {}, {}, {}};
  }
  if (auto task = Task(name)) return *task;
  return {ThreadKind::kOther, WithoutNumbers(name), {}, {}, {}};
}

const char* Name(ThreadKind kind) {
  switch (kind) {
    case ThreadKind::kFlinkTask:
      return "flink_task";
    case ThreadKind::kFlink:
      return "flink";
    case ThreadKind::kRocksDb:
      return "rocksdb";
    case ThreadKind::kJvm:
      return "jvm";
    case ThreadKind::kOther:
      return "other";
    default:
      return "unknown";
  }
}

}  // namespace wrackline::evidence
