#include "analyzer/flink/range_fraction.h"

#include <algorithm>

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/java_number.h"

namespace wrackline::flink {

RangeFraction ReadRangeFraction(const OptionReader& reader, MemorySize min, MemorySize max,
                                const Option& fraction_option) {
  const double fraction = reader.Float(fraction_option);
  const char* problem = nullptr;
  if (min > max) {
    problem = "min value must be less or equal to max value";
  } else if (!(fraction >= 0 && fraction < 1)) {  // also NaN
    problem = "fraction must be in range [0, 1)";
  }
  if (problem != nullptr) {
    throw Wrap(kIllegalConfiguration,
               "Inconsistently configured " + DescribeOption(fraction_option) + " (" +
                   JavaDoubleToString(fraction) + ") and its min (" + FormatMemorySize(min) +
                   "), max (" + FormatMemorySize(max) + ") value",
               JavaException{kIllegalArgument, problem, {}});
  }
  return {min, max, fraction};
}

MemorySize DeriveWithFraction(MemorySize base, const RangeFraction& range) {
  return std::clamp(Multiply(base, range.fraction), range.min, range.max);
}

MemorySize DeriveWithInverseFraction(MemorySize base, const RangeFraction& range) {
  return std::clamp(Multiply(base, range.fraction / (1 - range.fraction)), range.min, range.max);
}

}  // namespace wrackline::flink
