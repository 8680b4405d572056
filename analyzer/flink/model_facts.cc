#include "analyzer/flink/model_facts.h"

#include <algorithm>
#include <array>

#include "analyzer/flink/java_number.h"
#include "analyzer/flink/job_manager_memory.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/options.h"
#include "analyzer/flink/rocksdb_memory.h"
#include "analyzer/flink/slot_memory.h"

namespace wrackline::flink {
namespace {

// What the -D arguments carry, besides the sizes inside Flink memory.
constexpr Version kArgumentsWithJvm{1, 12, 0};
constexpr Version kArgumentsWithSlots{1, 13, 0};

std::string InBytes(Bytes amount) { return std::to_string(amount.count) + "b"; }

void ExplainSlot(const Configuration& configuration, ModelFacts* facts) {
  if (facts->version < kConsumerWeights) return;
  const bool old = facts->version < Version{1, 13, 0};
  SlotShareQuestion question;
  question.managed = facts->managed_per_slot;
  question.consumer_weights = configuration.Get(options::kConsumerWeights.key);
  question.state_backend_uses_managed =
      !facts->rocksdb || facts->rocksdb->kind == RocksDbBudgetKind::kManaged;
  const auto ask = [&](std::vector<std::string> use_cases, const char* consumer) {
    SlotFacts slot;
    for (const std::string& use_case : use_cases)
      slot.with += (slot.with.empty() ? "" : ", ") + use_case;
    question.use_cases = std::move(use_cases);
    question.use_case = slot.consumer = consumer;
    const auto answer = ShareOfSlot(question, facts->version);
    const auto* share = std::get_if<SlotShare>(&answer);
    if (share == nullptr) return;
    const auto* bytes = std::get_if<Bytes>(&share->bytes);
    if (bytes == nullptr) return;
    slot.fraction = share->fraction;
    slot.bytes = *bytes;
    facts->slot.push_back(std::move(slot));
  };
  ask({"STATE_BACKEND"}, "STATE_BACKEND");
  ask({"STATE_BACKEND", "PYTHON"}, "STATE_BACKEND");
  ask({"STATE_BACKEND", "PYTHON"}, "PYTHON");
  ask({old ? "BATCH_OP" : "OPERATOR", "STATE_BACKEND"}, "STATE_BACKEND");
}

void ExplainRocksDb(const Configuration& configuration, Bytes managed, ModelFacts* facts) {
  const Result<RocksDbBudget> budget = ReadRocksDbBudget(configuration, facts->version, managed);
  if (!budget.ok()) {
    facts->rocksdb_problem = budget.error().Text();
    return;
  }
  const OptionReader reader(configuration);
  RocksDbFacts rocksdb;
  try {
    rocksdb.high_prio = reader.Double(options::kRocksDbHighPriorityRatio);
    rocksdb.write_buffer = {reader.Size(options::kRocksDbWriteBufferSize).bytes};
    rocksdb.block_cache = {reader.Size(options::kRocksDbBlockCacheSize).bytes};
    rocksdb.write_buffers = reader.Int(options::kRocksDbWriteBufferCount);
    const MemorySize buffers =
        Multiply({rocksdb.write_buffer.count}, std::max(rocksdb.write_buffers, 0));
    rocksdb.per_state = {Add(buffers, {rocksdb.block_cache.count}).bytes};
  } catch (const JavaException& exception) {
    facts->rocksdb_problem = exception.message;
    return;
  }
  rocksdb.kind = budget.value().kind;
  rocksdb.slots = budget.value().slots;
  rocksdb.granted = budget.value().amount;
  rocksdb.ratio = budget.value().write_buffer_ratio;
  // One cache for each slot; with fixed-per-tm one for all of them.
  rocksdb.shared = rocksdb.kind == RocksDbBudgetKind::kFixedPerTaskManager
                       ? budget.value().amount
                       : ManagedPerSlot(budget.value().amount, rocksdb.slots);
  const RocksDbMemory memory = DivideForRocksDb(rocksdb.shared, rocksdb.ratio);
  rocksdb.cache = memory.cache_capacity;
  rocksdb.write_buffer_manager = memory.write_buffer_manager_capacity;
  rocksdb.arena = ArenaBlockSize(rocksdb.write_buffer, facts->version);
  rocksdb.mutable_limit = MutableLimit(rocksdb.write_buffer_manager);
  rocksdb.arena_fits =
      rocksdb.kind == RocksDbBudgetKind::kNone || rocksdb.arena <= rocksdb.mutable_limit;
  facts->rocksdb = rocksdb;
}

void ExplainTaskManager(const Configuration& configuration, ModelFacts* facts) {
  auto outcome = EvaluateTaskManagerMemory(configuration, facts->version, facts->mode);
  if (auto* exception = std::get_if<JavaException>(&outcome)) {
    facts->refused = std::move(*exception);
    return;
  }
  const auto& memory = std::get<TaskManagerMemory>(outcome);
  const Option network = options::NetworkMax(facts->version);
  facts->components = {
      {"framework_heap", "Framework Heap", options::kFrameworkHeap.key, "heap",
       memory.framework_heap},
      {"task_heap", "Task Heap", options::kTaskHeap.key, "heap", memory.task_heap},
      {"framework_offheap", "Framework Off-Heap", options::kFrameworkOffHeap.key, "direct",
       memory.framework_off_heap},
      {"task_offheap", "Task Off-Heap", options::kTaskOffHeap.key, "direct", memory.task_off_heap},
      {"network", "Network", "taskmanager.memory.network.{fraction,min,max}", "direct",
       memory.network},
      {"managed", "Managed Memory", "taskmanager.memory.managed.{fraction,size}", "native",
       memory.managed},
      {"jvm_metaspace", "JVM Metaspace", options::JvmMetaspace(facts->version).key, "native",
       memory.jvm_metaspace},
      {"jvm_overhead", "JVM Overhead", "taskmanager.memory.jvm-overhead.{fraction,min,max}",
       "native", memory.jvm_overhead}};
  facts->total_flink = memory.total_flink;
  facts->total_process = memory.total_process;
  facts->jvm_arguments = memory.JvmArguments();

  const OptionReader reader(configuration);
  // The model has read both already: no exception here. Slots it reads only when there are no cores.
  const std::string cores =
      JavaDoubleToString(reader.Contains(options::kCpuCores) ? reader.Double(options::kCpuCores)
                                                             : reader.Int(options::kTaskSlots));
  try {
    facts->slots = std::max(reader.Int(options::kTaskSlots), 1);
  } catch (const JavaException& exception) {
    facts->refused = exception;
    return;
  }
  facts->managed_per_slot = ManagedPerSlot(memory.managed, facts->slots);
  facts->dynamic = {
      {std::string(options::kCpuCores.key), cores},
      {std::string(options::kFrameworkHeap.key), InBytes(memory.framework_heap)},
      {std::string(options::kFrameworkOffHeap.key), InBytes(memory.framework_off_heap)},
      {std::string(options::kManagedSize.key), InBytes(memory.managed)},
      {std::string(network.key), InBytes(memory.network)},
      {std::string(options::kNetworkMin.key), InBytes(memory.network)},
      {std::string(options::kTaskHeap.key), InBytes(memory.task_heap)},
      {std::string(options::kTaskOffHeap.key), InBytes(memory.task_off_heap)}};
  const auto add = [&](std::string_view key, std::string value) {
    facts->dynamic.emplace_back(std::string(key), std::move(value));
  };
  if (facts->version >= kArgumentsWithJvm) {
    add(options::JvmMetaspace(facts->version).key, InBytes(memory.jvm_metaspace));
    add(options::kOverheadMin.key, InBytes(memory.jvm_overhead));
    add(options::kOverheadMax.key, InBytes(memory.jvm_overhead));
  }
  if (facts->version >= kArgumentsWithSlots) {
    add(options::kTaskSlots.key, std::to_string(facts->slots));
    if (!configuration.Contains("external-resources")) add("external-resources", "none");
  }
  ExplainRocksDb(configuration, memory.managed, facts);
  ExplainSlot(configuration, facts);
}

void ExplainJobManager(const Configuration& configuration, ModelFacts* facts) {
  if (facts->version < kPrefixedMessages) {
    facts->refused = JavaException{
        "wrackline",
        "Flink " + FormatVersion(facts->version) + " has no memory model of the JobManager",
        {}};
    return;
  }
  auto outcome = EvaluateJobManagerMemory(configuration, facts->version, facts->mode);
  if (auto* exception = std::get_if<JavaException>(&outcome)) {
    facts->refused = std::move(*exception);
    return;
  }
  const auto& memory = std::get<JobManagerMemory>(outcome);
  facts->components = {
      {"heap", "JVM Heap", options::kJobManagerHeap.key, "heap", memory.heap},
      {"offheap", "Off-Heap Memory", options::kJobManagerOffHeap.key,
       memory.direct_limit ? "direct" : "native", memory.off_heap},
      {"jvm_metaspace", "JVM Metaspace", options::kJobManagerMetaspace.key, "native",
       memory.jvm_metaspace},
      {"jvm_overhead", "JVM Overhead", "jobmanager.memory.jvm-overhead.{fraction,min,max}",
       "native", memory.jvm_overhead}};
  facts->total_flink = memory.total_flink;
  facts->total_process = memory.total_process;
  facts->jvm_arguments = memory.JvmArguments();
  facts->dynamic = {
      {std::string(options::kJobManagerHeap.key), InBytes(memory.heap)},
      {std::string(options::kJobManagerMetaspace.key), InBytes(memory.jvm_metaspace)},
      {std::string(options::kJobManagerOverheadMax.key), InBytes(memory.jvm_overhead)},
      {std::string(options::kJobManagerOverheadMin.key), InBytes(memory.jvm_overhead)},
      {std::string(options::kJobManagerOffHeap.key), InBytes(memory.off_heap)}};
}

struct Advice {
  std::string_view when;  // part of Flink's message
  std::string_view step;
};

// The first that is in the message or in a cause's.
constexpr std::array<Advice, 15> kAdvice = {
    {{"need to be configured explicitly",
      "set one size: {}.memory.process.size to the pod's memory limit is the usual choice"},
     {"exceed configured Total Flink Memory",
      "the parts are larger than the whole: raise the total, or lower or remove one of the sizes "
      "named"},
     {"derived Network Memory is inconsistent",
      "leave out {}.memory.task.heap.size, or widen {}.memory.network.min and .max so that the "
      "rest "
      "lies between them"},
     {"is not in configured JVM Overhead range",
      "process.size and the other sizes over-determine the overhead: remove one of them, or widen "
      "{}.memory.jvm-overhead.min and .max"},
     {"is less than the sum of the derived Total Flink Memory",
      "raise {}.memory.process.size, or remove it and let Flink add metaspace and overhead"},
     {"exceed configured Total Process Memory",
      "the process is smaller than metaspace and overhead alone: raise {}.memory.process.size"},
     {"less than the configured Off-heap Memory",
      "raise the total, or lower {}.memory.off-heap.size"},
     {"does not match the configured Total Flink Memory",
      "configure heap and off-heap, or the total, not all three"},
     {"exceeds the configured Total Flink Memory", "raise {}.memory.flink.size, or remove it"},
     {"min value must be less or equal to max value", "swap or correct the option's .min and .max"},
     {"fraction must be in range", "write the fraction as a number from 0 to below 1, such as 0.1"},
     {"does not match any of the recognized units",
      "Flink's units are b, k, m, g and t (kb, mb, ... too), not gib or megabytes: 1536m"},
     {"text does not start with a number",
      "write the size as a whole number and a unit, without sign or quotes: 1536m"},
     {"numeric overflow", "the size is beyond 2^63 bytes: correct it"},
     {"positive number of CPU cores",
      "set taskmanager.cpu.cores or taskmanager.numberOfTaskSlots to more than 0"}}};

}  // namespace

std::string NextStep(const JavaException& refusal, Role role) {
  std::string all = refusal.message;
  for (const auto& cause : refusal.causes) all += "\n" + cause.message;
  for (const Advice& advice : kAdvice) {
    if (all.find(advice.when) == std::string::npos) continue;
    std::string step(advice.step);
    const std::string_view component = role == Role::kTaskManager ? "taskmanager" : "jobmanager";
    for (std::size_t at = step.find("{}"); at != std::string::npos; at = step.find("{}"))
      step.replace(at, 2, component);
    return step;
  }
  return refusal.message.find("Could not parse value") != std::string::npos
             ? "correct the value, or remove the key to get Flink's default"
             : "correct the keys that the message names";
}

ModelFacts ExplainModel(const Configuration& configuration, Version version, Role role, Mode mode) {
  ModelFacts facts;
  facts.version = version;
  facts.role = role;
  facts.mode = mode;
  if (role == Role::kTaskManager) {
    ExplainTaskManager(configuration, &facts);
  } else {
    ExplainJobManager(configuration, &facts);
  }
  std::sort(facts.dynamic.begin(), facts.dynamic.end());
  if (facts.refused) facts.next_step = NextStep(*facts.refused, role);
  return facts;
}

}  // namespace wrackline::flink
