// What Flink says of its own configuration: its memory table, version and options, from a TaskManager's log or its configuration.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/units/bytes.h"

namespace wrackline::evidence {

// The components that Flink's configuration grants a TaskManager. One that is not known is absent.
struct FlinkBudgets {
  std::optional<Bytes> process, flink, framework_heap, task_heap, framework_off_heap, task_off_heap,
      network, managed, metaspace, overhead;
  std::string origin;  // "tm.log", "config.yaml under Flink 1.20.3's rules"
};

struct FlinkProperty {
  std::string key, value;
};

struct FlinkFacts {
  std::string version;  // "1.20.3"; empty: not known
  std::string java_version;
  std::optional<FlinkBudgets> budgets;
  std::optional<int> slots;
  std::vector<std::string> jvm_options;
  std::string resource_id;                                   // of the TaskManager
  std::optional<Bytes> max_heap, max_direct, max_metaspace;  // of the JVM options
  // false: every column family has a cache and write buffers of its own, without a bound.
  bool rocksdb_managed = true;
  // What bounds it in all, where that is memory.fixed-per-slot or -per-tm, which lies beside managed memory.
  std::optional<Bytes> rocksdb_fixed;
  bool rocksdb = false;       // a RocksDB state backend was opened
  std::string state_backend;  // as logged; empty: not known
  int restarts = 0;           // of jobs, as logged
  // The cache that the slots' RocksDB shares, as logged; the smallest where slots differ.
  std::optional<Bytes> rocksdb_cache;
  // As Flink logged it: -17 (239 to the system) of its handler of uncaught errors.
  std::optional<int> exit_code;
  int starts = 0;                            // of the process in one log; the facts are of the last
  std::vector<FlinkProperty> configuration;  // as loaded, by the log: secrets are masked by Flink
  // A configuration file of the folder, whole; empty: there is none.
  std::string flink_config_path, flink_config_text;
};

}  // namespace wrackline::evidence
