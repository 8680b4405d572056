#include "analyzer/evidence/flink_config_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "analyzer/evidence/flink_log.h"
#include "analyzer/evidence/vm_lines.h"
#include "analyzer/flink/config_file.h"
#include "analyzer/flink/memory_model.h"

namespace wrackline::evidence {
namespace {

using namespace vm_lines;

constexpr std::size_t kMostText = std::size_t{4} << 20;
constexpr flink::Version kWithoutALog{1, 20, 0};

// A first part of a key that only Flink's configuration has.
bool OfFlink(std::string_view line) {
  for (const std::string_view key :
       {"taskmanager", "jobmanager", "state.backend", "parallelism.default",
        "execution.checkpointing", "high-availability", "env.java.opts", "pipeline.",
        "jobstore."}) {
    if (StartsWith(line, key) && line.size() > key.size() && Contains(line, ":")) return true;
  }
  return false;
}

// The name decides how Flink reads it: of "conf/flink-conf.yaml" the last part.
std::string_view NameOf(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

FlinkBudgets BudgetsOf(const flink::TaskManagerMemory& memory) {
  FlinkBudgets budgets;
  budgets.process = memory.total_process;
  budgets.flink = memory.total_flink;
  budgets.framework_heap = memory.framework_heap;
  budgets.task_heap = memory.task_heap;
  budgets.framework_off_heap = memory.framework_off_heap;
  budgets.task_off_heap = memory.task_off_heap;
  budgets.network = memory.network;
  budgets.managed = memory.managed;
  budgets.metaspace = memory.jvm_metaspace;
  budgets.overhead = memory.jvm_overhead;
  return budgets;
}

}  // namespace

bool IsFlinkConfig(const SourceFile& file) {
  std::string_view rest = file.Head(), line;
  if (rest.find('\0') != std::string_view::npos) return false;
  Skip(&rest, "\xEF\xBB\xBF");
  int settings = 0, others = 0, of_flink = 0;
  while (NextLine(&rest, &line)) {
    const std::string_view text = Trimmed(line);
    if (text.empty() || text.front() == '#' || text == "---") continue;
    // A manifest of Kubernetes, or a list of them.
    if (StartsWith(line, "apiVersion:") || StartsWith(line, "kind:")) return false;
    of_flink += OfFlink(line);
    const std::size_t colon = text.find(':');
    const bool key = colon != std::string_view::npos && colon > 0 &&
                     text.substr(0, colon).find_first_of(" {[\"(") == std::string_view::npos &&
                     (colon + 1 == text.size() || text[colon + 1] == ' ');
    ++(key || text.front() == '-' ? settings : others);
  }
  return of_flink > 0 && settings > 4 * others;
}

Result<std::string> AddFlinkConfig(const SourceFile& file, Evidence* evidence) {
  if (file.text.size() > kMostText)
    return Error{"it is larger than 4 MiB", "a Flink configuration is some KiB"};
  if (evidence->flink && !evidence->flink->flink_config_path.empty())
    return Error{"the configuration in " + evidence->flink->flink_config_path + " is used already",
                 "leave the one that the TaskManager was started with"};
  std::optional<flink::Version> version;
  if (evidence->flink && !evidence->flink->version.empty()) {
    const auto logged = flink::ParseVersion(evidence->flink->version);
    if (logged.ok()) version = logged.value();
  }
  const auto configuration = flink::ParseConfigFile(file.text, NameOf(file.name), version);
  if (!configuration.ok()) return configuration.error();

  if (!evidence->flink) evidence->flink.emplace();
  FlinkFacts& facts = *evidence->flink;
  facts.flink_config_path = file.name;
  facts.flink_config_text = file.text;
  const flink::Configuration& values = configuration.value();
  // What the log says it loaded counts.
  if (facts.configuration.empty()) TakeRocksDbBound(values, version.value_or(kWithoutALog), &facts);
  if (facts.state_backend.empty())
    facts.state_backend =
        values.Get("state.backend.type").value_or(values.Get("state.backend").value_or(""));
  if (!facts.slots) {
    const std::string text = values.Get("taskmanager.numberOfTaskSlots").value_or("");
    std::string_view number = text;
    facts.slots = TakeNumber<int>(&number);
  }
  if (facts.budgets) return std::string("kept for the proposal; the log's own budgets count");

  const flink::Version rules = version.value_or(kWithoutALog);
  const auto memory = flink::DeriveTaskManagerMemory(values, rules, flink::Mode::kStandalone);
  const std::string under = "under Flink " + flink::FormatVersion(rules) + "'s rules";
  if (!memory.ok())
    return "no budgets: " + under + " it is refused (" + memory.error().message + ")";
  facts.budgets = BudgetsOf(memory.value());
  facts.budgets->origin = std::string(NameOf(file.name)) + " " + under;
  std::string remark = FormatBytes(memory.value().total_process) + " of process memory " + under;
  if (!version) remark += ", as no log says which version it was";
  return remark;
}

}  // namespace wrackline::evidence
