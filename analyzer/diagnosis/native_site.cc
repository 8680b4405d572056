// One place outside RocksDB holds much of the memory; is it still growing?
#include <fmt/core.h>

#include <algorithm>

#include "analyzer/diagnosis/age_test.h"
#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/leaks.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {
namespace {

constexpr std::int64_t kPart = 10;  // from 1/10 of the charge on

std::string SecondsText(evidence::Duration duration) {
  return fmt::format("{:.0f} s", std::chrono::duration<double>(duration).count());
}

// With more than here: by jni_handle_leak, where it is of such a kind, else by native_leak.
bool SaidAsLeak(const Case& c, const evidence::Site& site) {
  if (const JniHandle* handle = JniHandleOf(site)) {
    const std::vector<HandleLeak> leaks = LeakingHandles(c.evidence);
    return std::any_of(leaks.begin(), leaks.end(), [handle](const HandleLeak& leak) {
      return leak.handle->name == handle->name;
    });
  }
  const LeakTest test = TestForLeak({&site}, c.evidence.Lifetime());
  return test.leaks && test.kept >= 4 * kMiB;
}

}  // namespace

std::optional<Finding> NativeSite(const Case& c) {
  if (!c.ledger) return std::nullopt;
  // What was never touched is no memory.
  const evidence::Site* top = nullptr;
  for (const evidence::Site& site : c.evidence.sites) {
    if (site.in_rocksdb || site.frames.empty()) continue;
    if (top == nullptr || ResidentOf(site) > ResidentOf(*top)) top = &site;
  }
  if (top == nullptr) return std::nullopt;
  const Bytes held = ResidentOf(*top);
  if (kPart * held < c.ledger->total) return std::nullopt;
  if (SaidAsLeak(c, *top)) return std::nullopt;

  Finding finding;
  finding.amount = held;
  const bool most = 2 * held > c.ledger->total;
  finding.role = EndedByLimit(c.outcome) && most ? Role::kCause : Role::kContributor;
  // Sampled: sure when the estimate is many standard errors above the threshold.
  finding.confidence = 10 * top->standard_error < held ? Confidence::kHigh : Confidence::kMedium;
  finding.summary = fmt::format("{} held {} that it had not freed",
                                top->frames[top->label].function, FormatBytes(held));
  finding.evidence.push_back(fmt::format("estimate {} +- {} from {} samples",
                                         FormatBytes(top->live), FormatBytes(top->standard_error),
                                         top->samples));
  if (held < top->live)
    finding.evidence.push_back(FormatBytes(top->live - held) +
                               " of it was never touched, and is not counted");
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
