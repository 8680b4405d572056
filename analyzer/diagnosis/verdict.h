// The verdict: two sentences, how it ended and who held the memory.
#pragma once

#include <string>

#include "analyzer/diagnosis/diagnosis.h"

namespace wrackline::diagnosis {

std::string Verdict(const Case& c, const std::vector<Finding>& findings);

}  // namespace wrackline::diagnosis
