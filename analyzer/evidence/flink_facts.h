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

struct FlinkFacts {
  std::string version;  // "1.20.3"; empty: not known
  std::string java_version;
  std::optional<FlinkBudgets> budgets;
  std::optional<int> slots;
  std::vector<std::string> jvm_options;
  std::string resource_id;                                   // of the TaskManager
  std::optional<Bytes> max_heap, max_direct, max_metaspace;  // of the JVM options
  bool rocksdb_managed = true;                               // state.backend.rocksdb.memory.managed
  bool rocksdb = false;                                      // a RocksDB state backend was opened
  std::string state_backend;                                 // as logged; empty: not known
  int restarts = 0;                                          // of jobs, as logged
};

}  // namespace wrackline::evidence
