#include "analyzer/evidence/flink_log.h"

#include <algorithm>
#include <array>
#include <utility>

#include "analyzer/evidence/java_errors.h"
#include "analyzer/evidence/vm_lines.h"
#include "analyzer/flink/rocksdb_budget.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

constexpr std::size_t kMostOptions = 1000, kMostProperties = 5000, kMostText = 1000;

// The message of a log line: behind the first " - " of a layout, or the value of "message" of a line in JSON.
std::string_view MessageOf(std::string_view line) {
  if (StartsWith(line, "{")) {
    std::string_view message = line;
    for (const std::string_view key : {"\"message\":\"", "\"message\": \""}) {
      if (!SkipPast(&message, key)) continue;
      std::size_t end = 0;
      while (end < message.size() && message[end] != '"') end += message[end] == '\\' ? 2 : 1;
      return message.substr(0, end);
    }
  }
  SkipPast(&line, " - ");
  return line;
}

enum class Section { kNone, kOptions, kArguments, kTable };

// A row of the table that the start script prints, by its place: "Framework:" is there twice.
struct Row {
  const char* name;
  bool direct;  // below "Total JVM Direct Memory:"
  std::optional<Bytes> FlinkBudgets::*budget;
};
constexpr std::array kRows = {
    Row{"Total Process Memory:", false, &FlinkBudgets::process},
    Row{"Total Flink Memory:", false, &FlinkBudgets::flink},
    Row{"Framework:", false, &FlinkBudgets::framework_heap},
    Row{"Task:", false, &FlinkBudgets::task_heap},
    Row{"Managed:", false, &FlinkBudgets::managed},
    Row{"Framework:", true, &FlinkBudgets::framework_off_heap},
    Row{"Task:", true, &FlinkBudgets::task_off_heap},
    Row{"Network:", true, &FlinkBudgets::network},
    Row{"JVM Metaspace:", true, &FlinkBudgets::metaspace},
    Row{"JVM Overhead:", true, &FlinkBudgets::overhead},
};

struct Argument {
  const char* key;
  std::optional<Bytes> FlinkBudgets::*budget;
};
// The process is started with a size for each; of a range both ends are the same.
constexpr std::array kArguments = {
    Argument{"taskmanager.memory.framework.heap.size", &FlinkBudgets::framework_heap},
    Argument{"taskmanager.memory.task.heap.size", &FlinkBudgets::task_heap},
    Argument{"taskmanager.memory.framework.off-heap.size", &FlinkBudgets::framework_off_heap},
    Argument{"taskmanager.memory.task.off-heap.size", &FlinkBudgets::task_off_heap},
    Argument{"taskmanager.memory.network.max", &FlinkBudgets::network},
    Argument{"taskmanager.memory.managed.size", &FlinkBudgets::managed},
    Argument{"taskmanager.memory.jvm-metaspace.size", &FlinkBudgets::metaspace},
    Argument{"taskmanager.memory.jvm-overhead.max", &FlinkBudgets::overhead},
};

std::string Cut(std::string_view text) { return std::string(text.substr(0, kMostText)); }

// "4096", "161061270b", "1024.000mb (1073741824 bytes)": the exact amount in brackets where there is one.
std::optional<Bytes> SizeOf(std::string_view text) {
  std::string_view exact = text;
  if (SkipPast(&exact, "(") && Contains(exact, " bytes)")) return TakeAmount(&exact);
  text = Trimmed(text);
  return TakeAmount(&text);
}

class Reader {
 public:
  void TakeLine(std::string_view line) {
    ++log_.lines;
    const std::string_view message = MessageOf(line);
    if (TakeStart(message) || TakeSection(message) || TakeScript(line)) return;
    TakeEvent(message);
  }

  FlinkLog Finish() {
    FinishBudgets();
    FinishRocksDb();
    log_.facts.restarts = std::max(log_.facts.restarts, attempts_);
    return std::move(log_);
  }

 private:
  // " Starting TaskManager (Version: 1.20.3, Scala: 2.12, Rev:01e3a6d, Date:...)"
  bool TakeStart(std::string_view message) {
    std::string_view rest = message;
    if (!SkipPast(&rest, "Starting ")) return false;
    const std::string_view what = Before(rest, " (Version: ");
    if (what.size() == rest.size()) return false;
    SkipPast(&rest, " (Version: ");
    // What the start script printed before the process began is of the same start.
    FlinkFacts& facts = log_.facts;
    const int starts = facts.starts + 1;
    if (starts > 1) {
      facts = {};
      budgets_ = {};
    }
    facts.starts = starts;
    facts.version = Cut(Before(rest.substr(0, 40), ","));
    log_.job_manager = Contains(what, "ClusterEntrypoint") || Contains(what, "ClusterEntryPoint") ||
                       Contains(what, "JobManager");
    section_ = Section::kNone;
    return true;
  }

  bool TakeSection(std::string_view message) {
    const std::string_view text = Trimmed(message);
    if (text == "JVM Options:") {
      section_ = Section::kOptions;
      return true;
    }
    if (text == "Program Arguments:") {
      section_ = Section::kArguments;
      return true;
    }
    if (StartsWith(text, "Final TaskExecutor Memory configuration:")) {
      section_ = Section::kTable;
      in_direct_ = false;
      return true;
    }
    if (section_ == Section::kNone) return false;
    if (!StartsWith(message, "  ")) {
      section_ = Section::kNone;
      return false;
    }
    switch (section_) {
      case Section::kOptions:
        TakeOption(text);
        break;
      case Section::kArguments:
        TakeArgument(text);
        break;
      default:
        TakeRow(text);
        break;
    }
    return true;
  }

  void TakeRow(std::string_view text) {
    if (StartsWith(text, "Total JVM Direct Memory:")) in_direct_ = true;
    for (const Row& row : kRows) {
      if (!StartsWith(text, row.name)) continue;
      const bool twice = StartsWith(row.name, "Framework:") || StartsWith(row.name, "Task:");
      if (twice && row.direct != in_direct_) continue;
      if (const auto size = SizeOf(text.substr(std::string_view(row.name).size())))
        budgets_.*row.budget = size;
      return;
    }
  }

  void TakeOption(std::string_view option) {
    FlinkFacts& facts = log_.facts;
    if (facts.jvm_options.size() < kMostOptions && !option.empty())
      facts.jvm_options.push_back(Cut(option));
    for (const auto& [flag, name] :
         {std::pair("-XX:+UseG1GC", "G1"), std::pair("-XX:+UseParallelGC", "Parallel"),
          std::pair("-XX:+UseSerialGC", "Serial"), std::pair("-XX:+UseZGC", "ZGC"),
          std::pair("-XX:+UseShenandoahGC", "Shenandoah"),
          std::pair("-XX:+UseConcMarkSweepGC", "CMS")}) {
      if (option == flag) log_.collector = name;
    }
    for (const auto& [prefix, size] :
         {std::pair("-Xmx", &FlinkFacts::max_heap),
          std::pair("-XX:MaxHeapSize=", &FlinkFacts::max_heap),
          std::pair("-XX:MaxDirectMemorySize=", &FlinkFacts::max_direct),
          std::pair("-XX:MaxMetaspaceSize=", &FlinkFacts::max_metaspace)}) {
      std::string_view value = option;
      if (!Skip(&value, prefix)) continue;
      if (const auto amount = TakeAmount(&value)) facts.*size = amount;
    }
  }

  void TakeArgument(std::string_view argument) {
    if (Skip(&argument, "-D")) SkipBlanks(&argument);
    const std::string_view key = Before(argument, "=");
    if (key.size() == argument.size()) return;
    std::string_view value = argument.substr(key.size() + 1);
    if (key == "taskmanager.numberOfTaskSlots") {
      log_.facts.slots = TakeNumber<int>(&value);
    } else if (key == "taskmanager.resource-id") {
      log_.facts.resource_id = Cut(value);
    }
    for (const Argument& known : kArguments) {
      if (key == known.key) budgets_.*known.budget = TakeAmount(&value);
    }
  }

  // What the start script takes from BashJavaUtils, and prints: options and arguments in one line each.
  bool TakeScript(std::string_view line) {
    line = Trimmed(line);
    const bool result = Skip(&line, "BASH_JAVA_UTILS_EXEC_RESULT:");
    for (const std::string_view prefix : {"jvm_params:", "dynamic_configs:", "JVM ", "DYN "}) {
      if (result || !Skip(&line, prefix)) continue;
      line = Trimmed(line);
      if (!StartsWith(line, "-")) return false;
      TakeWords(line);
      return true;
    }
    if (result) TakeWords(line);
    return result;
  }

  void TakeWords(std::string_view line) {
    while (!line.empty()) {
      const std::string_view word = Before(line, " ");
      line.remove_prefix(std::min(line.size(), word.size() + 1));
      if (StartsWith(word, "-X"))
        TakeOption(word);
      else
        TakeArgument(word);
    }
  }

  void TakeEvent(std::string_view message) {
    FlinkFacts& facts = log_.facts;
    std::string_view rest = Trimmed(message);
    if (Skip(&rest, "Loading configuration property: ")) return TakeProperty(rest);
    if (Skip(&rest, "Loading dynamic configuration property: ")) return TakeProperty(rest);
    if (Skip(&rest, "JVM: ")) {
      // "OpenJDK 64-Bit Server VM - Debian - 17/17.0.15+6-Debian-1deb12u1"
      log_.vm_name = Cut(Before(rest.substr(0, 100), " - "));
      if (const std::size_t slash = rest.rfind('/'); slash != std::string_view::npos)
        facts.java_version = Cut(rest.substr(slash + 1));
    } else if (SkipPast(&rest, "with ResourceID: ")) {
      facts.resource_id = Cut(Before(rest, " "));
    } else if (Skip(&rest, "State backend loader loads the state backend as ") ||
               Skip(&rest, "Using application-defined state backend: ")) {
      facts.state_backend = Cut(Before(Before(rest, "{"), " "));
    } else if (Contains(rest, "Successfully loaded RocksDB native library") ||
               Contains(rest, "building RocksDB keyed state-backend")) {
      facts.rocksdb = true;
    } else if (SkipPast(&rest, "Obtained shared RocksDB cache of size ")) {
      facts.rocksdb = true;
      if (const auto size = TakeAmount(&rest))
        facts.rocksdb_cache = facts.rocksdb_cache ? std::min(*facts.rocksdb_cache, *size) : *size;
    } else if (SkipPast(&rest, " with exit code ")) {
      if (Contains(message, "Terminating ")) facts.exit_code = TakeNumber<int>(&rest);
    } else if (Contains(rest, " produced an uncaught exception. Stopping the process")) {
      facts.exit_code = -17;
    } else if (Contains(rest, " switched from state RUNNING to RESTARTING")) {
      ++facts.restarts;
    } else if (Skip(&rest, "Received task ")) {
      TakeAttempt(rest);
    }
  }

  void TakeProperty(std::string_view text) {
    FlinkFacts& facts = log_.facts;
    const std::string_view key = Before(text, ", ");
    if (key.size() == text.size() || facts.configuration.size() == kMostProperties) return;
    const std::string_view value = text.substr(key.size() + 2);
    facts.configuration.push_back({Cut(key), Cut(value)});
    if (key == "taskmanager.numberOfTaskSlots" && !facts.slots) {
      std::string_view number = value;
      facts.slots = TakeNumber<int>(&number);
    }
  }

  // "window -> Sink: sink2 (1/2)#3 (1dbb...), deploy into slot ...": a job that was restarted three times.
  void TakeAttempt(std::string_view text) {
    if (!SkipPast(&text, ")#")) return;
    if (const auto attempt = TakeNumber<int>(&text)) attempts_ = std::max(attempts_, *attempt);
  }

  void FinishRocksDb() {
    FlinkFacts& facts = log_.facts;
    if (facts.configuration.empty()) return;
    flink::Configuration values;
    for (const FlinkProperty& property : facts.configuration)
      values.Set(property.key, property.value);
    const auto version = flink::ParseVersion(facts.version);
    TakeRocksDbBound(values, version.ok() ? version.value() : flink::Version{1, 20, 0}, &facts);
  }

  void FinishBudgets() {
    // A JobManager has no such table; what it says of its own memory is not a TaskManager's.
    if (log_.job_manager) {
      log_.facts.jvm_options.clear();
      log_.facts.max_heap.reset();
      log_.facts.max_direct.reset();
      log_.facts.max_metaspace.reset();
      return;
    }
    const auto sum = [this](std::initializer_list<std::optional<Bytes> FlinkBudgets::*> parts) {
      Bytes total;
      for (const auto part : parts) {
        if (!(budgets_.*part)) return std::optional<Bytes>();
        total += *(budgets_.*part);
      }
      return std::optional<Bytes>(total);
    };
    if (!budgets_.flink)
      budgets_.flink = sum({&FlinkBudgets::framework_heap, &FlinkBudgets::task_heap,
                            &FlinkBudgets::framework_off_heap, &FlinkBudgets::task_off_heap,
                            &FlinkBudgets::network, &FlinkBudgets::managed});
    if (!budgets_.process)
      budgets_.process =
          sum({&FlinkBudgets::flink, &FlinkBudgets::metaspace, &FlinkBudgets::overhead});
    if (budgets_.flink || budgets_.managed || budgets_.task_heap) log_.facts.budgets = budgets_;
  }

  FlinkLog log_;
  FlinkBudgets budgets_;
  Section section_ = Section::kNone;
  bool in_direct_ = false;
  int attempts_ = 0;
};

// The limits that the process was started with are the VM's, whoever asks it for its figures.
void AddToVm(const FlinkLog& log, Jvm* vm) {
  if (vm->vm_name.empty()) vm->vm_name = log.vm_name;
  if (vm->java_version.empty()) vm->java_version = log.facts.java_version;
  if (vm->collector.empty()) vm->collector = log.collector;
  if (!vm->max_heap) vm->max_heap = log.facts.max_heap;
  if (!vm->max_direct_memory) vm->max_direct_memory = log.facts.max_direct;
  if (!vm->max_metaspace) vm->max_metaspace = log.facts.max_metaspace;
}

// A line with a level and a logger of Flink's.
bool OfFlink(std::string_view line) {
  if (line.size() < 20 || !(IsDigit(line.front()) || line.front() == '{' || line.front() == '['))
    return false;
  const std::string_view begin = line.substr(0, 300);
  const bool level = Contains(begin, "INFO") || Contains(begin, "WARN") ||
                     Contains(begin, "ERROR") || Contains(begin, "DEBUG");
  return level && Contains(begin, "flink") && !Contains(begin, "flink.kubernetes.operator");
}

void MergeFacts(FlinkFacts from, bool job_manager, FlinkFacts* to) {
  if (to->version.empty()) to->version = std::move(from.version);
  if (to->java_version.empty()) to->java_version = std::move(from.java_version);
  if (!to->slots) to->slots = from.slots;
  if (to->configuration.empty()) to->configuration = std::move(from.configuration);
  if (to->state_backend.empty()) to->state_backend = std::move(from.state_backend);
  to->rocksdb |= from.rocksdb;
  to->rocksdb_managed &= from.rocksdb_managed;
  if (!to->rocksdb_fixed) to->rocksdb_fixed = from.rocksdb_fixed;
  to->restarts = std::max(to->restarts, from.restarts);
  if (job_manager) return;
  if (!to->budgets) to->budgets = std::move(from.budgets);
  if (to->jvm_options.empty()) to->jvm_options = std::move(from.jvm_options);
  if (to->resource_id.empty()) to->resource_id = std::move(from.resource_id);
  for (const auto member : {&FlinkFacts::max_heap, &FlinkFacts::max_direct,
                            &FlinkFacts::max_metaspace, &FlinkFacts::rocksdb_cache}) {
    if (!(to->*member)) to->*member = from.*member;
  }
  if (!to->exit_code) to->exit_code = from.exit_code;
  to->starts = std::max(to->starts, from.starts);
}

}  // namespace

void TakeRocksDbBound(const flink::Configuration& values, flink::Version version,
                      FlinkFacts* facts) {
  using Kind = flink::RocksDbBudgetKind;
  const auto budget = flink::ReadRocksDbBudget(values, version, {});
  // What Flink refuses never ran.
  const Kind kind = budget.ok() ? budget.value().kind : Kind::kManaged;
  facts->rocksdb_managed = kind != Kind::kNone;
  facts->rocksdb_fixed = kind == Kind::kFixedPerSlot || kind == Kind::kFixedPerTaskManager
                             ? std::optional(budget.value().amount)
                             : std::nullopt;
}

FlinkLog ParseFlinkLog(std::string_view text) {
  Reader reader;
  std::string_view line;
  while (NextLine(&text, &line)) reader.TakeLine(line);
  return reader.Finish();
}

bool IsFlinkLog(const SourceFile& file) {
  std::string_view rest = file.Head(), line;
  if (rest.find('\0') != std::string_view::npos) return false;
  int lines = 0;
  while (NextLine(&rest, &line)) {
    if (Contains(line, "Final TaskExecutor Memory configuration:") ||
        StartsWith(line, "BASH_JAVA_UTILS_EXEC_RESULT:") ||
        StartsWith(line, "DYN -D taskmanager.") ||
        (OfFlink(line) && Contains(line, " (Version: ") && Contains(line, "Starting ")))
      return true;
    lines += OfFlink(line);
  }
  return lines >= 3;
}

Result<std::string> AddFlinkLog(const SourceFile& file, Evidence* evidence) {
  FlinkLog log = ParseFlinkLog(file.text);
  std::string remark = log.job_manager ? "a JobManager" : "a TaskManager";
  if (!log.facts.version.empty()) remark += " of Flink " + log.facts.version;
  const bool another = evidence->flink && !log.job_manager && !log.facts.resource_id.empty() &&
                       !evidence->flink->resource_id.empty() &&
                       evidence->flink->resource_id != log.facts.resource_id;
  if (another) {
    remark += ", another than " + evidence->flink->resource_id + ": nothing of it is taken";
  } else {
    if (log.facts.budgets) {
      log.facts.budgets->origin = file.name;
      remark += log.facts.budgets->process
                    ? ", " + FormatBytes(*log.facts.budgets->process) + " of process memory"
                    : ", part of its memory's sizes";
    }
    if (log.facts.rocksdb_cache)
      remark += ", RocksDB's shared cache " + FormatBytes(*log.facts.rocksdb_cache);
    if (log.facts.restarts > 0)
      remark += ", " + std::to_string(log.facts.restarts) + " job restarts";
    if (log.facts.exit_code)
      remark += ", ended with exit code " + std::to_string(*log.facts.exit_code);
    if (!log.job_manager && log.facts.max_heap) {
      if (!evidence->jvm) evidence->jvm.emplace();
      AddToVm(log, &*evidence->jvm);
    }
    if (!evidence->flink) evidence->flink.emplace();
    MergeFacts(std::move(log.facts), log.job_manager, &*evidence->flink);
  }
  // A JobManager quotes the errors of every TaskManager, and another one's did not end this one.
  if (!log.job_manager && !another) {
    const std::string errors = AddJavaErrorsOf(file, evidence);
    if (!errors.empty()) remark += "; " + errors;
  }
  return remark;
}

}  // namespace wrackline::evidence
