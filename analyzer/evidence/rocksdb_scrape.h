// Flink's own metrics of RocksDB and of the JVM, out of a Prometheus scrape.
//
// Both forms of the reporter's names are read:
//   flink_taskmanager_job_task_operator_<family>_rocksdb_block_cache_usage{...}
//   flink_taskmanager_job_task_operator_column_family_rocksdb_block_cache_usage{column_family="<family>",...}
// (state.backend.rocksdb.metrics.column-family-as-variable). In the first the reporter has replaced
// every character of the family's name that Prometheus does not allow by "_".
//
// Nothing is concluded here: which families share a cache is scrape_caches.h's work. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/prometheus_scrape.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

// A column family's gauges; a gauge that is missing, negative or no number is empty.
struct ScrapedFamily {
  std::string name;
  std::optional<Bytes> cache_capacity, cache_usage, cache_pinned;
  std::optional<Bytes> active_memtable, unflushed_memtables, all_memtables, table_readers;
  std::optional<int> immutable_memtables;
};

// One RocksDB instance: of one operator's one subtask.
struct ScrapedDatabase {
  std::string job, job_name;  // Flink's id and name of the job
  std::string task;           // the job vertex: its id, or its name where there is no id
  std::string operator_id, operator_name;
  std::string attempt;  // of the execution
  int attempt_number = 0;
  int subtask = 0;
  std::vector<ScrapedFamily> families;  // in order of name

  // "three_states[0]": the operator and its subtask.
  std::string Label() const;
};

struct ScrapedTaskManager {
  std::string id;  // tm_id, or else host or instance; "" where the scrape has none of these
  std::vector<ScrapedDatabase> databases;  // newest attempts only; in order of Label
  FlinkMemory memory;
  std::vector<std::string> remarks;  // what was left out, and why
};

struct FlinkScrape {
  std::optional<Time> time;                       // the newest sample's, where samples have one
  std::vector<ScrapedTaskManager> task_managers;  // in order of id
};

// Of a series that occurs twice the last sample counts. Errors: the text's (prometheus_scrape.h);
// more than 65,536 column families.
Result<FlinkScrape> ReadFlinkScrape(std::string_view text);

// The same of samples that came in another form. Errors: more than 65,536 column families.
Result<FlinkScrape> FlinkScrapeOf(const std::vector<ScrapeSample>& samples);

}  // namespace wrackline::evidence
