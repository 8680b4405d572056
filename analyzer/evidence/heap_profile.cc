#include "analyzer/evidence/heap_profile.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/heap_profile_pprof.h"
#include "analyzer/evidence/heap_profile_text.h"

namespace wrackline::evidence {
namespace {

const char* Name(HeapProfile::Format format) {
  switch (format) {
    case HeapProfile::Format::kJemalloc:
      return "jemalloc";
    case HeapProfile::Format::kGperftools:
      return "gperftools";
    case HeapProfile::Format::kPprof:
      break;
  }
  return "pprof";
}

Bytes Rounded(double amount) {
  return ToBytes(static_cast<std::uint64_t>(std::clamp(amount, 0.0, 9.0e18)));
}

HeapProfileFacts Facts(const HeapProfile& profile, const SourceFile& file) {
  HeapProfileFacts facts;
  facts.file = file.name;
  facts.format = Name(profile.format);
  facts.taken = profile.taken.value_or(file.modified);
  facts.exact = profile.exact;
  if (profile.interval >= 1) facts.interval = Rounded(profile.interval);
  facts.live_known = profile.has_live;
  facts.live = Rounded(profile.live.bytes);
  facts.live_objects = static_cast<std::uint64_t>(std::clamp(profile.live.objects, 0.0, 9.0e18));
  facts.allocated = Rounded(profile.allocated.bytes);
  double variance = 0;
  for (const HeapProfile::Stack& stack : profile.stacks) variance += stack.variance;
  facts.standard_error = Rounded(std::sqrt(variance));
  facts.stacks = profile.stacks.size();
  facts.notes = profile.notes;
  return facts;
}

std::string Clause(const HeapProfileFacts& facts) {
  if (!facts.live_known)
    return fmt::format("{} allocated since the start in {} stacks; not what is live",
                       FormatBytes(facts.allocated), facts.stacks);
  const std::string error =
      facts.standard_error.count > 0 ? " +- " + FormatBytes(facts.standard_error) : std::string();
  const std::string how = facts.exact      ? "every allocation counted"
                          : facts.interval ? "sampled every " + FormatBytes(*facts.interval)
                                           : "how it was sampled is not known";
  return fmt::format("{}{} live in {} stacks ({})", FormatBytes(facts.live), error, facts.stacks,
                     how);
}

}  // namespace

const HeapProfile::Mapping* HeapProfile::MappingOf(const Location& location) const {
  if (location.mapping)
    return *location.mapping < mappings.size() ? &mappings[*location.mapping] : nullptr;
  if (format == Format::kPprof) return nullptr;
  const std::uint64_t address = location.address;
  auto after = std::upper_bound(
      mappings.begin(), mappings.end(), address,
      [](std::uint64_t wanted, const Mapping& mapping) { return wanted < mapping.start; });
  if (after == mappings.begin()) return nullptr;
  --after;
  return address < after->limit ? &*after : nullptr;
}

bool LooksLikeHeapProfile(std::string_view head) {
  if (LooksLikePprof(head)) return true;
  if (head.substr(0, 10) == "--- symbol") {
    // The table may be longer than what is looked at.
    return head.find("\n--- heap") != std::string_view::npos ||
           head.find("\nheap profile:") != std::string_view::npos ||
           head.find("\nheap_v2/") != std::string_view::npos || head.size() >= 65536;
  }
  return IsJemallocHeader(head) || IsGperftoolsHeader(head);
}

Result<HeapProfile> ParseHeapProfile(std::string_view text) {
  if (LooksLikePprof(text)) return ParsePprofProfile(text);
  SymbolTable symbols;
  symbols.Take(&text);
  const bool jemalloc = IsJemallocHeader(text);
  if (!jemalloc && !IsGperftoolsHeader(text))
    return Error{"no heap profile of jemalloc, gperftools or pprof",
                 "such a file begins with 'heap_v2/', 'heap profile:', or is a protocol buffer"};
  Result<HeapProfile> profile =
      jemalloc ? ParseJemallocProfile(text) : ParseGperftoolsProfile(text);
  if (profile.ok()) symbols.Name(&profile.value());
  return profile;
}

Result<std::string> AddHeapProfile(const SourceFile& file, SymbolFolders* symbols,
                                   std::vector<std::string>* remarks, Evidence* evidence) {
  Result<HeapProfile> profile = ParseHeapProfile(file.text);
  if (!profile.ok()) return profile.error();
  HeapProfileFacts facts = Facts(profile.value(), file);
  std::string clause = Clause(facts);
  if (!evidence->sites.empty()) {
    if (!facts.live_known) return clause;
    // Two accounts of one process cannot be added up, and those of two processes must not.
    if (!evidence->heap_profile) return clause + "; the recording's own samples are used instead";
    if (evidence->heap_profile->live_known && evidence->heap_profile->taken > facts.taken)
      return clause + "; " + evidence->heap_profile->file + " is younger and used instead";
    clause += "; used instead of " + evidence->heap_profile->file;
  }
  evidence->sites = SitesOf(profile.value(), symbols, remarks);
  evidence->process.sampling_interval = facts.interval.value_or(Bytes{});
  if (evidence->process.executable.empty() && !profile.value().mappings.empty() &&
      profile.value().mappings.front().path.substr(0, 1) == "/")
    evidence->process.executable = profile.value().mappings.front().path;
  evidence->heap_profile = std::move(facts);
  return clause;
}

bool IsHeapProfile(const SourceFile& file) { return LooksLikeHeapProfile(file.Head()); }

Result<std::string> AddHeapProfile(const SourceFile& file, Evidence* evidence) {
  return AddHeapProfile(file, nullptr, nullptr, evidence);
}

}  // namespace wrackline::evidence
