// What grows for as long as the process lives: no size holds it. Pure; any thread.
#pragma once

#include <vector>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/sizing/run.h"

namespace wrackline::report {

// Those that the rules of leaks are sure of: native memory by site, objects of Java with native memory behind them, metaspace. One that
// speaks for a leak and has something against it is not among them.
std::vector<sizing::Leak> LeaksOf(const diagnosis::Case& c);

}  // namespace wrackline::report
