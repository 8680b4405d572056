#include "analyzer/report/leaks_of.h"

#include <string>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/leaks.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::report {
namespace {

using diagnosis::Confidence;

constexpr double kHour = 3600;
constexpr Bytes kLeastMetaspace = 4 * kMiB;  // as the rule has it

void AddNative(const diagnosis::Case& c, std::vector<sizing::Leak>* leaks) {
  const auto finding = diagnosis::NativeLeak(c);
  if (!finding || finding->confidence == Confidence::kLow) return;
  for (const diagnosis::SiteLeak& leak : diagnosis::LeakingSites(c.evidence))
    leaks->push_back({leak.site->frames[leak.site->label].function,
                      diagnosis::ResidentOf(*leak.site), leak.test.rate.estimate * kHour});
}

void AddHandles(const diagnosis::Case& c, std::vector<sizing::Leak>* leaks) {
  for (const diagnosis::HandleLeak& leak : diagnosis::LeakingHandles(c.evidence)) {
    // Of what is mostly freed again, as the rule has it, nobody is sure.
    if (leak.test.freed_part < 0.5)
      leaks->push_back(
          {std::string(leak.handle->name), leak.resident, leak.test.rate.estimate * kHour});
  }
}

void AddMetaspace(const diagnosis::Case& c, std::vector<sizing::Leak>* leaks) {
  const auto finding = diagnosis::MetaspaceLeak(c);
  if (!finding || finding->confidence != Confidence::kHigh) return;
  const trend::Trend trend =
      diagnosis::JvmTrend(c.evidence, &evidence::JvmFigures::metaspace_used, kLeastMetaspace);
  if (trend.seconds <= 0) return;
  const bool steps = trend.shape == trend::Shape::kSteps;
  leaks->push_back({"metaspace", finding->amount,
                    (steps ? trend.growth / trend.seconds : trend.slope.estimate) * kHour});
}

}  // namespace

std::vector<sizing::Leak> LeaksOf(const diagnosis::Case& c) {
  std::vector<sizing::Leak> leaks;
  AddNative(c, &leaks);
  AddHandles(c, &leaks);
  AddMetaspace(c, &leaks);
  return leaks;
}

}  // namespace wrackline::report
