// pprof's protocol buffer, profile.proto of github.com/google/pprof: Go's heap profiles, tcmalloc's, those of jemalloc's Rust
// bindings, and what `pprof -proto` makes of the texts. gzip or plain.
//
// Figures in it are scaled already. Of the sample types, "inuse_space" or "space" is what is live, "alloc_space" what was allocated
// since the start; the counts are "inuse_objects", "objects" and "alloc_objects". The period, where it is one of bytes, is the
// sampling interval.
#pragma once

#include <string_view>

#include "analyzer/evidence/heap_profile.h"

namespace wrackline::evidence {

// A profile of whatever kind; of a gzip file, its beginning is unpacked.
bool LooksLikePprof(std::string_view head);

// Errors: damaged, cut, larger than 512 MiB unpacked, of another kind than memory, a difference of two profiles.
Result<HeapProfile> ParsePprofProfile(std::string_view text);

}  // namespace wrackline::evidence
