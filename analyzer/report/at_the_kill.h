// The state nearest to a kill: who grew in the last minutes and hours, and how hard the kernel was looking for memory by then.
//
// Figures of different sources are at different ages: each row has its own. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/evidence/evidence.h"

namespace wrackline::report {

// One series: its newest value, and by how much it had grown since. A window that the series does not reach back to is absent.
struct GrowthRow {
  std::string id, name;  // "rocksdb", "RocksDB"
  Bytes now;
  std::optional<Bytes> minute, ten_minutes, hour, six_hours;
  std::optional<Bytes> whole;  // since its first value
  // A holder: a part of what the process holds, so that one of these grew most. The others are totals.
  bool holder = false;
};

struct Reclaim {
  evidence::Duration window{};  // what the next three are counted over: a minute at most
  std::optional<std::uint64_t> major_faults;           // pages that had to be read again from disk
  std::optional<std::uint64_t> limit_hits;             // the charge ran into the limit
  std::optional<double> pressure_some, pressure_full;  // percent of ten seconds: the highest
  bool pressure_of_cgroup = false;
  std::optional<double> major_faults_before;  // a minute, before that window
  bool thrash = false;  // one of them is far beyond what a healthy process shows
};

struct AtTheKill {
  evidence::Time last_record;
  std::optional<evidence::Duration> last_record_age;
  std::vector<GrowthRow> growth;
  // Index into `growth` of the holder that grew most, over that time.
  std::optional<std::size_t> grew_most;
  evidence::Duration grew_over{};
  std::optional<Reclaim> reclaim;
};

// Nothing where nobody was killed. `own_group`: as in TimeToLimitOf; without it the group's figures are others' too, and left out.
std::optional<AtTheKill> AtTheKillOf(const evidence::Evidence& evidence, diagnosis::Outcome outcome,
                                     bool own_group = true);

}  // namespace wrackline::report
