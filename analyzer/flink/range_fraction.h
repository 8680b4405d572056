// A component that is a fraction of something, between a minimum and a maximum.
#pragma once

#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/options.h"

namespace wrackline::flink {

struct RangeFraction {
  MemorySize min;
  MemorySize max;
  double fraction = 0;  // a Java float, widened
};

// Throws IllegalConfigurationException unless min <= max and 0 <= fraction < 1. Checked only where
// the range is used.
RangeFraction ReadRangeFraction(const OptionReader& reader, MemorySize min, MemorySize max,
                                const Option& fraction);

// base * fraction, kept within [min, max].
MemorySize DeriveWithFraction(MemorySize base, const RangeFraction& range);

// The part that makes `fraction` of the sum when added to base: base * (f / (1 - f)), kept within
// [min, max].
MemorySize DeriveWithInverseFraction(MemorySize base, const RangeFraction& range);

}  // namespace wrackline::flink
