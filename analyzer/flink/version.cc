#include "analyzer/flink/version.h"

#include <charconv>

namespace wrackline::flink {
namespace {

// Takes a number of at most three digits off the front; false when there is none.
bool TakeNumber(std::string_view& text, int& number) {
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0 || number > 999) return false;
  text.remove_prefix(static_cast<std::size_t>(next - text.data()));
  return true;
}

bool TakeDot(std::string_view& text) {
  if (text.empty() || text.front() != '.') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<Version> ParseVersion(std::string_view text) {
  const Error not_a_version{"'" + std::string(text.substr(0, 40)) + "' is not a Flink version",
                            "write it as 1.20.5 or 2.1"};
  Version version;
  std::string_view rest = text;
  if (!TakeNumber(rest, version.feature) || !TakeDot(rest) || !TakeNumber(rest, version.minor)) {
    return not_a_version;
  }
  if (TakeDot(rest) && !TakeNumber(rest, version.patch)) return not_a_version;
  // What distributions add: 1.20.3-amzn-1, 2.1-SNAPSHOT, 1.16.2+build.
  if (!rest.empty() && rest.front() != '-' && rest.front() != '+') return not_a_version;
  if (version < kOldestVersion) {
    return Error{"Flink " + FormatVersion(version) + " is older than this memory model",
                 "the keys and rules known here begin with Flink 1.10"};
  }
  return version;
}

std::string FormatVersion(Version version) {
  return std::to_string(version.feature) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch);
}

}  // namespace wrackline::flink
