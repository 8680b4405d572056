// Heap profiles that other tools write: who holds how much, by stack.
//
//   jemalloc      dumps of prof:true ("heap_v2/524288")                          heap_profile_jemalloc.cc
//   gperftools    the heap profiler, and tcmalloc's own samples ("heap profile: ...")  heap_profile_gperftools.cc
//   pprof         the protocol buffer, gzip or plain                              heap_profile_pprof.cc
//
// The two texts may follow a table of symbols, as `jeprof --raw` writes it.
//
//   Result<HeapProfile> profile = ParseHeapProfile(text);
//   if (!profile.ok()) return Fail(profile.error().Text());
//   profile.value().live.bytes            // an estimate, where allocations were sampled
//   std::vector<Site> sites = SitesOf(profile.value(), &symbols, &remarks);
//
// Sampled figures are scaled to what they stand for, as jeprof and pprof do (docs/heap-profiles.md). Pure, but for the binaries that
// SitesOf reads below the folders it is given; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/source.h"
#include "analyzer/evidence/symbol_folders.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct HeapProfile {
  enum class Format { kJemalloc, kGperftools, kPprof };

  // Estimates, unrounded: so that a sum of many is what the other tools print.
  struct Amount {
    double objects = 0, bytes = 0;
  };
  struct Mapping {
    std::uint64_t start = 0, limit = 0, offset = 0;
    std::string path, build_id;  // build_id: lower-case hex, or empty
  };
  struct Line {
    std::string function, file;  // function: as the profile has it
    std::uint32_t line = 0;
  };
  // One address of a stack. Two stacks share it.
  struct Location {
    std::uint64_t address = 0;             // inside of the call, not behind it
    std::optional<std::uint32_t> mapping;  // where the profile says it: an index of `mappings`
    std::vector<Line> lines;  // where the profile names it: innermost inlined function first
  };
  struct Stack {
    std::vector<std::uint32_t> locations;  // innermost first
    Amount live, allocated;                // allocated: since the start of the process
    double samples = 0;                    // live ones that were drawn
    double variance = 0;                   // of live.bytes
  };

  Format format = Format::kJemalloc;
  bool has_live = true, has_allocated = false;
  // Mean bytes from one sample to the next. 0: every allocation was counted, or it is not known.
  double interval = 0;
  bool exact = false;             // every allocation was counted
  std::optional<Time> taken;      // where the profile says it
  std::vector<Mapping> mappings;  // of the texts: by start, and they do not overlap
  std::vector<Location> locations;
  std::vector<Stack> stacks;
  Amount live, allocated;          // of all stacks
  std::vector<std::string> notes;  // what a reader must know to trust the figures

  // nullptr: none that is known.
  const Mapping* MappingOf(const Location& location) const;
};

// By its beginning.
bool LooksLikeHeapProfile(std::string_view head);

// Errors: no heap profile, a damaged one, or one that does not say what is live in a way known here
// (a growth profile, a profile of CPU time).
Result<HeapProfile> ParseHeapProfile(std::string_view text);

// Largest first. What the profile does not name is looked up below the folders (which may be null): by build id, and by file name
// where the profile has none, as the texts have not. Frames of the allocator itself at the inner end are left out.
std::vector<Site> SitesOf(const HeapProfile& profile, SymbolFolders* symbols,
                          std::vector<std::string>* remarks);

// Sets sites, heap_profile, and of `process` what was not known. Leaves sites of a recording, or of a younger profile, as they are.
Result<std::string> AddHeapProfile(const SourceFile& file, SymbolFolders* symbols,
                                   std::vector<std::string>* remarks, Evidence* evidence);

// For the table of readers (source.h).
bool IsHeapProfile(const SourceFile& file);
Result<std::string> AddHeapProfile(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
