#include "analyzer/cli/share_option.h"

#include <cmath>
#include <cstdlib>

namespace wrackline::cli {
namespace {

std::optional<double> Number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string::npos)
    return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

std::optional<double> ShareOf(const std::string& text) {
  const bool percent = !text.empty() && text.back() == '%';
  const auto number = Number(percent ? text.substr(0, text.size() - 1) : text);
  if (!number) return std::nullopt;
  const double share = percent ? *number / 100 : *number;
  return share <= 1 ? std::optional<double>(share) : std::nullopt;
}

Result<Amount> AmountOf(const std::string& text) {
  if (!text.empty() && text.back() == '%') {
    const auto share = ShareOf(text);
    if (!share || *share >= 1)
      return Error{"'" + text + "' is no share of a limit", "write 10%, or a size such as 200m"};
    return Amount{std::nullopt, *share};
  }
  const Result<Bytes> size = ParseBytes(text);
  if (!size.ok()) return size.error();
  // 0.15 or 15 bytes is nobody's wish, and would pass for "none".
  const bool bare = text.find_first_not_of("0123456789. ") == std::string::npos;
  if (bare && size.value().count < kKiB.count &&
      text.find_first_of("123456789") != std::string::npos)
    return Error{"'" + text + "' is a number of bytes", "write 15% of the limit, or a size: 200m"};
  return Amount{size.value(), 0};
}

CLI::Validator IsShare() {
  return {[](std::string& text) {
            const auto share = ShareOf(text);
            return share && *share > 0 ? std::string()
                                       : "'" + text + "' is no share: write 95% or 0.95";
          },
          "SHARE"};
}

CLI::Validator IsAmount() {
  return {[](std::string& text) {
            const Result<Amount> amount = AmountOf(text);
            return amount.ok() ? std::string() : amount.error().Text();
          },
          "SIZE|PERCENT"};
}

}  // namespace wrackline::cli
