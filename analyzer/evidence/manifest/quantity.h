// Quantities of Kubernetes: "2Gi", "1.5G", "129e6", "128974848000m".
//
//   ParseQuantity("1.5Gi")    -> 1610612736
//   ParseQuantity("123m")     -> 1: a fraction counts as a whole one
//
// Grammar: a decimal number, optionally signed ("1", "1.5", "1.", ".5"), then nothing, one of
// Ki Mi Gi Ti Pi Ei (binary), n u m k M G T P E (decimal), or e or E with a signed integer. Case
// counts: "2gi", "2K" and "2GB" are refused, and so is a space. Exact: no floating point.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline::evidence {

// Rounded up to a whole number; beyond 2^63 - 1 it is that. Errors say what was meant where that is
// plain: not a quantity, a suffix in the wrong case, a negative amount.
Result<std::int64_t> ParseQuantity(std::string_view text);

}  // namespace wrackline::evidence
