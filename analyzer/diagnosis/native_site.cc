// One place outside RocksDB holds much of the memory; is it still growing?
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/age_test.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

constexpr std::int64_t kPart = 10;  // from 1/10 of the charge on

std::string SecondsText(evidence::Duration duration) {
  return fmt::format("{:.0f} s", std::chrono::duration<double>(duration).count());
}

}  // namespace

std::optional<Finding> NativeSite(const Case& c) {
  if (!c.ledger) return std::nullopt;
  const auto outside = [](const evidence::Site& site) {
    return !site.in_rocksdb && !site.frames.empty();
  };
  const auto top = std::find_if(c.evidence.sites.begin(), c.evidence.sites.end(), outside);
  if (top == c.evidence.sites.end() || kPart * top->live < c.ledger->total) return std::nullopt;
  // Said with more by native_leak or jni_handle_leak.
  const LeakTest test = TestForLeak({&*top}, c.evidence.Lifetime());
  if (test.leaks && test.kept >= 4 * kMiB) return std::nullopt;

  Finding finding;
  finding.amount = top->live;
  const bool most = 2 * top->live > c.ledger->total;
  finding.role = IsOomKill(c.outcome) && most ? Role::kCause : Role::kContributor;
  // Sampled: sure when the estimate is many standard errors above the threshold.
  finding.confidence =
      10 * top->standard_error < top->live ? Confidence::kHigh : Confidence::kMedium;
  finding.summary = fmt::format("{} held {} that it had not freed",
                                top->frames[top->label].function, FormatBytes(top->live));
  finding.evidence.push_back(fmt::format("estimate {} +- {} from {} samples",
                                         FormatBytes(top->live), FormatBytes(top->standard_error),
                                         top->samples));
  if (top->allocated.count > 0)
    finding.evidence.push_back(fmt::format("allocated {} and freed {} since the start",
                                           FormatBytes(top->allocated), FormatBytes(top->freed)));
  if (c.evidence.recent_window >= std::chrono::seconds(1) && top->live_recent.count > 0) {
    const bool growing = 10 * top->live_recent > top->live;
    finding.evidence.push_back(
        fmt::format("{} of it was allocated in the last {}{}", FormatBytes(top->live_recent),
                    SecondsText(c.evidence.recent_window), growing ? ": still growing" : ""));
  }
  return finding;
}

}  // namespace wrackline::diagnosis
