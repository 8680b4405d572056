// Time to death: when the memory that the kernel cannot take back reaches the limit, at the rate at which it grew.
//
// The series is the working set (the charge without the page cache that the kernel drops first), or anonymous memory where that is
// not known. Page cache alone is never growth: where only it grows, the answer says so. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/evidence/evidence.h"
#include "analyzer/trend/trend.h"

namespace wrackline::report {

enum class LimitState {
  kTooShort,    // not watched for long enough
  kNotGrowing,  // no more than noise
  kPageCache,   // the working set grows, anonymous memory does not: pages of files that are in use
  kLevelling,   // rose and is levelling off
  kSteps,       // rises by jumps, as at restarts of a job: no rate by time
  kFar,         // grows, but would take far longer than it was watched for
  kGrowing,
};
std::string_view Name(LimitState state);

struct TimeToLimit {
  LimitState state = LimitState::kTooShort;
  std::string_view series;  // "working_set", "anon" or "resident_anon"
  Bytes limit;
  Bytes now;  // the newest value of the series
  trend::Trend trend;
  std::optional<trend::Interval> seconds;  // from the last record on; of kGrowing only
};

// Nothing when there is no limit or no such series, or when it is over: a clean exit, a kill at the limit. `own_group`: the cgroup that
// was recorded is what the limit is of; else the process's own anonymous memory counts.
std::optional<TimeToLimit> TimeToLimitOf(const evidence::Evidence& evidence,
                                         diagnosis::Outcome outcome, bool own_group = true);

}  // namespace wrackline::report
