// What `wrackline size` is asked: a configuration, a limit and an aim, from the command line and from what lies beside the runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/size_input.h"
#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/sizing/proposal.h"
#include "lib/base/result.h"

namespace wrackline::cli {

// The options, as written.
struct SizeRequest {
  std::string config, version, limit, headroom = "10%", confidence = "100%";
  bool minimize = false;
};

struct SizeQuestion {
  std::string source;  // of the configuration: "conf/config.yaml", "the configuration of lost"
  sizing::Target target;
  std::string limit_from;  // where the target has a limit: "--limit", "the manifest's"
  sizing::Objective objective;
  std::vector<std::string> notes;
  std::optional<evidence::PodManifest> manifest;  // that the configuration is of
};

// The configuration is that of --config, else of the dumps, else what was granted to the first run that says so; its version that of
// --flink-version, else a manifest's, else the recorded one. Errors: none of these; one that cannot be read, or that this version refuses.
// `config` is that of --config, where it is given (ReadSizeConfig).
Result<SizeQuestion> AskSize(const SizeRequest& request, const SizeInput& input,
                             std::optional<FlinkSource> config);

// What --config names, which may be standard input or a pipe: read once. Nothing where it is not given. Errors as above.
Result<std::optional<FlinkSource>> ReadSizeConfig(const SizeRequest& request);

}  // namespace wrackline::cli
