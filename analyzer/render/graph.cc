#include "analyzer/render/graph.h"

#include <algorithm>
#include <cmath>

namespace wrackline::render {
namespace {

double Clamp(double value) { return std::isfinite(value) ? std::clamp(value, 0.0, 1.0) : 0.0; }

}  // namespace

std::string Bar(double fraction, std::size_t columns, bool utf8) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double exact = Clamp(fraction) * static_cast<double>(columns);
  std::string bar;
  std::size_t used = 0;
  if (utf8) {
    const auto eighths = static_cast<std::size_t>(std::lround(exact * 8));
    for (; used < eighths / 8; ++used) bar += "█";
    if (used < columns && eighths % 8 != 0) {
      bar += kEighths[eighths % 8];
      ++used;
    }
  } else {
    used = static_cast<std::size_t>(std::lround(exact));
    bar.assign(used, '#');
  }
  return bar.append(columns - std::min(columns, used), ' ');
}

std::string Sparkline(const std::vector<std::optional<double>>& values, bool utf8) {
  static constexpr const char* kBlocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char* kAscii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  std::string line;
  for (const std::optional<double>& value : values) {
    if (!value) {
      line += ' ';
      continue;
    }
    const auto step = std::min<std::size_t>(7, static_cast<std::size_t>(Clamp(*value) * 8));
    line += utf8 ? kBlocks[step] : kAscii[step];
  }
  return line;
}

}  // namespace wrackline::render
