// gperftools' texts:
//
//   heap profile:  22021: 75283320 [ 42039: 80331904] @ heapprofile
//     2000: 53283000 [  2000: 53283000] @ 0x561654a562d1 0x561654a56325 ...
//   MAPPED_LIBRARIES:                    /proc/self/maps
//
// Behind the @ of the header is who wrote it: "heapprofile" is the heap profiler (HEAPPROFILE), which counts every allocation;
// "heap_v2/65536" are tcmalloc's own samples (MallocExtension::GetHeapSample) with their interval; "heap/1048576", and none at all, are
// those of old versions, whose gaps were uniform up to that number; "growth" are the stacks that made the allocator ask the kernel for
// memory, which says nothing of what is live.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/evidence/heap_profile_text.h"

namespace wrackline::evidence {
namespace {

constexpr std::string_view kBegin = "heap profile:";
// What the old versions sampled at by default.
constexpr double kOldInterval = 128 * 1024;

struct Origin {
  Sampling sampling = Sampling::kNone;
  double interval = 0;
  bool exact = false;
};

// What follows the counts of the header.
Result<Origin> ReadOrigin(std::string_view rest, const DrawnCounts& counts) {
  Origin origin;
  if (!TakeLiteral("@", &rest) || rest.empty()) {
    // Samples have no account of what was allocated: they repeat the live ones.
    if (counts.live_objects == counts.allocated_objects &&
        counts.live_bytes == counts.allocated_bytes)
      return Origin{Sampling::kUniform, kOldInterval, false};
    return origin;
  }
  const std::size_t slash = rest.find('/');
  const std::string_view type = Trimmed(rest.substr(0, slash));
  std::uint64_t period = 0;
  if (slash != std::string_view::npos) {
    rest.remove_prefix(slash + 1);
    period = TakeNumber(&rest).value_or(0);
  }
  if (type == "heapprofile") {
    origin.exact = true;
  } else if (type.find("heap") == std::string_view::npos) {
    return Error{fmt::format("this gperftools profile is of kind '{}', which does not say what is "
                             "live",
                             std::string(type.substr(0, 40))),
                 "give a heap profile: HEAPPROFILE=..., or MallocExtension::GetHeapSample"};
  } else if (type.find("_v2") != std::string_view::npos) {
    origin.sampling = Sampling::kPoisson;
    origin.interval = period == 0 ? kOldInterval : static_cast<double>(period);
  } else {
    origin.sampling = Sampling::kUniform;
    origin.interval = period == 0 ? kOldInterval : static_cast<double>(period) / 2;
  }
  return origin;
}

}  // namespace

bool IsGperftoolsHeader(std::string_view text) {
  if (text.substr(0, kBegin.size()) != kBegin) return false;
  std::string_view line = TakeProfileLine(&text).substr(kBegin.size());
  return TakeCounts(&line).has_value();
}

Result<HeapProfile> ParseGperftoolsProfile(std::string_view text) {
  HeapProfile profile;
  profile.format = HeapProfile::Format::kGperftools;
  std::string_view header = TakeProfileLine(&text).substr(kBegin.size());
  const DrawnCounts total = TakeCounts(&header).value_or(DrawnCounts{});
  Result<Origin> origin = ReadOrigin(header, total);
  if (!origin.ok()) return origin.error();
  profile.interval = origin.value().interval;
  profile.exact = origin.value().exact;
  const Sampling sampling = origin.value().sampling;
  StackAdder adder(&profile);
  DrawnCounts drawn;
  for (std::size_t number = 2; !text.empty(); ++number) {
    std::string_view line = Trimmed(TakeProfileLine(&text));
    if (BeginsMappings(line)) {
      ReadMappings(text, &profile);
      break;
    }
    if (line.empty()) continue;
    const auto counts = TakeCounts(&line);
    if (!counts || !TakeLiteral("@", &line))
      return Error{fmt::format("line {} of the gperftools profile is no stack", number),
                   "it may be cut or damaged: take another one"};
    drawn.live_objects += counts->live_objects;
    drawn.live_bytes += counts->live_bytes;
    adder.Add(adder.ReadStack(line), *counts, sampling);
  }
  // Samples repeat the live figures where the profiler has what was allocated.
  if (sampling != Sampling::kNone) {
    profile.has_allocated = false;
    for (HeapProfile::Stack& stack : profile.stacks) stack.allocated = {};
    profile.allocated = {};
  }
  CompareWithHeader(total, drawn, &profile);
  return profile;
}

}  // namespace wrackline::evidence
