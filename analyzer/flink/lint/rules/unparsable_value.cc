#include "analyzer/flink/lint/catalogue.h"
#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/value_check.h"

namespace wrackline::flink::lint {
namespace {

// Read by the TaskManager's memory model, which reads some of them only in some configurations.
bool IsOfTheModel(std::string_view key) {
  return key.starts_with("taskmanager.memory.") || key.starts_with("taskmanager.heap.") ||
         key == options::kLegacyNetworkBuffers.key;
}

std::string Fix(const KnownOption& option, const std::string& value) {
  std::string fix = "Write " + std::string(HowToWrite(option)) + ".";
  if (value.size() > 1 && (value.front() == '"' || value.front() == '\''))
    fix = "Take the quotes away: in flink-conf.yaml they belong to the value.";
  else if (option.type == "MemorySize" &&
           (value.ends_with("i") || value.ends_with("ib") || value.ends_with("iB")))
    fix += " Flink's m and g are binary already; Kubernetes' Mi and Gi are not known to it.";
  else if (option.type == "MemorySize" && value.find('.') != std::string::npos)
    fix += " Fractions are refused: 1.5g is 1536m.";
  if (!option.default_text.empty())
    fix += " The default is " + std::string(option.default_text) + ".";
  return fix;
}

void Check(const Context& context, Findings& findings) {
  const Catalogue& catalogue = Catalogue::Get();
  for (const Entry& entry : context.document.entries) {
    if (!entry.effective) continue;
    const KnownOption* option = catalogue.FindByOldName(entry.key, context.version);
    // An old name that is not read, because the new one is there too.
    if (option != nullptr && context.configuration.Contains(option->key)) continue;
    if (option == nullptr) option = catalogue.Find(entry.key, context.version);
    if (option == nullptr) continue;
    const auto failure = ParseFailure(*option, entry.value);
    if (!failure) continue;
    // What counts may be another's: of an argument, or of the operator's own resources.
    const auto counts = context.configuration.Get(entry.key);
    const bool overridden = counts && *counts != entry.value && !ParseFailure(*option, *counts);
    const bool refused = !overridden && (!IsOfTheModel(entry.key) || context.refusal != nullptr);
    findings.push_back(
        {refused ? Severity::kError : Severity::kWarning, "", entry.value_at,
         "'" + entry.value + "' is no value for " + entry.key,
         "Flink says: " + *failure +
             (refused
                  ? ""
                  : " (It is not read here, because other keys decide; it would be otherwise.)"),
         Fix(*option, entry.value)});
  }
}

}  // namespace

extern const Rule kUnparsableValue;
const Rule kUnparsableValue{
    .id = "unparsable-value",
    .severity = Severity::kError,
    .title = "a value that Flink cannot parse",
    .explanation =
        "Sizes, fractions, integers, booleans, durations and enumerations of the options about "
        "memory are parsed as Flink parses them, with its own text. Flink's sizes are narrower "
        "than Kubernetes': 4Gi, 1.5g and \"4g\" in quotes are refused. An error where Flink or a "
        "job fails with it; a warning where other keys keep it from being read.",
    .wrong = {.config = "taskmanager.memory.process.size: 4Gi\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.managed.fraction: .3\n"
                        "taskmanager.slot.timeout: 10 s\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
