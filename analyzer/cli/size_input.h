// What `wrackline size` is given: recorded runs, from whatever they lie in, and the configuration that they carry.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/cli/scrape_file.h"
#include "analyzer/sizing/run.h"
#include "lib/base/result.h"

namespace wrackline::cli {

struct SizeInput {
  std::vector<sizing::Run> runs;     // never empty
  std::vector<std::string> remarks;  // what was left out, and why
  // The configuration that lay beside them: of the first dump that has one.
  std::optional<FlinkSource> carried;
  std::string carried_by;
};

// `paths`: recordings, folders of evidence, archives, run files, scrapes. `configured`: what they ran under, where that is known and
// lies elsewhere. Says on stderr which one it reads, where that is a terminal and there are many. Errors: one that cannot be read;
// none of them says how much a TaskManager held.
Result<SizeInput> ReadSizeInput(const std::vector<std::string>& paths,
                                const std::optional<report::FlinkTarget>& configured);

// What Flink granted the run, written as a configuration: where there is no other. Nothing when that is not known.
std::optional<FlinkSource> GrantedAsConfiguration(const sizing::Run& run);

}  // namespace wrackline::cli
