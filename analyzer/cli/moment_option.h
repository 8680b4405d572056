// Moments on the command line: "2026-11-28T10:00:00Z", "+90s" after the first record, "-10m" before the last, "start", "end".
#pragma once

#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"
#include "lib/base/result.h"

namespace wrackline::cli {

// "90s", "1h30m", "250ms", "2d": numbers with units ms, s, m, h, d, one behind the other. Errors: anything else, more than 10,000 days.
Result<evidence::Duration> ParseDuration(std::string_view text);

// `first` and `last`: of the recording's timeline. Errors: none of the forms above.
Result<evidence::Time> ParseMoment(std::string_view text, evidence::Time first,
                                   evidence::Time last);

}  // namespace wrackline::cli
