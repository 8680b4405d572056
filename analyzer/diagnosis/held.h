// What rules ask of a case again and again. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/trend/trend.h"

namespace wrackline::diagnosis {

// Sum of the ledger's lines of that id; 0 where there is no ledger or no such line.
Bytes LineAmount(const Case& c, std::string_view id);

// The limit that counts: recorded, else the one in the kernel's report, else YARN's or Kubernetes' own.
std::optional<Bytes> LimitOf(const evidence::Evidence& evidence);

// All that was held at the ledger's moment, else what the kernel counted.
std::optional<Bytes> TotalOf(const Case& c);

// kCause: a limit ended it, and `amount` is half of all that was held or more; else kContributor.
Role RoleOf(const Case& c, Bytes amount);

// A figure of the VM over the time. `least`: as in trend::EstimateTrend.
trend::Trend JvmTrend(const evidence::Evidence& evidence,
                      std::optional<Bytes> evidence::JvmFigures::*member, Bytes least);
// Anonymous memory of the process, else of the cgroup.
trend::Trend AnonymousTrend(const evidence::Evidence& evidence);

// Live bytes less those that have no page behind them: what the pod is charged for.
Bytes ResidentOf(const evidence::Site& site);

// "12.3 MiB an hour (between 11.0 MiB and 13.0 MiB)".
std::string RateText(const trend::Interval& slope_per_second);

// "3 threads", "1 thread".
std::string CountText(std::uint64_t count, const char* singular, const char* plural);

}  // namespace wrackline::diagnosis
