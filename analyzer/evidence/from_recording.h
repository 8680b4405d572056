// Recorder file -> Evidence. Pure but for ReadEvidence and the look at /proc that tells a running
// process from a dead one.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/symbol_folders.h"
#include "lib/base/result.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Reads `path` (recorder file or packed dump). Errors are the reader's. `assumed_limit` stands in
// for, and wins over, the recorded limit. With `symbols`, frames get the names and lines that the
// binaries there have (improve_names.h), and what is to be said of that is added to `remarks`.
Result<Evidence> ReadEvidence(const std::string& path, std::optional<Bytes> assumed_limit,
                              SymbolFolders* symbols = nullptr,
                              std::vector<std::string>* remarks = nullptr);

// The process that writes this recorder file lives: the shim holds a record lock on its file for as long as it does, which is seen
// across pid namespaces.
bool WriterHoldsLock(const std::string& path);

// The same without any I/O: `still_running` stays false.
Evidence EvidenceFromRecording(const recorder::Recording& recording,
                               std::optional<Bytes> assumed_limit);

// What is known of an earlier moment: the last tick at or before `time`, with what the allocator, RocksDB and the VM said then, and nothing
// of the ending. Sites, thread groups and mappings are those of `past`, the records up to then (recorder/past.h); without it there are
// none. Nothing when there is no tick so early.
std::optional<Evidence> EvidenceAt(const recorder::Recording& recording, Time time,
                                   const recorder::Recording* past = nullptr);

// True when the recorded process is alive: it holds its lock on the file, or it is found on this
// machine (same host name and boot, and a process of that id that began at the same time).
bool StillRunning(const recorder::Recording& recording);

}  // namespace wrackline::evidence
