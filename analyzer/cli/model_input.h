// The configuration that `wrackline model` is asked about, from wherever it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/model_facts.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::cli {

struct ModelRequest {
  std::string config;      // path, or "-"; empty: only `definitions` and FLINK_PROPERTIES
  std::string version;     // "" : the manifest's, or the newest known
  std::string role, mode;  // "": the manifest's, or taskmanager and standalone
  std::vector<std::string> definitions;   // key=value
  std::optional<std::string> properties;  // FLINK_PROPERTIES
};

struct ModelInput {
  flink::Configuration configuration;
  flink::Version version;
  flink::Role role = flink::Role::kTaskManager;
  flink::Mode mode = flink::Mode::kStandalone;
  std::optional<Bytes> limit;   // of a manifest
  bool limit_by_flink = false;  // Flink or its operator makes it of the process size
  std::string source;
  std::vector<std::string> notes;
};

// Later ones win: the file or manifest, FLINK_PROPERTIES, the definitions. Errors: not readable,
// larger than 4 MiB, refused by that version, not a key=value, no version.
Result<ModelInput> ReadModelInput(const ModelRequest& request);

}  // namespace wrackline::cli
