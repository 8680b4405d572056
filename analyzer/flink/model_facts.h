// A Flink process's memory, explained: the model's components with the keys that set them, what
// Flink passes on to the process, and what RocksDB and a slot get of it. What `wrackline model`
// shows; the numbers are those of memory_model.h and job_manager_memory.h.
//
//   ModelFacts facts = ExplainModel(configuration, Version{1, 20, 5}, Role::kTaskManager,
//                                   Mode::kContainerized);
//   facts.refused ? facts.refused->message : facts.jvm_arguments
//
// Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/flink/version.h"
#include "lib/units/bytes.h"

namespace wrackline::flink {

enum class Role { kTaskManager, kJobManager };

// One line of the sum.
struct Component {
  std::string_view id;    // as in recorded rows: "task_offheap"
  std::string_view name;  // Flink's: "Task Off-Heap Memory"
  std::string_view key;   // the key that sets it
  std::string_view held;  // by what it is bounded: "heap", "direct", "native"
  Bytes bytes;
};

// What one slot's RocksDB gets; nothing of it when the databases are unbounded.
struct RocksDbFacts {
  RocksDbBudgetKind kind = RocksDbBudgetKind::kManaged;
  int slots = 1;
  Bytes granted;       // the whole TaskManager's
  Bytes shared;        // among how many bytes the following divides: a slot's, or the TaskManager's
  double ratio = 0.5;  // write-buffer-ratio
  double high_prio = 0.1;
  Bytes cache;
  Bytes write_buffer_manager;
  Bytes write_buffer;  // state.backend.rocksdb.writebuffer.size
  Bytes arena;
  Bytes mutable_limit;
  bool arena_fits = true;
  // kNone: what one state, a column family, can hold: its own block cache and write buffers.
  Bytes block_cache;
  int write_buffers = 2;
  Bytes per_state;
};

// A consumer's part of a slot's managed memory, when these consumers are in the slot.
struct SlotFacts {
  std::string with;  // "STATE_BACKEND", "STATE_BACKEND, PYTHON"
  std::string consumer;
  double fraction = 0;
  Bytes bytes;
};

struct ModelFacts {
  Version version;
  Role role = Role::kTaskManager;
  Mode mode = Mode::kStandalone;

  // What Flink throws, and what to do about it; then nothing of the following is set.
  std::optional<JavaException> refused;
  std::string next_step;

  std::vector<Component> components;
  Bytes total_flink;
  Bytes total_process;
  std::string jvm_arguments;
  // The -D arguments that Flink gives the process in the end, in the order of their keys.
  std::vector<std::pair<std::string, std::string>> dynamic;

  // TaskManager only.
  Bytes managed_per_slot;
  int slots = 1;
  std::vector<SlotFacts> slot;          // 1.12 and later
  std::optional<RocksDbFacts> rocksdb;  // also when no RocksDB is configured: what it would get
  std::string rocksdb_problem;          // why `rocksdb` is not set
};

// Precondition: version >= 1.10; a JobManager's >= 1.11 (else `refused` says so).
ModelFacts ExplainModel(const Configuration& configuration, Version version, Role role, Mode mode);

// What to do about a refusal, in one sentence.
std::string NextStep(const JavaException& refusal, Role role);

}  // namespace wrackline::flink
