// What the renderers of a back-test share. Inside the room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/sizing/backtest.h"

namespace wrackline::render {

// The table has so many rows; JSON has every run.
inline constexpr std::size_t kMostRows = 20;

// Those that die first, then by what stays free; at most kMostRows. Never empty: a back-test has a run.
std::vector<const sizing::Replay*> WorstOf(const sizing::BackTest& test);
std::size_t DeadOf(const sizing::BackTest& test);

// "lives", "too close", "limit", "heap", "metaspace", "direct".
std::string_view EndsBy(const sizing::BackTest& test, const sizing::Replay& replay);
// The verdict in one sentence, and the worst run's end in another.
std::string Verdict(const sizing::BackTest& test);
std::string HowItEnds(const sizing::BackTest& test, const sizing::Replay& replay);
// After its start: "12 min 3 s"; "" for one that lives.
std::string When(const sizing::Replay& replay);

// Each assumption once, with the number of runs that it is of; the commonest first.
std::vector<std::pair<std::string, std::size_t>> AssumptionsOf(const sizing::BackTest& test);
// "of 12 runs", or "" where there is one run only.
std::string OfRuns(const sizing::BackTest& test, std::size_t runs);

}  // namespace wrackline::render
