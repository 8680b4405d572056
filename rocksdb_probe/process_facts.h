// What a recorder file of the probe's own says about the process: the Process record, and the
// timeline of its memory.
#pragma once

#include <cstdint>
#include <string>

#include "lib/container/cgroup.h"
#include "wrackline_nanopb/wrackline.pb.h"

namespace wrackline::probe {

std::uint64_t RealtimeNs();
std::uint64_t MonotonicNs();

// Fills `out` with this process's Process record.
void ReadProcessFacts(const container::Cgroup& cgroup, wrackline_proto_Record* out);
// The cgroup's and the process's memory now. `period_ms`: to the next one.
void ReadTimeline(const container::Cgroup& cgroup, std::uint32_t period_ms,
                  wrackline_proto_Record* out);
// The charge and the resident size now.
void ReadHeartbeat(const container::Cgroup& cgroup, wrackline_proto_Record* out);

// "wrackline-<host>-<pid>-<start, seconds>-rocksdb", as all recorder files of a folder are named.
std::string FileStem();

}  // namespace wrackline::probe
