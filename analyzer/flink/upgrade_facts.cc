#include "analyzer/flink/upgrade.h"

namespace wrackline::flink {
namespace {

using enum UpgradeFact::Kind;
constexpr Version k110p1{1, 10, 1}, k111{1, 11, 0}, k113{1, 13, 0}, k117{1, 17, 0}, k119{1, 19, 0},
    k120{1, 20, 0}, k20{2, 0, 0};
constexpr bool kJobManager = true;

}  // namespace

const std::vector<UpgradeFact>& UpgradeFacts() {
  static const std::vector<UpgradeFact> facts = {
      {k110p1, kDefault, "taskmanager.memory.jvm-metaspace.size",
       "256m by default, before 96m: with a process size, 160 MiB less for everything else",
       "set it to the old 96m only if the old size was enough"},
      {k111, kGone, "containerized.heap-cutoff-ratio",
       "gone: the memory model decides what is left outside of the heap",
       "use the jvm-overhead and off-heap sizes"},
      {k111, kGone, "containerized.heap-cutoff-min",
       "gone: the memory model decides what is left outside of the heap",
       "use the jvm-overhead and off-heap sizes"},
      {k111, kRenamed, "jobmanager.heap.size",
       "the JobManager has a memory model: this key is only mapped into it",
       "set jobmanager.memory.process.size, or jobmanager.memory.heap.size", kJobManager},
      {k111, kRenamed, "jobmanager.heap.mb",
       "the JobManager has a memory model: this key is only mapped into it",
       "set jobmanager.memory.process.size, or jobmanager.memory.heap.size", kJobManager},
      {k113, kValue, "taskmanager.memory.managed.consumer-weights",
       "consumers are OPERATOR, STATE_BACKEND and PYTHON; DATAPROC was split into the first two",
       "write OPERATOR:70,STATE_BACKEND:70 instead of DATAPROC:70"},
      {k113, kRenamed, "state.backend.fs.memory-threshold",
       "is state.storage.fs.memory-threshold now; the old name still works", "rename it"},
      {k117, kDefault, "taskmanager.memory.network.max",
       "unlimited by default, before 1g: the network gets its whole fraction. The comment in the "
       "shipped file still says 1GB",
       "set it to 1g to keep what was"},
      {k117, kRenamed, "state.backend", "is state.backend.type now; the old name still works",
       "rename it"},
      {k119, kFile, "flink-conf.yaml",
       "config.yaml, which is YAML, is read where there is no flink-conf.yaml; 2.0 reads nothing "
       "else",
       "move to config.yaml: nested or flat keys, but no key twice and no key without a value"},
      {k120, kRenamed, "state.backend.incremental",
       "is execution.checkpointing.incremental now; the old name still works", "rename it"},
      {k120, kRenamed, "state.backend.changelog.enabled",
       "is state.changelog.enabled now; the old name still works", "rename it"},
      {k120, kRenamed, "state.backend.local-recovery",
       "is execution.checkpointing.local-backup.enabled and execution.state-recovery.from-local "
       "now; the old name still works",
       "rename it"},
      {k120, kRenamed, "state.checkpoints.dir",
       "is execution.checkpointing.dir now; the old name still works", "rename it"},
      {k120, kRenamed, "state.savepoints.dir",
       "is execution.checkpointing.savepoint-dir now; the old name still works", "rename it"},
      {k20, kFile, "flink-conf.yaml", "not read any more: only config.yaml is",
       "write it as config.yaml (Flink's bin/migrate-config-file.sh does)"},
      {k20, kGone, "taskmanager.heap.size", "silently ignored",
       "set taskmanager.memory.flink.size (standalone) or taskmanager.memory.process.size (YARN, "
       "Kubernetes) to its value"},
      {k20, kGone, "taskmanager.heap.mb", "silently ignored",
       "set taskmanager.memory.flink.size (standalone) or taskmanager.memory.process.size (YARN, "
       "Kubernetes) to its value"},
      {k20, kGone, "jobmanager.heap.size", "silently ignored",
       "set jobmanager.memory.heap.size (standalone) or jobmanager.memory.process.size (YARN, "
       "Kubernetes) to its value",
       kJobManager},
      {k20, kGone, "jobmanager.heap.mb", "silently ignored",
       "set jobmanager.memory.heap.size (standalone) or jobmanager.memory.process.size (YARN, "
       "Kubernetes) to its value",
       kJobManager},
      {k20, kGone, "taskmanager.network.numberOfBuffers", "silently ignored",
       "set taskmanager.memory.network.min and .max to the number of buffers times the segment "
       "size"},
      {k20, kGone, "taskmanager.network.memory.buffers-per-channel", "silently ignored",
       "remove it"},
      {k20, kGone, "taskmanager.network.memory.floating-buffers-per-gate", "silently ignored",
       "remove it"},
      {k20, kGone, "taskmanager.network.netty.num-arenas", "silently ignored", "remove it"},
      {k20, kRenamed, "slotmanager.taskmanager-timeout",
       "is resourcemanager.taskmanager-timeout; the old name still works", "rename it"},
      {k20, kRenamed, "taskmanager.network.memory.fraction",
       "is taskmanager.memory.network.fraction; the old name still works", "rename it"},
      {k20, kRenamed, "taskmanager.network.memory.min",
       "is taskmanager.memory.network.min; the old name still works", "rename it"},
      {k20, kRenamed, "taskmanager.network.memory.max",
       "is taskmanager.memory.network.max; the old name still works", "rename it"},
      {k20, kValue, "taskmanager.memory.managed.consumer-weights",
       "the consumer DATAPROC is not known any more", "name OPERATOR and STATE_BACKEND"},
  };
  return facts;
}

}  // namespace wrackline::flink
