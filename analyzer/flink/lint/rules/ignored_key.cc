#include "analyzer/flink/lint/catalogue.h"
#include "analyzer/flink/lint/facts.h"
#include "analyzer/flink/lint/pod_facts.h"

namespace wrackline::flink::lint {
namespace {

class Loser {
 public:
  Loser(const Context& context, Findings& findings) : context_(context), findings_(findings) {}

  // `key` has no effect because of `winner`, which is set (by a default where `why` says so).
  void Add(std::string_view key, std::string_view winner, const std::string& why) {
    const Entry* entry = context_.Find(key);
    if (entry == nullptr) return;
    findings_.push_back({Severity::kWarning, "", entry->key_at,
                         entry->key + " has no effect: " + std::string(winner) + " wins", why,
                         "Delete it, or delete " + std::string(winner) + "."});
  }
  void Add(const Option& option, std::string_view winner, const std::string& why) {
    Add(KeyOf(context_, option), winner, why);
  }

 private:
  const Context& context_;
  Findings& findings_;
};

void OldNames(const Context& context, Loser& loser) {
  const Catalogue& catalogue = Catalogue::Get();
  for (const Entry& entry : context.document.entries) {
    const KnownOption* option = catalogue.FindByOldName(entry.key, context.version);
    if (!entry.effective || option == nullptr || !context.configuration.Contains(option->key))
      continue;
    loser.Add(
        entry.key, option->key,
        "It is the old name of the same option, which is read only where the new one is missing.");
  }
  // Options of which only the name is known.
  if (context.configuration.Contains("env.java.opts.all") && context.version >= Version{1, 17, 0}) {
    loser.Add(
        "env.java.opts", "env.java.opts.all",
        "It is the old name of the same option, which is read only where the new one is missing.");
  }
}

void Legacy(const Context& context, Loser& loser) {
  if (context.version >= kNoLegacyKeys) return;  // key-of-another-version
  const Option& target =
      context.mode == Mode::kStandalone ? options::kFlinkSize : options::kProcessSize;
  if (IsSet(context, target)) {
    for (const Option& legacy : {options::kLegacyHeapSize, options::kLegacyHeapMb})
      loser.Add(legacy, target.key, "The old key is mapped to that one only where it is missing.");
  } else if (IsSet(context, options::kLegacyHeapSize)) {
    loser.Add(options::kLegacyHeapMb, options::kLegacyHeapSize.key,
              "Of the two old keys Flink takes the one with a unit.");
  }
  for (const Option& network :
       {options::kNetworkMin, options::NetworkMax(context.version), options::kNetworkFraction}) {
    if (!IsSet(context, network)) continue;
    std::string why = "The number of buffers counts only without any network min, max or fraction.";
    if (context.memory != nullptr)
      why += " The network gets " + FormatBytes(context.memory->network) + ".";
    loser.Add(options::kLegacyNetworkBuffers, KeyOf(context, network), why);
    break;
  }
}

void Fractions(const Context& context, Loser& loser) {
  // The sizes of a pod that Flink made were made of these fractions.
  const evidence::PodManifest* pod = TaskManagerPod(context);
  if (pod != nullptr && pod->starter == evidence::FlinkStarter::kNative) return;
  const bool heap = IsSet(context, options::kTaskHeap);
  const bool managed = IsSet(context, options::kManagedSize);
  const bool flink = IsSet(context, options::kFlinkSize);
  const bool process = IsSet(context, options::kProcessSize);
  if (managed)
    loser.Add(options::kManagedFraction, KeyOf(context, options::kManagedSize),
              "A size wins over a fraction.");
  if (heap && (!managed || flink))
    loser.Add(options::kNetworkFraction, options::kTaskHeap.key,
              "With a total and a task heap the network gets the rest.");
  if (process && (flink || (heap && managed)))
    loser.Add(options::kOverheadFraction, options::kProcessSize.key,
              "With Flink's memory and the process size both given, the overhead is the rest.");
}

void RocksDb(const Context& context, Loser& loser) {
  const bool per_slot = IsSet(context, options::kRocksDbFixedPerSlot);
  const bool managed = BoolOf(context, options::kRocksDbManaged).value_or(true);
  if (per_slot) {
    loser.Add(options::kRocksDbManaged, options::kRocksDbFixedPerSlot.key,
              "A fixed amount a slot wins over managed memory.");
    if (context.version >= kFixedPerTaskManager)
      loser.Add(options::kRocksDbFixedPerTaskManager, options::kRocksDbFixedPerSlot.key,
                "Of the two fixed amounts Flink takes the one of a slot.");
  } else if (managed && context.version >= kFixedPerTaskManager) {
    loser.Add(
        options::kRocksDbFixedPerTaskManager, options::kRocksDbManaged.key,
        "Managed memory is the default and wins over the amount of a TaskManager: it counts only "
        "with state.backend.rocksdb.memory.managed: false.");
  }
  if (per_slot || managed) {
    loser.Add("state.backend.rocksdb.block.cache-size",
              per_slot ? options::kRocksDbFixedPerSlot.key : options::kRocksDbManaged.key,
              "All column families of a slot share one cache of the slot's budget.");
  } else if (!(context.version >= kFixedPerTaskManager &&
               IsSet(context, options::kRocksDbFixedPerTaskManager))) {
    for (const std::string_view key : {"state.backend.rocksdb.memory.write-buffer-ratio",
                                       "state.backend.rocksdb.memory.high-prio-pool-ratio"})
      loser.Add(key, options::kRocksDbManaged.key,
                "Without a common budget there is nothing that the ratio could divide.");
  }
}

void Check(const Context& context, Findings& findings) {
  Loser loser(context, findings);
  OldNames(context, loser);
  Legacy(context, loser);
  Fractions(context, loser);
  RocksDb(context, loser);
}

}  // namespace

extern const Rule kIgnoredKey;
const Rule kIgnoredKey{
    .id = "ignored-key",
    .severity = Severity::kWarning,
    .title = "a key without effect, because another one wins",
    .explanation =
        "A real key of this version that Flink does not look at in this configuration: an old name "
        "beside the new one, a fraction beside a size, taskmanager.network.numberOfBuffers beside "
        "any network min, max or fraction, RocksDB's own cache size beside a common budget.",
    .wrong = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.memory.network.max: 1g\n"
                        "taskmanager.network.numberOfBuffers: 16384\n"},
    .right = {.config = "taskmanager.memory.process.size: 4g\n"
                        "taskmanager.network.numberOfBuffers: 16384\n"},
    .check = Check,
};

}  // namespace wrackline::flink::lint
