#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "analyzer/diff/sections.h"
#include "analyzer/diff/table.h"

namespace wrackline::diff {
namespace {

using evidence::Evidence;
using evidence::Site;
using evidence::SiteFrame;

// No function is called that.
constexpr const char* kAllSites = "(all)";

template <std::size_t N>
bool IsOneOf(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Which entry of the allocator was called differs by who recorded it.
bool IsAllocatorEntry(const SiteFrame& frame) {
  static constexpr std::array<std::string_view, 14> kNames = {
      "malloc",         "calloc",        "realloc",        "reallocarray", "memalign",
      "posix_memalign", "aligned_alloc", "valloc",         "pvalloc",      "mallocx",
      "rallocx",        "operator new",  "operator new[]", "__libc_malloc"};
  return frame.named && !frame.java && IsOneOf(frame.function, kNames);
}

// What is around main and a thread's routine differs by the version of the C library.
bool IsStart(const SiteFrame& frame) {
  static constexpr std::array<std::string_view, 9> kNames = {"_start",
                                                             "__libc_start_main",
                                                             "__libc_start_main_impl",
                                                             "__libc_start_call_main",
                                                             "start_thread",
                                                             "clone",
                                                             "clone3",
                                                             "__clone",
                                                             "__clone3"};
  if (frame.java) return false;
  if (frame.named) return IsOneOf(frame.function, kNames);
  return frame.module.rfind("libc.so", 0) == 0 || frame.module.rfind("libc-", 0) == 0 ||
         frame.module.rfind("libpthread", 0) == 0 || frame.module.empty();
}

// "Job$$Lambda$14/0x0000000800c03000.apply", "LambdaForm$MH/0x00007f.invoke": the numbers are of one run.
std::string WithoutRunNumbers(const std::string& function) {
  std::string name;
  for (std::size_t i = 0; i < function.size();) {
    if (function.compare(i, 9, "$$Lambda$") == 0) {
      name += "$$Lambda";
      i += 9;
      while (i < function.size() && function[i] >= '0' && function[i] <= '9') ++i;
    } else if (function.compare(i, 3, "/0x") == 0) {
      i += 3;
      while (i < function.size() && std::isxdigit(static_cast<unsigned char>(function[i])) != 0)
        ++i;
    } else {
      name += function[i++];
    }
  }
  return name;
}

void AddSampled(Row* row, Table::Which which, Bytes live, Bytes standard_error,
                std::uint64_t samples) {
  Table::Add(row, which, static_cast<double>(live.count));
  double& error = which == Table::Which::kBefore ? row->before_error : row->after_error;
  error = std::hypot(error, static_cast<double>(standard_error.count));
  (which == Table::Which::kBefore ? row->before_samples : row->after_samples) += samples;
}

// Every allocation was counted: a difference is no estimate.
bool IsExact(const Evidence& evidence) {
  return evidence.heap_profile ? evidence.heap_profile->exact : false;
}

bool HasLive(const Evidence& evidence) {
  return !evidence.sites.empty() && (!evidence.heap_profile || evidence.heap_profile->live_known);
}

// Who has samples, but none of a site, holds nothing of it that could be seen.
void FillAbsent(bool before, bool after, std::vector<Row>* rows) {
  for (Row& row : *rows) {
    if (before && !row.before) row.before = 0;
    if (after && !row.after) row.after = 0;
  }
}

// The bytes whose stack has a frame without a name, in percent.
double UnnamedPercent(const Evidence& evidence) {
  double unnamed = 0, all = 0;
  for (const Site& site : evidence.sites) {
    const double live = static_cast<double>(site.live.count);
    all += live;
    if (std::any_of(site.frames.begin(), site.frames.end(),
                    [](const SiteFrame& frame) { return !frame.named && !IsStart(frame); }))
      unnamed += live;
  }
  return all > 0 ? 100 * unnamed / all : 0;
}

void AddSiteNotes(const Evidence& before, const Evidence& after, std::vector<std::string>* notes) {
  constexpr double kWorthSaying = 5;
  const double unnamed = std::max(UnnamedPercent(before), UnnamedPercent(after));
  if (unnamed >= kWorthSaying)
    notes->push_back(std::to_string(static_cast<int>(unnamed)) +
                     " % of the live bytes are in stacks with a frame that has no name: these "
                     "match only between runs of the "
                     "same binaries. --symbols DIR may name them.");
  for (const auto& [evidence, name] :
       {std::pair<const Evidence*, const char*>{&before, "A"}, {&after, "B"}}) {
    if (!HasLive(*evidence))
      notes->push_back(std::string(name) +
                       " has no samples of live allocations: sites are not compared.");
    else if (evidence->heap_profile && !evidence->heap_profile->exact &&
             !evidence->heap_profile->interval)
      notes->push_back(std::string(name) +
                       " does not say how it was sampled, so its standard error is not known: its "
                       "differences are taken as counted.");
  }
}

}  // namespace

std::string SiteKey(const Site& site) {
  auto begin = site.frames.begin();
  auto end = site.frames.end();
  while (begin != end && IsAllocatorEntry(*begin)) ++begin;
  while (begin != end && IsStart(*(end - 1))) --end;
  if (begin == end) {  // nothing but that: then it is the name
    begin = site.frames.begin();
    end = site.frames.end();
  }
  std::string key;
  for (auto frame = begin; frame != end; ++frame) {
    if (!key.empty()) key += '\n';
    key += WithoutRunNumbers(frame->function);
  }
  if (key.empty()) key = "(stack not recorded)";
  return key;
}

Section SiteSection(const Evidence& before, const Evidence& after) {
  Section section{"sites", "Sites: live allocations by stack", {}, {}};
  const bool has_before = HasLive(before), has_after = HasLive(after);
  if (!has_before && !has_after) return section;
  AddSiteNotes(before, after, &section.notes);
  if (!has_before || !has_after) return section;
  const bool sampled = !(IsExact(before) && IsExact(after));
  Table table;
  ForBoth(before, after, [&](const Evidence& evidence, Table::Which which) {
    for (const Site& site : evidence.sites) {
      if (site.live.count <= 0) continue;
      const std::string key = SiteKey(site);
      Row& all = table.At(kAllSites, "all sites together");
      AddSampled(&all, which, site.live, site.standard_error, site.samples);
      Row& row = table.At(key, site.frames.empty() ? std::string("(stack not recorded)")
                                                   : site.frames[site.label].function);
      AddSampled(&row, which, site.live, site.standard_error, site.samples);
      row.frames = site.frames;
      row.label_frame = site.label;
    }
  });
  section.rows = table.Take();
  FillAbsent(has_before, has_after, &section.rows);
  for (Row& row : section.rows) {
    row.sampled = sampled;
    row.judged = true;
  }
  return section;
}

Section NewSitesSection(const std::vector<Site>& sites) {
  Section section{"new_sites", "Allocated since A, and still live at the end", {}, {}};
  section.notes.push_back(
      "By how much a site grew is not known. This is the most it can be: what lived before and was "
      "freed since is not taken off.");
  for (const Site& site : sites) {
    if (site.live_recent.count <= 0) continue;
    Row row;
    row.id = SiteKey(site);
    row.label = site.frames.empty() ? std::string("(stack not recorded)")
                                    : site.frames[site.label].function;
    row.after = static_cast<double>(site.live_recent.count);
    row.after_error = static_cast<double>(site.recent_error.count);
    row.after_samples = site.recent_samples;
    row.sampled = true;
    row.frames = site.frames;
    row.label_frame = site.label;
    section.rows.push_back(std::move(row));
  }
  std::stable_sort(section.rows.begin(), section.rows.end(),
                   [](const Row& a, const Row& b) { return *a.after > *b.after; });
  return section;
}

Section ThreadSection(const Evidence& before, const Evidence& after) {
  Section section{"threads", "Thread groups: live allocations by who made them", {}, {}};
  if (before.thread_groups.empty() || after.thread_groups.empty()) return section;
  Table table;
  ForBoth(before, after, [&table](const Evidence& evidence, Table::Which which) {
    for (const evidence::ThreadGroup& group : evidence.thread_groups)
      AddSampled(&table.At(group.name, group.name), which, group.live, group.standard_error,
                 group.samples);
  });
  section.rows = table.Take();
  FillAbsent(true, true, &section.rows);
  for (Row& row : section.rows) row.sampled = row.judged = true;
  return section;
}

}  // namespace wrackline::diff
