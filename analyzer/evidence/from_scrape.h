// Scrapes of a TaskManager's metrics -> Evidence: what can be known where no probe and no recorder
// ran.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/rocksdb_scrape.h"
#include "analyzer/evidence/scrape_caches.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct ScrapeInput {
  std::string source;  // the file's name, for messages
  Time time;           // when it was taken, where its samples do not say
  FlinkScrape scrape;
};

// Every TaskManager in some scrape, in order of id; one without a name is "".
std::vector<std::string> TaskManagersIn(const std::vector<ScrapeInput>& inputs);

// The evidence of one TaskManager: of `task_manager`, or of the only one when none is named. Of
// several scrapes the last one is the state, and the peaks are over all that have the TaskManager.
// Errors: no scrape has it (or none has any), more than one and none named.
// Precondition: `inputs` is not empty.
Result<Evidence> EvidenceFromScrapes(const std::vector<ScrapeInput>& inputs,
                                     const std::optional<std::string>& task_manager,
                                     const std::optional<ConfiguredRocksDb>& configured,
                                     std::optional<Bytes> limit);

}  // namespace wrackline::evidence
