#include "analyzer/cli/suggest.h"

#include <algorithm>
#include <vector>

namespace wrackline::cli {
namespace {

// Optimal string alignment distance.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view Nearest(std::string_view typed, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 64;  // nobody mistypes by more, and the table stays small
  if (typed.empty() || typed.size() > kLongest) return {};
  std::string_view best;
  std::size_t fewest = (typed.size() + 1) / 2 + 1;
  for (const std::string_view word : known) {
    const std::size_t edits = Distance(typed, word);
    if (edits < fewest) {
      fewest = edits;
      best = word;
    }
  }
  return best;
}

}  // namespace wrackline::cli
