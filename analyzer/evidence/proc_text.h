// The kernel's texts of one process: status, smaps, smaps_rollup and maps of /proc/PID.
//
// Pure; any thread. Hostile input: lines that do not parse are skipped, the number of mappings is bounded, a cut last
// line counts for nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/units/bytes.h"

namespace wrackline::evidence {

struct ProcStatus {
  std::string name;
  std::optional<std::uint32_t> pid, parent, threads;
  // Pages of it now: all, anonymous, of files, shared memory; the most there ever were; swapped out.
  std::optional<Bytes> resident, anon, file, shmem, peak, swap, page_tables;
};

ProcStatus ParseProcStatus(std::string_view text);

// One mapping of smaps or maps. The amounts are 0 in maps, which has none.
struct SmapsMapping {
  std::uint64_t start = 0, end = 0;
  bool readable = false, writable = false, executable = false, shared = false;
  std::string name;  // of a file, or "[heap]"; empty: anonymous
  Bytes resident, proportional, anonymous, huge;
  // Private and of no file.
  bool Anonymous() const { return !shared && name.empty(); }
  Bytes Size() const { return Bytes{static_cast<std::int64_t>(end - start)}; }
};

struct Smaps {
  std::vector<SmapsMapping> mappings;  // in order of address
  bool with_amounts = false;           // smaps, not maps
  bool cut = false;                    // there were more than a million

  Bytes Resident() const;
  Bytes Anonymous() const;
  Bytes Huge() const;
};

Smaps ParseSmaps(std::string_view text);

// The first line that is not empty is a mapping's.
bool BeginsLikeMaps(std::string_view text);

}  // namespace wrackline::evidence
