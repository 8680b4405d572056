// Huge pages make memory resident that nobody touched: 2 MiB for the first byte.
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

struct Huge {
  Bytes huge, anonymous;
  const char* origin;
};

std::optional<Huge> HugeOf(const evidence::Evidence& evidence) {
  for (auto point = evidence.timeline.rbegin(); point != evidence.timeline.rend(); ++point) {
    if (point->anon_thp && point->anon)
      return Huge{*point->anon_thp, *point->anon, "anon_thp of the cgroup"};
    if (point->huge_pages && point->ProcessAnonymous())
      return Huge{*point->huge_pages, *point->ProcessAnonymous(), "AnonHugePages of the process"};
  }
  const auto& kill = evidence.ending.kernel_kill;
  if (kill && kill->report && kill->report->stats && kill->report->stats->anon_thp &&
      kill->report->stats->anon)
    return Huge{*kill->report->stats->anon_thp, *kill->report->stats->anon,
                "the kernel's report: anon_thp of the group"};
  return std::nullopt;
}

}  // namespace

std::optional<Finding> TransparentHugePages(const Case& c) {
  const std::optional<Huge> huge = HugeOf(c.evidence);
  const std::optional<Bytes> total = TotalOf(c);
  if (!huge || !total || huge->huge < 32 * kMiB || 4 * huge->huge < huge->anonymous ||
      10 * huge->huge < *total)
    return std::nullopt;
  // A heap that is full is as large in small pages: what cannot be told from its holders may be their untouched parts.
  const Bytes loose =
      c.ledger ? c.ledger->Of(ledger::Holder::kAllocator) + std::max(Bytes{}, c.ledger->unexplained)
               : Bytes{};
  const bool costs = c.ledger && 10 * loose > *total;
  Finding finding;
  finding.role = costs ? Role::kContributor : Role::kInformation;
  finding.confidence = costs ? Confidence::kMedium : Confidence::kLow;
  finding.amount = costs ? std::min(loose, huge->huge) : huge->huge;
  finding.summary =
      fmt::format("{} of {} of anonymous memory lie in huge pages, which are resident as a whole",
                  FormatBytes(huge->huge), FormatBytes(huge->anonymous));
  finding.evidence.emplace_back(huge->origin);
  if (costs)
    finding.evidence.push_back(fmt::format(
        "{} are free in the allocator or unexplained: untouched parts of huge pages would be there",
        FormatBytes(loose)));
  const Bytes heap = LineAmount(c, "jvm.heap");
  if (2 * heap > huge->huge)
    finding.against.push_back(fmt::format(
        "{} are Java heap, which a VM fills: small pages would not make it much smaller",
        FormatBytes(heap)));
  finding.against.emplace_back("how much of them was never touched is not known");
  finding.advice.emplace_back(
      "to find out, run one pod with transparent huge pages set to madvise (on the node: "
      "/sys/kernel/mm/transparent_hugepage/enabled), or jemalloc with thp:never, and compare");
  return finding;
}

}  // namespace wrackline::diagnosis
