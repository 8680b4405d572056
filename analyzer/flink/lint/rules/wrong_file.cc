#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/flink/config_file.h"
#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {
namespace {

void Check(const Context& context, Findings& findings) {
  // Of a manifest the file is the ConfigMap's, whatever the manifest is called.
  const bool manifest = context.pod != nullptr && context.document.file == context.pod->file;
  if (manifest && context.pod->texts.empty()) return;
  const std::string& file = manifest ? context.pod->texts.front().file : context.document.file;
  const auto chosen = ChooseConfigFormat(file, "", context.version);
  if (chosen.ok()) return;
  const bool too_old = context.version >= kNoLegacyKeys;
  findings.push_back(
      {Severity::kError, "", context.document.Whole(), chosen.error().message,
       too_old ? "From 2.0 on only config.yaml is read: the whole file has no effect."
               : "config.yaml is read from 1.19 on: the whole file has no effect.",
       too_old ? "Rename it to config.yaml after making it valid YAML (Flink's "
                 "bin/migrate-config-file.sh does it)."
               : "Write the same keys into flink-conf.yaml, one \"key: value\" a line."});
}

}  // namespace

extern const Rule kWrongFile;
const Rule kWrongFile{
    .id = "wrong-file",
    .severity = Severity::kError,
    .title = "a file that this Flink version does not read",
    .explanation =
        "flink-conf.yaml is read up to 1.20, config.yaml from 1.19 on. Under the other name the "
        "file is ignored as a whole and every process starts with defaults, or not at all. The "
        "rest of the file is still looked at, as its own format.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n", .version = "2.0.2"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n",
              .file = "config.yaml",
              .version = "2.0.2"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
