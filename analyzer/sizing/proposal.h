// From demand to settings that fit: pure functions, no I/O. Formulas, margins and their reasons:
// docs/sizing.md.
//
//   Proposal p = ProposeRocksDb(demand);                        // a process with a limit and
//   RocksDB over it if (p.fits) Apply(p.settings); else        Print(p.summary, p.smallest_limit);
//
//   Result<Proposal> q = ProposeFlink(demand, configuration, "1.20.5");
//
// Thread-safe: no state. Never throws on any demand, however inconsistent.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/sizing/backtest.h"
#include "analyzer/sizing/demand.h"
#include "analyzer/sizing/run.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::sizing {

// One key of the configuration, as it is and as it should be.
struct Change {
  std::string key;
  std::string old_value;  // "" when the key is not set
  std::string new_value;  // "" when the key is to be removed
  std::string reason;     // one sentence
};

// One component of Flink's memory model: what it needs, what it was granted and what it is granted now.
struct ComponentRow {
  std::string name;           // "task heap", "managed", ...
  std::optional<Bytes> peak;  // seen; nothing: not observed
  Bytes need;                 // with its margin
  Bytes before, after;
  std::string reason;  // one sentence: where `need` comes from
};

// A key that stays as it is, and why.
struct Kept {
  std::string key, value, reason;
};

struct Proposal {
  bool fits = false;  // false: nothing under this limit works; changes and settings are then empty
  std::string summary;          // one or two sentences
  std::vector<Change> changes;  // what to edit, in the order to edit
  std::vector<std::string>
      arithmetic;  // equations with their numbers: "4 families x (2 x 64.0 MiB ...) = 544.0 MiB"
  std::vector<std::string> advice;  // what to do beside the changes, and what is not known
  std::map<std::string, std::string>
      settings;          // key -> value, for a program to apply; sizes in plain bytes
  Bytes predicted_peak;  // of the whole process under these settings
  Bytes headroom;        // limit - predicted_peak; negative when it does not fit; 0 without a limit
  Bytes smallest_limit;  // the smallest limit under which some settings work, by the same rules
  // Of a proposal made from runs only.
  std::vector<ComponentRow> components;
  std::vector<Kept> kept;
  std::optional<BackTest>
      backtest;  // of the runs under the proposed configuration; nothing when none fits
};

// What a proposal is to achieve.
struct Objective {
  std::optional<Bytes> limit;  // keep this pod; nothing: the limit that the runs had
  bool minimize = false;       // the smallest pod instead; `limit` is then the largest allowed
  // Stays free under the limit: a size, else a share of the limit.
  std::optional<Bytes> headroom;
  double headroom_share = 0.1;
  // Flink or its operator makes the pod: its limit is always the process size times `limit_factor` (kubernetes.taskmanager.memory.
  // limit-factor, at least 1), so that a larger limit is a larger process.
  bool made_by_flink = false;
  double limit_factor = 1;
  // The share of the runs, largest demand first, that must live under the proposal: 1 is all of them.
  double confidence = 1;
};

// For a plain process: one shared block cache with the write buffer manager charged to it.
// Settings:
//   rocksdb.shared_block_cache_bytes, rocksdb.write_buffer_manager_bytes,
//   rocksdb.charge_write_buffers_to_cache, rocksdb.write_buffer_manager_allow_stall
// Without a limit there is nothing to fit: fits is false, and smallest_limit and advice say what to
// set.
Proposal ProposeRocksDb(const Demand& demand);

// For a Flink TaskManager: the changed keys of its configuration; settings holds the same keys. The
// result is derived again by the memory model of that version before it is returned. Errors: an
// unknown version; a configuration that Flink itself refuses (Flink's own message).
Result<Proposal> ProposeFlink(const Demand& demand, const flink::Configuration& configuration,
                              std::string_view flink_version);

// From the recorded demand of one run or of many, every component sized by what it needed. The result is derived again by the memory
// model of that version, and back-tested against the runs it is to hold. `target.limit` is not looked at. Errors: a configuration that
// Flink refuses; no run, or one without a moment.
Result<Proposal> ProposeFlink(const std::vector<Run>& runs, const Target& target,
                              const Objective& objective);

}  // namespace wrackline::sizing
