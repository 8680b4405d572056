// Heap profiles of other tools: whatever the bytes are, the figures are amounts, each stack is in exactly one site, and the sites are
// what the stacks hold.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/heap_profile.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrackline;
  using namespace wrackline::evidence;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool recognised = LooksLikeHeapProfile(text);
  const Result<HeapProfile> profile = ParseHeapProfile(text);
  // What can be read is recognised.
  if (profile.ok() && !recognised) std::abort();
  if (!profile.ok()) {
    if (profile.error().message.empty()) std::abort();
    return 0;
  }
  const HeapProfile& read = profile.value();
  if (!(read.live.bytes >= 0) || !(read.live.objects >= 0) || std::isnan(read.interval))
    std::abort();
  for (const HeapProfile::Stack& stack : read.stacks) {
    if (!(stack.variance >= 0) || !(stack.live.bytes >= 0)) std::abort();
    for (const std::uint32_t location : stack.locations) {
      if (location >= read.locations.size()) std::abort();
    }
  }
  std::size_t stacks = 0;
  double live = 0;
  const std::vector<Site> sites = SitesOf(read, nullptr, nullptr);
  for (const Site& site : sites) {
    stacks += site.stacks.size();
    live += static_cast<double>(site.live.count);
    if (site.live.count < 0 || site.standard_error.count < 0) std::abort();
    if (site.label >= site.frames.size() && !site.frames.empty()) std::abort();
    for (const SiteFrame& frame : site.frames) {
      if (frame.function.empty()) std::abort();
    }
  }
  if (stacks != read.stacks.size()) std::abort();
  if (live > read.live.bytes * (1 + 1e-9) + 1) std::abort();
  Evidence evidence;
  if (recognised && !AddHeapProfile({"x", text, Time{}}, &evidence).ok()) std::abort();
  return 0;
}
