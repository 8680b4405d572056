// Shares on the command line: "10%", "0.1"; and what is a share or a size.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "lib/units/bytes.h"

namespace wrackline::cli {

// Between 0 and 1; nothing for what is no share.
std::optional<double> ShareOf(const std::string& text);

struct Amount {
  std::optional<Bytes> size;
  double share = 0;  // where there is no size
};
// "10%" is a share, everything else a size.
Result<Amount> AmountOf(const std::string& text);

CLI::Validator IsShare();
CLI::Validator IsAmount();

}  // namespace wrackline::cli
