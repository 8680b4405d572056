#include "analyzer/flink/lint/catalogue.h"
#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const Catalogue& catalogue = Catalogue::Get();
  for (const Entry& entry : context.document.entries) {
    if (!entry.effective) continue;
    const KnownOption* renamed = catalogue.FindByOldName(entry.key, context.version);
    const KnownOption* own = catalogue.Find(entry.key, context.version);
    if (renamed == nullptr && (own == nullptr || !own->deprecated)) continue;
    const auto lines = catalogue.LinesOf(entry.key);
    const bool ends =
        lines && lines->until < Version{kNewestKnownVersion.feature, kNewestKnownVersion.minor, 0};
    std::string reason = renamed != nullptr ? "It is the old name of " + std::string(renamed->key) +
                                                  " and still works here."
                                            : "Flink marks it as deprecated.";
    if (ends)
      reason += " Flink " + FormatLine(lines->until) +
                " is the last that reads it: later ones ignore it without a word.";
    std::string fix = InsteadOf(context, entry.key);
    if (fix.empty()) fix = "Plan to do without it.";
    findings.push_back({ends && renamed == nullptr ? Severity::kWarning : Severity::kInfo, "",
                        entry.key_at, entry.key + " is deprecated", reason, fix});
  }
}

}  // namespace

extern const Rule kDeprecatedKey;
const Rule kDeprecatedKey{
    .id = "deprecated-key",
    .severity = Severity::kWarning,
    .title = "a key that still works, under an old name or for the last time",
    .explanation =
        "An info where only the name is old (state.backend for state.backend.type, "
        "taskmanager.network.memory.min for taskmanager.memory.network.min), a warning where a "
        "newer version has dropped the key: after an upgrade it would be ignored silently.",
    .wrong = {.config = "taskmanager.heap.size: 4g\n"},
    .right = {.config = "taskmanager.memory.flink.size: 4g\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
