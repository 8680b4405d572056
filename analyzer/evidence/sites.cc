#include "analyzer/evidence/sites.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "analyzer/evidence/convert.h"
#include "lib/symbols/demangle.h"

namespace wrackline::evidence {
namespace {

std::string BaseName(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string Hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), kDigits[value & 15]);
    value >>= 4;
  } while (value != 0);
  return "0x" + digits;
}

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Resolves pcs once each: a recording has few distinct ones beside its many stacks.
class Namer {
 public:
  explicit Namer(const recorder::Recording& recording) : recording_(recording) {
    for (const auto& [id, module] : recording.modules) by_start_[module.start()] = &module;
  }

  const SiteFrame& Name(std::uint64_t pc) {
    auto [place, fresh] = cache_.try_emplace(pc);
    if (fresh) place->second = Resolve(pc);
    return place->second;
  }

 private:
  SiteFrame Resolve(std::uint64_t pc) const {
    SiteFrame frame;
    const proto::Module* module = nullptr;
    const auto recorded = recording_.frame_names.find(pc);
    if (recorded != recording_.frame_names.end()) {
      const auto owner = recording_.modules.find(recorded->second.module_id());
      if (owner != recording_.modules.end()) module = &owner->second;
    }
    if (module == nullptr) {
      auto after = by_start_.upper_bound(pc);
      if (after != by_start_.begin()) {
        const proto::Module* before = std::prev(after)->second;
        if (pc < before->end()) module = before;
      }
    }
    if (module != nullptr) frame.module = BaseName(module->path());
    if (recorded != recording_.frame_names.end() && !recorded->second.symbol().empty()) {
      const std::string demangled = symbols::Demangle(recorded->second.symbol());
      frame.function = symbols::ShortName(demangled);
      if (frame.function.empty()) frame.function = demangled;
      frame.named = true;
      frame.rocksdb = StartsWith(demangled, "rocksdb::") || StartsWith(demangled, "rocksdb_") ||
                      demangled.find(" rocksdb::") != std::string::npos;
    } else if (module != nullptr) {
      // Virtual address in the module where its load bias is known to make sense: the number
      // addr2line takes.
      const std::uint64_t base = module->bias() <= pc ? module->bias() : module->start();
      frame.function = frame.module + "+" + Hex(pc - base);
    } else {
      frame.function = Hex(pc);
    }
    if (StartsWith(frame.module, "librocksdb")) frame.rocksdb = true;
    if (recorded != recording_.frame_names.end() && recorded->second.line() != 0) {
      frame.line = recorded->second.line();
      frame.file = recorded->second.file();
    }
    return frame;
  }

  const recorder::Recording& recording_;
  std::map<std::uint64_t, const proto::Module*> by_start_;
  std::unordered_map<std::uint64_t, SiteFrame> cache_;
};

// Stacks whose functions are the same are one site: the return addresses inside a function do not
// matter to a reader.
std::string Identity(const std::vector<SiteFrame>& frames, bool truncated) {
  std::string identity(truncated ? "t" : "f");
  for (const SiteFrame& frame : frames) {
    identity += '\n';
    identity += frame.module;
    identity += '\t';
    identity += frame.function;
  }
  return identity;
}

// A line that not all stacks of a site share is none of the site's.
void KeepCommonLines(const std::vector<SiteFrame>& other, std::vector<SiteFrame>* frames) {
  for (std::size_t i = 0; i < frames->size(); ++i) {
    SiteFrame& frame = (*frames)[i];
    if (frame.line == other[i].line && frame.file == other[i].file) continue;
    frame.line = 0;
    frame.file.clear();
  }
}

struct Estimate {
  std::uint64_t samples = 0;
  double live = 0, recent = 0, variance = 0;
};

// The sum of weight is unbiased for the live bytes; its variance is estimated by the sum of
// weight^2 (1 - p) over the sampled objects, with p = size / weight the chance to be sampled
// (preload/sampling/sampler.h).
std::map<std::uint32_t, Estimate> EstimatePerStack(const recorder::Recording& recording,
                                                   Duration window) {
  std::map<std::uint32_t, Estimate> estimates;
  std::int64_t end_ms = 0;
  if (recording.process) {
    const Time end = ToTime(recording.last_time_ns);
    const Time epoch = ToTime(recording.process->epoch_time_ns());
    end_ms = std::chrono::duration_cast<std::chrono::milliseconds>(end - epoch).count();
  }
  const auto window_ms = std::chrono::duration_cast<std::chrono::milliseconds>(window).count();
  for (const auto& [slot, object] : recording.live_objects) {
    const double weight = static_cast<double>(ToBytes(object.weight()).count);
    const double size = static_cast<double>(ToBytes(object.size()).count);
    Estimate& estimate = estimates[object.stack_id()];
    estimate.samples += 1;
    estimate.live += weight;
    if (weight > size) estimate.variance += weight * (weight - size);
    if (static_cast<std::int64_t>(ToBytes(object.time_ms()).count) >= end_ms - window_ms)
      estimate.recent += weight;
  }
  return estimates;
}

Bytes Rounded(double amount) {
  // Hostile weights can sum to more than the type holds.
  return Bytes{static_cast<std::int64_t>(std::min(amount, 9.0e18))};
}

}  // namespace

bool IsPlumbing(const SiteFrame& frame) {
  static constexpr std::array<std::string_view, 16> kExact = {
      "malloc",        "calloc", "realloc", "reallocarray", "memalign", "posix_memalign",
      "aligned_alloc", "valloc", "pvalloc", "strdup",       "__strdup", "strndup",
      "__libc_malloc", "cfree",  "mmap",    "reallocf"};
  static constexpr std::array<std::string_view, 12> kPrefix = {"operator new",
                                                               "std::",
                                                               "__gnu_cxx::",
                                                               "void std::",
                                                               "mallocx",
                                                               "rallocx",
                                                               "je_",
                                                               "tc_",
                                                               "mi_",
                                                               "__libc_",
                                                               "rocksdb::Arena::",
                                                               "rocksdb::ConcurrentArena::"};
  const std::string_view name = frame.function;
  if (!frame.named) return frame.rocksdb || StartsWith(frame.module, "libwrackline_preload");
  if (std::find(kExact.begin(), kExact.end(), name) != kExact.end()) return true;
  if (std::any_of(kPrefix.begin(), kPrefix.end(),
                  [name](auto prefix) { return StartsWith(name, prefix); }))
    return true;
  return frame.module == "libwrackline_preload.so" || StartsWith(name, "wrackline::preload::");
}

std::vector<Site> SitesFromRecording(const recorder::Recording& recording, Duration window) {
  Namer namer(recording);
  const std::map<std::uint32_t, Estimate> estimates = EstimatePerStack(recording, window);

  std::map<std::string, Site> sites;
  std::map<std::string, double> variances, lives, recents;
  const auto add = [&](std::uint32_t id, const recorder::Stack& stack) {
    Site site;
    site.truncated = stack.truncated;
    for (const std::uint64_t pc : stack.frames) {
      const SiteFrame& frame = namer.Name(pc);
      site.frames.push_back(frame);
      site.in_rocksdb |= frame.rocksdb;
    }
    const std::string identity = Identity(site.frames, site.truncated);
    const auto [place, fresh] = sites.try_emplace(identity, std::move(site));
    Site& known = place->second;
    if (!fresh) KeepCommonLines(site.frames, &known.frames);  // try_emplace left `site` alone
    known.stacks.push_back(id);
    known.allocated += ToBytes(stack.counters.allocated_bytes());
    known.freed += ToBytes(stack.counters.freed_bytes());
    const auto estimate = estimates.find(id);
    if (estimate == estimates.end()) return;
    known.samples += estimate->second.samples;
    lives[identity] += estimate->second.live;
    recents[identity] += estimate->second.recent;
    variances[identity] += estimate->second.variance;
  };
  for (const auto& [id, stack] : recording.stacks) add(id, stack);
  // Live objects whose stack record was lost still are live bytes.
  const recorder::Stack unknown;
  for (const auto& [id, estimate] : estimates) {
    if (recording.stacks.find(id) == recording.stacks.end()) add(id, unknown);
  }

  std::vector<Site> ranked;
  ranked.reserve(sites.size());
  for (auto& [identity, site] : sites) {
    site.live = Rounded(lives[identity]);
    site.live_recent = Rounded(recents[identity]);
    site.standard_error = Rounded(std::sqrt(variances[identity]));
    const auto first = std::find_if_not(site.frames.begin(), site.frames.end(), IsPlumbing);
    site.label =
        first == site.frames.end() ? 0 : static_cast<std::size_t>(first - site.frames.begin());
    ranked.push_back(std::move(site));
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Site& a, const Site& b) { return a.live > b.live; });
  return ranked;
}

}  // namespace wrackline::evidence
