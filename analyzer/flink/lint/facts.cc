#include "analyzer/flink/lint/facts.h"

#include <algorithm>
#include <array>

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/lint/catalogue.h"

namespace wrackline::flink::lint {
namespace {

template <typename Read>
auto OrNothing(Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const JavaException&) {
    return std::nullopt;
  }
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

struct Replacement {
  std::string_view key;
  std::string_view sentence;
};

// What the catalogue cannot know: keys whose meaning moved, and those that ended before 1.10.
constexpr std::array<Replacement, 13> kReplacements = {{
    {"containerized.heap-cutoff-ratio",
     "Write taskmanager.memory.jvm-overhead.fraction: it is what stays outside Flink's memory."},
    {"containerized.heap-cutoff-min",
     "Write taskmanager.memory.jvm-overhead.min: it is what stays outside Flink's memory."},
    {"jobmanager.heap.size",
     "Write jobmanager.memory.process.size in a container, or jobmanager.memory.flink.size."},
    {"jobmanager.heap.mb",
     "Write jobmanager.memory.process.size in a container, or jobmanager.memory.flink.size."},
    {"taskmanager.heap.size",
     "Write taskmanager.memory.process.size for the whole process (what a pod's limit must hold), "
     "or taskmanager.memory.flink.size for what start scripts took it as."},
    {"taskmanager.heap.mb",
     "Write taskmanager.memory.process.size for the whole process (what a pod's limit must hold), "
     "or taskmanager.memory.flink.size for what start scripts took it as."},
    {"taskmanager.memory.fraction", "Write taskmanager.memory.managed.fraction."},
    {"taskmanager.memory.off-heap", "Delete it: managed memory is always off-heap since 1.10."},
    {"taskmanager.memory.preallocate",
     "Delete it: managed memory is never preallocated since 1.10."},
    {"taskmanager.network.bufferSizeInBytes", "Write taskmanager.memory.segment-size."},
    {"taskmanager.network.numberOfBuffers",
     "Write taskmanager.memory.network.min and taskmanager.memory.network.max, both as the number "
     "of buffers times taskmanager.memory.segment-size."},
    {"taskmanager.rpc.port.range", "Write taskmanager.rpc.port."},
    {"state.backend.async", "Delete it: snapshots are always asynchronous."},
}};

}  // namespace

Option StateBackendOption(Version version) {
  if (version < Version{1, 17, 0}) return {"state.backend", ""};
  return {"state.backend.type", "", "state.backend"};
}

StateBackend StateBackendOf(const Context& context) {
  const Option option = StateBackendOption(context.version);
  auto text = context.configuration.Get(option.key);
  if (!text && !option.deprecated_key.empty())
    text = context.configuration.Get(option.deprecated_key);
  if (!text) return StateBackend::kUnset;
  const std::string name = Lower(*text);
  if (name.find("rocksdb") != std::string::npos) return StateBackend::kRocksDb;
  if (name.find("forst") != std::string::npos) return StateBackend::kForSt;
  for (const std::string_view heap : {"hashmap", "jobmanager", "filesystem"}) {
    if (name == heap || name.find("." + std::string(heap)) != std::string::npos)
      return StateBackend::kHeap;
  }
  return StateBackend::kOther;
}

std::optional<Bytes> SizeOf(const Context& context, const Option& option) {
  const OptionReader reader(context.configuration);
  return OrNothing([&] { return Bytes{reader.Size(option).bytes}; });
}

std::optional<double> DoubleOf(const Context& context, const Option& option) {
  const OptionReader reader(context.configuration);
  return OrNothing([&] { return reader.Double(option); });
}

std::optional<int> IntOf(const Context& context, const Option& option) {
  const OptionReader reader(context.configuration);
  return OrNothing([&] { return static_cast<int>(reader.Int(option)); });
}

std::optional<bool> BoolOf(const Context& context, const Option& option) {
  const OptionReader reader(context.configuration);
  return OrNothing([&] { return reader.Bool(option); });
}

bool IsSet(const Context& context, const Option& option) {
  return OptionReader(context.configuration).Contains(option);
}

std::string_view KeyOf(const Context& context, const Option& option) {
  if (context.configuration.Contains(option.key) || option.deprecated_key.empty() ||
      !context.configuration.Contains(option.deprecated_key))
    return option.key;
  return option.deprecated_key;
}

std::span<const EmbeddedBackend> BackendsIn(const Context& context) {
  static constexpr EmbeddedBackend kBoth[] = {kRocksDbBackend, kForStBackend};
  const std::span<const EmbeddedBackend> both(kBoth);
  switch (StateBackendOf(context)) {
    case StateBackend::kRocksDb:
      return both.first(1);
    case StateBackend::kForSt:
      return both.last(1);
    case StateBackend::kHeap:
      return {};
    case StateBackend::kUnset:
    case StateBackend::kOther:
      break;
  }
  const bool rocksdb = FirstBelow(context, kRocksDbBackend.stem) != nullptr;
  const bool forst = FirstBelow(context, kForStBackend.stem) != nullptr;
  return both.subspan(rocksdb ? 0 : 1, (rocksdb ? 1u : 0u) + (forst ? 1u : 0u));
}

const Entry* FirstBelow(const Context& context, std::string_view stem) {
  for (const Entry& entry : context.document.entries) {
    if (entry.effective && entry.key.starts_with(stem)) return &entry;
  }
  return nullptr;
}

std::optional<StateBudget> StateBudgetOf(const Context& context, const EmbeddedBackend& backend) {
  if (context.memory == nullptr) return std::nullopt;
  const std::string stem = std::string(backend.stem) + "memory.";
  const StemOption per_slot{stem + "fixed-per-slot", ""};
  const StemOption per_task_manager{stem + "fixed-per-tm", ""};
  const StemOption managed{stem + "managed", "true"};
  const auto slots = IntOf(context, options::kTaskSlots);
  const auto is_managed = BoolOf(context, managed.Get());
  if (!slots || *slots < 1 || !is_managed) return std::nullopt;
  StateBudget budget;
  if (IsSet(context, per_slot.Get())) {
    const auto size = SizeOf(context, per_slot.Get());
    if (!size || size->count > kMaxMemorySize.bytes / *slots) return std::nullopt;
    budget = {StateBudget::Kind::kFixedPerSlot, *size, *slots * *size, per_slot.key};
  } else if (*is_managed) {
    budget = {StateBudget::Kind::kManaged,
              {context.memory->managed.count / *slots},
              context.memory->managed,
              managed.key};
  } else if (context.version >= kFixedPerTaskManager && IsSet(context, per_task_manager.Get())) {
    const auto size = SizeOf(context, per_task_manager.Get());
    if (!size) return std::nullopt;
    budget = {StateBudget::Kind::kFixedPerTaskManager, *size, *size, per_task_manager.key};
  } else {
    budget = {StateBudget::Kind::kNone, {}, {}, managed.key};
  }
  return budget;
}

std::string InsteadOf(const Context& context, std::string_view key) {
  const Catalogue& catalogue = Catalogue::Get();
  if (const KnownOption* option = catalogue.FindByOldName(key, context.version))
    return "Write " + std::string(option->key) + ".";
  for (const Replacement& replacement : kReplacements) {
    if (replacement.key == key) return std::string(replacement.sentence);
  }
  if (const KnownOption* option = catalogue.Successor(key)) {
    if (catalogue.Find(option->key, context.version) != nullptr)
      return "Write " + std::string(option->key) + ".";
  }
  // A key that a later version reads: what this one calls it.
  for (const KnownOption& row : catalogue.rows()) {
    if (row.key != key) continue;
    for (const std::string_view name : row.old_names) {
      if (catalogue.Find(name, context.version) != nullptr)
        return "Write " + std::string(name) + ".";
    }
  }
  return "";
}

Location Context::ValueOf(std::string_view key) const {
  const Origin origin = configuration.OriginOf(key);
  const Entry* entry = Find(key);
  if (entry != nullptr && (origin.file == document.file || origin.line == 0))
    return entry->value_at;
  if (origin.line > 0) return {origin.file, origin.line, 0, 0};
  return document.Whole();
}

Location Context::ValueOf(const Option& option) const { return ValueOf(KeyOf(*this, option)); }

}  // namespace wrackline::flink::lint
