// Message Process: who is being recorded, and where it runs. Read once from /proc and kept for each
// new file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/container/cgroup.h"
#include "lib/recorder/recorder.h"
#include "preload/allocator_statistics.h"
#include "preload/settings.h"

extern "C" {
typedef struct _wrackline_proto_Process wrackline_proto_Process;
}

namespace wrackline::preload {

// The host's name as it appears in file names: what is no letter, digit, '.', '_' or '-' becomes
// '_'.
void HostForFileName(char* out, std::size_t size);

// Fills everything but the epoch. `cgroup` as FindMemoryCgroup gave it (version 0: none).
void FillProcess(const Settings& settings, const container::Cgroup& cgroup,
                 const Allocator& allocator, wrackline_proto_Process* out);

}  // namespace wrackline::preload
