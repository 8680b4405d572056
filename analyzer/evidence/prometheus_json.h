// The answer of Prometheus's HTTP API (/api/v1/query, /api/v1/query_range), or of `promtool query -o json`: series of what
// cAdvisor and kube-state-metrics say of containers, and of Flink's own metrics.
//
//   {"status":"success","data":{"resultType":"matrix","result":[
//     {"metric":{"__name__":"container_memory_working_set_bytes","pod":"tm-1","container":"main"},
//      "values":[[1764300000,"734003200"],...]}]}}
//
// Containers' series become the timeline, Flink's the same figures that a scrape gives (rocksdb_scrape.h). Pure; any thread.
// Hostile input: size, series and samples are bounded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/evidence/from_scrape.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct PrometheusSeries {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;  // without __name__
  std::vector<std::pair<Time, double>> samples;             // in order of time

  std::string_view Label(std::string_view label) const;
};

// Errors: not such an answer, larger than 32 MiB, Prometheus's own error message. Samples that are no numbers are left out.
Result<std::vector<PrometheusSeries>> ParsePrometheusJson(std::string_view text);

// The timeline of one container: of the pod that `evidence` names, else the one that held the most. What it gave in one clause, empty
// when there is no container's series.
std::string AddContainerSeries(const std::vector<PrometheusSeries>& series, Evidence* evidence);

// Flink's series as scrapes at up to 60 moments, evenly spread, the newest among them. Empty: there are none.
std::vector<ScrapeInput> ScrapesOf(const std::vector<PrometheusSeries>& series,
                                   const std::string& source);

bool IsPrometheusJson(const SourceFile& file);
Result<std::string> AddPrometheusJson(const SourceFile& file, Evidence* evidence);
// The same with what the user and the configuration say of the scrapes (scrape_source.h).
Result<std::string> AddPrometheusAnswer(const SourceFile& file,
                                        const std::optional<std::string>& task_manager,
                                        const std::optional<ConfiguredRocksDb>& configured,
                                        Evidence* evidence);

}  // namespace wrackline::evidence
