// Scrapes of Flink's metrics beside other evidence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/from_scrape.h"
#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

bool IsScrape(const SourceFile& file);
// One scrape of one TaskManager. EvidenceFolder takes all scrapes of a folder at once (AddScrapes), as peaks are over all.
Result<std::string> AddScrape(const SourceFile& file, Evidence* evidence);

// `inputs` in order of time, not empty. What they hold goes to `metrics`; StandBeside then decides whether that is all there is.
Result<std::string> AddScrapes(const std::vector<ScrapeInput>& inputs,
                               const std::optional<std::string>& task_manager,
                               const std::optional<ConfiguredRocksDb>& configured,
                               Evidence* evidence);

// Where there is more than metrics, or than metrics and a configuration: moves them to `scraped`, and what they say of the VM to `jvm`
// unless that is known from nearer to it.
void StandBeside(Evidence* evidence);

}  // namespace wrackline::evidence
