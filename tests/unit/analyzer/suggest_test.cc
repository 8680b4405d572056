#include "analyzer/cli/suggest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace wrackline::cli {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"run", "report", "inspect", "pack"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(Nearest("reprot", kKnown), "report");
  EXPECT_EQ(Nearest("inspct", kKnown), "inspect");
  EXPECT_EQ(Nearest("rn", kKnown), "run");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(Nearest("zzzzzzzz", kKnown), "");
  EXPECT_EQ(Nearest("", kKnown), "");
  EXPECT_EQ(Nearest(std::string(1000, 'r'), kKnown), "");
}

}  // namespace
}  // namespace wrackline::cli
