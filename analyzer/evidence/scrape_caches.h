// Which column families of a TaskManager share a block cache, told from Flink's metrics alone.
// How: scrape_slots.h. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/rocksdb_scrape.h"
#include "analyzer/flink/configuration.h"
#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/flink/version.h"

namespace wrackline::evidence {

// What a configuration says of RocksDB's memory.
struct ConfiguredRocksDb {
  flink::RocksDbBudget budget;
  // Of every family, as far as the configuration decides it: a job's code may set others. Nothing
  // where it names predefined options.
  std::optional<Bytes> write_buffer_size;
  std::optional<int> max_write_buffers;
};

// Nothing when that version of Flink refuses the configuration.
std::optional<ConfiguredRocksDb> ReadConfiguredRocksDb(const flink::Configuration& configuration,
                                                       flink::Version version);

// The databases with each cache once; the memtables that Flink charges to a shared cache are its
// reservations. Nothing without a RocksDB gauge. `configured`: where the configuration
// is known. Identifiers count from 1 in order of the scrape. `notes` gets how
// caches were told apart, and which gauges are missing.
std::optional<RocksDb> RocksDbFromScrape(const ScrapedTaskManager& task_manager,
                                         const std::optional<ConfiguredRocksDb>& configured,
                                         Time time, std::vector<std::string>* notes);

}  // namespace wrackline::evidence
