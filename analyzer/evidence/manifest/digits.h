// Decimal digits as text: exact arithmetic without bounds.
#pragma once

#include <string>

namespace wrackline::evidence {

// digits times a factor of at most 10000. Precondition: digits only.
inline void MultiplyDigits(std::string& digits, int factor) {
  int carry = 0;
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    const int product = (*digit - '0') * factor + carry;
    *digit = static_cast<char>('0' + product % 10);
    carry = product / 10;
  }
  if (carry > 0) digits.insert(0, std::to_string(carry));
}

}  // namespace wrackline::evidence
