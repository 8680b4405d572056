// Sizes on the command line: "350m", "1.5g", "524288".
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "lib/units/bytes.h"

namespace wrackline::cli {

// Checks the option's text when the command line is parsed; SizeOf turns it into an amount
// afterwards. `least` in bytes.
inline CLI::Validator IsSize(std::int64_t least) {
  return CLI::Validator(
      [least](std::string& text) {
        const Result<Bytes> size = ParseBytes(text);
        if (!size.ok()) return "'" + text + "' is no size: " + size.error().Text();
        if (size.value().count < least)
          return "'" + text + "' is less than " + FormatBytes(Bytes{least});
        return std::string();
      },
      "SIZE");
}

// Precondition: IsSize has passed it, or it is empty (then nothing).
inline std::optional<Bytes> SizeOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const Result<Bytes> size = ParseBytes(text);
  return size.ok() ? std::optional<Bytes>(size.value()) : std::nullopt;
}

}  // namespace wrackline::cli
