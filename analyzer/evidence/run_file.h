// Recorded demands as files: JSON lines, one run a line, as render/run_file.h writes them.
//
//   Result<std::vector<sizing::Run>> runs = ReadRuns(text, "march.runs.jsonl");
//
// The fields, and what each means: docs/run-files.md. Hostile text gives an error, never a crash: sizes, counts and lengths are bounded,
// nothing recurses, and the time is linear in the text. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/sizing/run.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

inline constexpr int kRunFileVersion = 1;
inline constexpr std::size_t kMostRuns = 100'000;     // of a file
inline constexpr std::size_t kMostRunMoments = 4096;  // of a run; the writer's are thinned to less
inline constexpr std::size_t kMostRunFamilies = 10'000;
inline constexpr std::size_t kMostRunLeaks = 1000;

// True for a text whose first line is a run: it begins with {"wrackline_run":
bool LooksLikeRunFile(std::string_view head);

// In the order of the lines; empty lines are skipped, and fields that are not known. `file` is for errors, which name the line: not JSON,
// not a run, of a newer version, a size that no machine has, columns of different lengths, no moment, too many of something; no run at
// all.
Result<std::vector<sizing::Run>> ReadRuns(std::string_view text, std::string_view file);

// A regular file that begins with a run, compressed with gzip or not. False where it cannot be read.
bool IsRunFile(const std::string& path);

// ReadRuns of a whole file. Errors: as there; it cannot be read, or is larger than 256 MiB.
Result<std::vector<sizing::Run>> ReadRunFile(const std::string& path);

}  // namespace wrackline::evidence
