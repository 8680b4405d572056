// The log of a Flink TaskManager or JobManager, of any version: what Flink granted itself, how the VM was started, what became of it.
//
//   Starting TaskManager (Version: 1.20.3, Scala: 2.12, ...)            -> version
//   JVM Options:  -Xmx161061270 -XX:MaxDirectMemorySize=201326592       -> jvm_options, max_heap, max_direct
//   Program Arguments:  -D taskmanager.memory.managed.size=241591914b   -> budgets.managed, to the byte
//   Final TaskExecutor Memory configuration:                            -> budgets, of the start script's output
//   Obtained shared RocksDB cache of size 201326592 bytes               -> rocksdb_cache
//
// Lines as Flink's log4j layouts print them, or in JSON with a key "message"; also what BashJavaUtils prints alone. Of several starts
// in one log the last counts. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "analyzer/flink/configuration.h"
#include "analyzer/flink/version.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct FlinkLog {
  FlinkFacts facts;
  bool job_manager = false;  // its options and memory are not the TaskManager's, and are left out
  std::string vm_name, collector;  // "OpenJDK 64-Bit Server VM", "G1"; empty: not said
  std::uint64_t lines = 0;
};

FlinkLog ParseFlinkLog(std::string_view text);

// Whether and by what RocksDB is bounded under that configuration: rocksdb_managed and rocksdb_fixed.
void TakeRocksDbBound(const flink::Configuration& values, flink::Version version,
                      FlinkFacts* facts);

bool IsFlinkLog(const SourceFile& file);
// Also takes what the options say of the VM, and the OutOfMemoryErrors of the log (java_errors.h). What an earlier source said is kept; a second TaskManager's log gives its
// errors only.
Result<std::string> AddFlinkLog(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
