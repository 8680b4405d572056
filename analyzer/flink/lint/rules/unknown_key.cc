#include "analyzer/flink/lint/catalogue.h"
#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

// In namespaces that are not Flink's alone only a near miss of a real key is named.
constexpr double kMisspelt = 0.35;
// Nearest is slow: after so many misses a file is hostile, and the rest gets no suggestion.
constexpr int kMostSuggestions = 200;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string Reason(const Context& context, std::string_view key) {
  std::string reason = "Flink skips keys that it does not know, without a word.";
  if (context.memory != nullptr && key.find("heap") != std::string_view::npos &&
      key.starts_with("taskmanager.memory."))
    reason += " The TaskManager's heap (-Xmx) stays " + FormatBytes(context.memory->JvmHeap()) +
              ", derived from the other keys.";
  return reason;
}

void Check(const Context& context, Findings& findings) {
  const Catalogue& catalogue = Catalogue::Get();
  int suggestions = 0;
  for (const Entry& entry : context.document.entries) {
    const std::string& key = entry.key;
    if (key.starts_with(kByteOrderMark)) {
      findings.push_back(
          {Severity::kWarning, "", entry.key_at,
           "The file begins with a byte order mark, which becomes a part of its first key",
           Reason(context, ""), "Save the file as UTF-8 without a byte order mark."});
      continue;
    }
    if (!entry.effective || catalogue.LinesOf(key) || catalogue.IsMember(key, context.version))
      continue;
    // Flink makes these names of the properties that its ForSt has.
    if (key.starts_with("state.backend.forst.metrics.")) continue;
    const bool closed = Catalogue::IsClosedNamespace(key);
    Catalogue::Neighbour nearest;
    if (suggestions < kMostSuggestions) {
      ++suggestions;
      nearest = catalogue.Nearest(key, context.version);
    }
    if (!closed && (nearest.key.empty() || nearest.distance > kMisspelt)) continue;
    std::string fix = InsteadOf(context, key);  // of keys older than the catalogue
    if (fix.empty() && !nearest.key.empty()) fix = "Did you mean " + std::string(nearest.key) + "?";
    if (fix.empty()) fix = "Delete it, or look its name up in the documentation of this version.";
    findings.push_back({Severity::kWarning, "", entry.key_at,
                        key + " is no option of any Flink version from 1.10 on",
                        Reason(context, key), fix});
  }
}

}  // namespace

extern const Rule kUnknownKey;
const Rule kUnknownKey{
    .id = "unknown-key",
    .severity = Severity::kWarning,
    .title = "a key that no Flink version reads",
    .explanation =
        "Flink takes every key of the file and asks for those that it knows; the others are never "
        "looked at and nothing is logged. taskmanager.memory.heap.size, which some operations "
        "guides name, is such a key: the heap stays what Flink derives from the other sizes. The "
        "rule knows every option of Flink 1.10 to 2.3 below taskmanager., jobmanager., state., "
        "env. and the other namespaces of Flink itself, and names the nearest real one. In open "
        "namespaces (metrics.reporter.*, fs.*, plugins, your own) only near misses of a real key "
        "are named.",
    .wrong = {.config = "taskmanager.memory.process.size: 12g\n"
                        "taskmanager.memory.heap.size: 8g\n"},
    .right = {.config = "taskmanager.memory.process.size: 12g\n"
                        "taskmanager.memory.task.heap.size: 8g\n"
                        "taskmanager.memory.managed.size: 1g\n"
                        "my.own.key: 1\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
