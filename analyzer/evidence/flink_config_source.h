// A Flink configuration in the folder: flink-conf.yaml, config.yaml, or its text under any name.
//
// What Flink logged of its memory is what it had. Where there is no log, the configuration says what it must have been: derived through
// the memory model of the log's version, else of 1.20. The text is kept, so that a proposal can change it. A Kubernetes manifest that
// holds a configuration is not taken: it has a reader of its own. Pure; any thread.
#pragma once

#include <string>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

bool IsFlinkConfig(const SourceFile& file);
// After the logs, which know the version. Errors: another configuration is known already; larger than 4 MiB; refused by that version.
Result<std::string> AddFlinkConfig(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
