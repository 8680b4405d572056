// Stacks of a heap profile -> sites.
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/frame_namer.h"
#include "analyzer/evidence/heap_profile.h"
#include "analyzer/evidence/heap_profile_names.h"

namespace wrackline::evidence {
namespace {

// The allocator's own frames say how the profile was made, not who allocated: recordings have none either.
bool IsAllocator(const SiteFrame& frame) {
  static constexpr std::array<std::string_view, 4> kModules = {"libjemalloc", "libtcmalloc",
                                                               "libmimalloc", "libprofiler"};
  static constexpr std::array<std::string_view, 12> kPrefixes = {
      "je_",          "_rjem_",       "do_malloc", "do_rallocx",         "imalloc",    "prof_",
      "operator new", "MallocHook::", "tc_",       "HeapProfileTable::", "tcmalloc::", "newImpl"};
  static constexpr std::array<std::string_view, 11> kExact = {
      "malloc",         "calloc",        "realloc", "memalign", "valloc", "pvalloc",
      "posix_memalign", "aligned_alloc", "mallocx", "rallocx",  "newImpl"};
  if (std::any_of(kModules.begin(), kModules.end(),
                  [&frame](auto module) { return frame.module.starts_with(module); }))
    return true;
  if (!frame.named) return false;
  return std::find(kExact.begin(), kExact.end(), frame.function) != kExact.end() ||
         std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&frame](auto prefix) { return frame.function.starts_with(prefix); });
}

// Functions inlined into one another make more frames than there are addresses.
constexpr std::size_t kMostFramesOfSite = 4096, kMostFrames = 2'000'000;

std::vector<SiteFrame> FramesOf(const HeapProfile::Stack& stack,
                                const std::vector<std::vector<SiteFrame>>& names) {
  std::vector<SiteFrame> frames;
  for (const std::uint32_t location : stack.locations) {
    if (frames.size() >= kMostFramesOfSite) break;
    frames.insert(frames.end(), names[location].begin(), names[location].end());
  }
  const auto first = std::find_if_not(frames.begin(), frames.end(), IsAllocator);
  if (first != frames.end()) frames.erase(frames.begin(), first);
  return frames;
}

Bytes Rounded(double amount) {
  return ToBytes(static_cast<std::uint64_t>(std::clamp(amount, 0.0, 9.0e18)));
}

struct Sums {
  double live = 0, allocated = 0, freed = 0, variance = 0, samples = 0;
};

}  // namespace

std::vector<Site> SitesOf(const HeapProfile& profile, SymbolFolders* symbols,
                          std::vector<std::string>* remarks) {
  const std::vector<std::vector<SiteFrame>> names = NameLocations(profile, symbols, remarks);
  std::vector<Site> sites;
  std::vector<Sums> sums;
  std::unordered_map<std::string, std::size_t> known;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < profile.stacks.size(); ++i) {
    const HeapProfile::Stack& stack = profile.stacks[i];
    std::vector<SiteFrame> frames;
    if (kept < kMostFrames) frames = FramesOf(stack, names);
    const auto [place, fresh] = known.try_emplace(Identity(frames, false), sites.size());
    if (fresh) {
      Site site;
      kept += frames.size();
      site.label = LabelOf(frames);
      site.in_rocksdb = std::any_of(frames.begin(), frames.end(),
                                    [](const SiteFrame& frame) { return frame.rocksdb; });
      site.frames = std::move(frames);
      sites.push_back(std::move(site));
      sums.emplace_back();
    } else {
      KeepCommonLines(frames, &sites[place->second].frames);
    }
    sites[place->second].stacks.push_back(static_cast<std::uint32_t>(i));
    Sums& sum = sums[place->second];
    sum.live += stack.live.bytes;
    sum.allocated += stack.allocated.bytes;
    sum.freed += std::max(0.0, stack.allocated.bytes - stack.live.bytes);
    sum.variance += stack.variance;
    sum.samples += stack.samples;
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    sites[i].live = Rounded(sums[i].live);
    sites[i].standard_error = Rounded(std::sqrt(sums[i].variance));
    sites[i].samples = static_cast<std::uint64_t>(std::clamp(sums[i].samples, 0.0, 9.0e18));
    sites[i].allocated = Rounded(sums[i].allocated);
    if (profile.has_allocated && profile.has_live) sites[i].freed = Rounded(sums[i].freed);
  }
  std::stable_sort(sites.begin(), sites.end(), [](const Site& a, const Site& b) {
    return a.live == b.live ? a.allocated > b.allocated : a.live > b.live;
  });
  return sites;
}

}  // namespace wrackline::evidence
