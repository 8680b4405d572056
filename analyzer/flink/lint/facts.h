// What several rules ask of a configuration. No function throws: a value that Flink could not parse
// is no value here (unparsable-value names it).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/flink/lint/rule.h"
#include "lib/units/bytes.h"

namespace wrackline::flink::lint {

enum class StateBackend {
  kUnset,  // Flink's default is the heap; jobs may choose another in their code
  kHeap,
  kRocksDb,
  kForSt,
  kOther,  // a factory of the user's
};

StateBackend StateBackendOf(const Context& context);
// The option that chooses it: state.backend.type, or state.backend before 1.17.
Option StateBackendOption(Version version);

// The value or the default.
std::optional<Bytes> SizeOf(const Context& context, const Option& option);
std::optional<double> DoubleOf(const Context& context, const Option& option);
std::optional<int> IntOf(const Context& context, const Option& option);
std::optional<bool> BoolOf(const Context& context, const Option& option);

// Under its key or its deprecated name.
bool IsSet(const Context& context, const Option& option);
// The key under which it is set; its own key when it is not.
std::string_view KeyOf(const Context& context, const Option& option);

// RocksDB and ForSt have the same options under two stems.
struct EmbeddedBackend {
  std::string_view name;  // "RocksDB", "ForSt"
  std::string_view stem;  // "state.backend.rocksdb.", "state.backend.forst."
};
inline constexpr EmbeddedBackend kRocksDbBackend{"RocksDB", "state.backend.rocksdb."};
inline constexpr EmbeddedBackend kForStBackend{"ForSt", "state.backend.forst."};

// Those that this configuration chooses, or sets keys of where it chooses none.
std::span<const EmbeddedBackend> BackendsIn(const Context& context);
// The first entry of the file below the stem; nullptr when there is none.
const Entry* FirstBelow(const Context& context, std::string_view stem);
// An option below a stem: what it holds and what it stands for.
struct StemOption {
  std::string key;
  std::string_view default_text;

  Option Get() const { return {key, default_text}; }
};

// Who pays for the state: the budget that all column families of a slot share.
struct StateBudget {
  enum class Kind { kManaged, kFixedPerSlot, kFixedPerTaskManager, kNone } kind = Kind::kManaged;
  Bytes per_slot;   // 0 for kNone
  Bytes total;      // of the TaskManager
  std::string key;  // the option that decides
};
// Nothing when a value does not parse or Flink derives no memory.
std::optional<StateBudget> StateBudgetOf(const Context& context, const EmbeddedBackend& backend);

// What to write instead of a key that this version does not read, or reads under another name:
// a sentence, "" when nothing takes its place.
std::string InsteadOf(const Context& context, std::string_view key);

}  // namespace wrackline::flink::lint
