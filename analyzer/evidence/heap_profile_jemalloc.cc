// jemalloc's dumps (prof.dump, prof_final, lg_prof_interval, prof_gdump), of 4.0 and later:
//
//   heap_v2/524288                       mean bytes between samples: 2^lg_prof_sample
//     t*: 1184: 4454808 [0: 0]           objects: bytes alive [allocated since the start, with prof_accum], of all threads
//     t0: 353: 424595 [0: 0] name        of thread 0
//   @ 0x7f15f5ea2630 0x55da54ba228a      a stack, innermost first
//     t*: 66: 14781 [0: 0]
//     t0: 66: 14781 [0: 0]
//   MAPPED_LIBRARIES:                    /proc/self/maps
//
// Figures are to be scaled (docs/heap-profiles.md). Without prof_accum the second pair is 0.
#include <fmt/core.h>

#include <cmath>

#include "analyzer/evidence/heap_profile_text.h"

namespace wrackline::evidence {

bool IsJemallocHeader(std::string_view text) {
  if (text.substr(0, 8) != "heap_v2/") return false;
  std::string_view line = TakeProfileLine(&text).substr(8);
  const auto interval = TakeNumber(&line);
  return interval && *interval > 0 && Trimmed(line).empty();
}

Result<HeapProfile> ParseJemallocProfile(std::string_view text) {
  HeapProfile profile;
  profile.format = HeapProfile::Format::kJemalloc;
  std::string_view header = TakeProfileLine(&text).substr(8);
  profile.interval = static_cast<double>(TakeNumber(&header).value_or(0));
  // With lg_prof_sample:0 every allocation is drawn.
  profile.exact = profile.interval <= 1;
  StackAdder adder(&profile);
  std::optional<HeapProfile::Stack> stack;
  DrawnCounts total;
  bool has_total = false;
  DrawnCounts drawn;
  for (std::size_t number = 2; !text.empty(); ++number) {
    std::string_view line = Trimmed(TakeProfileLine(&text));
    if (BeginsMappings(line)) {
      ReadMappings(text, &profile);
      break;
    }
    if (line.substr(0, 1) == "@") {
      stack = adder.ReadStack(line.substr(1));
    } else if (line.substr(0, 3) == "t*:") {
      line.remove_prefix(3);
      const auto counts = TakeCounts(&line);
      if (!counts)
        return Error{fmt::format("line {} of the jemalloc profile has no counts", number),
                     "it may have been cut: take another dump"};
      if (stack) {
        drawn.live_objects += counts->live_objects;
        drawn.live_bytes += counts->live_bytes;
        adder.Add(std::move(*stack), *counts, Sampling::kPoisson);
        stack.reset();
      } else if (!has_total) {
        total = *counts;
        has_total = true;
      }
    } else if (!line.empty() && line.front() != 't') {
      return Error{fmt::format("line {} of the jemalloc profile is no stack and no count", number),
                   "it may be damaged: take another dump"};
    }
  }
  if (!has_total)
    return Error{"the jemalloc profile has no totals", "it may have been cut: take another dump"};
  // Since 5.3 each line is written so that scaling it gives an unbiased figure (opt.prof_unbias): the counts themselves
  // then do not add up to the header's, the scaled ones do.
  const HeapProfile::Amount scaled =
      Scaled(total.live_objects, total.live_bytes, Sampling::kPoisson, profile.interval);
  if (std::abs(scaled.bytes - profile.live.bytes) > 0.01 * scaled.bytes)
    CompareWithHeader(total, drawn, &profile);
  return profile;
}

}  // namespace wrackline::evidence
