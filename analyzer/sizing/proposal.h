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
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/sizing/demand.h"
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

}  // namespace wrackline::sizing
