#include "analyzer/flink/lint/catalogue.h"
#include "analyzer/flink/lint/facts.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  const Catalogue& catalogue = Catalogue::Get();
  const Version line{context.version.feature, context.version.minor, 0};
  for (const Entry& entry : context.document.entries) {
    if (!entry.effective || catalogue.Find(entry.key, context.version) != nullptr ||
        catalogue.FindByOldName(entry.key, context.version) != nullptr)
      continue;
    const auto lines = catalogue.LinesOf(entry.key);
    if (!lines) continue;
    std::string when = "Flink " + FormatLine(lines->since) + " to " + FormatLine(lines->until);
    if (line < lines->since) when = "Flink " + FormatLine(lines->since) + " and later";
    if (line > lines->until) when = "Flink up to " + FormatLine(lines->until);
    std::string fix = InsteadOf(context, entry.key);
    if (fix.empty()) {
      fix = line < lines->since
                ? "Delete it until the cluster is at Flink " + FormatLine(lines->since) + "."
                : "Delete it: this version has nothing in its place.";
    }
    findings.push_back({Severity::kWarning, "", entry.key_at,
                        entry.key + " is no option of Flink " + FormatVersion(context.version),
                        "It is read by " + when + "; this version ignores it without a word.",
                        fix});
  }
}

}  // namespace

extern const Rule kKeyOfAnotherVersion;
const Rule kKeyOfAnotherVersion{
    .id = "key-of-another-version",
    .severity = Severity::kWarning,
    .title = "a key that another Flink version reads, but not this one",
    .explanation =
        "Options come and go. What this version does not know is ignored silently: from 2.0 on "
        "taskmanager.heap.size and taskmanager.network.numberOfBuffers mean nothing, before 1.17 "
        "state.backend.type and state.backend.rocksdb.memory.fixed-per-tm mean nothing. Give the "
        "version with --flink-version; without it 1.20 is assumed.",
    .wrong = {.config = "taskmanager:\n"
                        "  heap:\n"
                        "    size: 4g\n"
                        "  memory:\n"
                        "    process:\n"
                        "      size: 4g\n",
              .file = "config.yaml",
              .version = "2.0.2"},
    .right = {.config = "taskmanager:\n"
                        "  memory:\n"
                        "    process:\n"
                        "      size: 4g\n",
              .file = "config.yaml",
              .version = "2.0.2"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
