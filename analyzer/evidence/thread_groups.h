// The grouping rules of thread names, in one table: which operator, pool or part of the VM a thread
// works for.
//
//   GroupOf("Source: orders -> Map (2/4)#1", "")  ->  kFlinkTask, "Source: orders -> Map", 2 of 4, attempt 1
//   GroupOf("OutputFlusher for Source: orders -> Map", "")  ->  the same group, without a subtask
//   GroupOf("", "rocksdb:low")                    ->  kRocksDb, "RocksDB compaction (low)"
//   GroupOf("pool-3-thread-12", "")               ->  kOther, "pool-*-thread-*"
//
// The kernel keeps 15 characters of a name: where nothing else is known, a rule that is longer holds
// for its first 15. Names are data of the program; pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

struct GroupedThread {
  ThreadKind kind = ThreadKind::kOther;
  std::string group;
  // Of a Flink task, counted from 1; and its attempt, from 0.
  std::optional<std::uint32_t> subtask, parallelism, attempt;
};

// `java_name`: what Java calls the thread, or empty; `comm`: what the kernel does, or empty.
GroupedThread GroupOf(std::string_view java_name, std::string_view comm);

// "flink_task", "flink", "rocksdb", "jvm", "other", "unknown".
const char* Name(ThreadKind kind);

}  // namespace wrackline::evidence
