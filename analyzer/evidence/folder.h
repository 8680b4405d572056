// Which recordings a folder holds.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct FolderEntry {
  std::string path;
  std::uint32_t pid = 0;
  Time last_record;
  bool ended_cleanly = false;  // clean-exit mark, or still running
  std::string error;           // why it cannot be read; the other fields are then empty
};

// Every recorder file and packed dump directly in `folder` (*.wrack, *.wrackpack), the one to
// report first first: those that did not end cleanly, newest first; then the others, newest first;
// then the unreadable ones. Errors: the folder cannot be read, or holds no recorder.
Result<std::vector<FolderEntry>> ScanFolder(const std::string& folder);

// The same of those files, in the same order.
std::vector<FolderEntry> ScanRecordings(const std::vector<std::string>& paths);

}  // namespace wrackline::evidence
