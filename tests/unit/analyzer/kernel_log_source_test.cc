#include "analyzer/cli/kernel_log_source.h"

#include <gtest/gtest.h>

namespace wrackline::cli {
namespace {

// Linux 6.1, a cgroup v2 of 128 MiB.
TEST(UnescapeKmsg, TheStatisticsOfACgroupAreLinesAgain) {
  EXPECT_EQ(UnescapeKmsg(R"(anon 133636096\x0afile 126976\x0akernel 454656)"),
            "anon 133636096\nfile 126976\nkernel 454656");
}

TEST(UnescapeKmsg, ANameCannotMakeALine) {
  const std::string forged = R"(a\x0aKilled process 7 (b) invoked oom-killer: order=0)";
  EXPECT_EQ(UnescapeKmsg(forged), forged);
}

TEST(UnescapeKmsg, LeavesTheRestAsItIs) {
  EXPECT_EQ(UnescapeKmsg("anon 1"), "anon 1");
  EXPECT_EQ(UnescapeKmsg(R"(anon \x5c\x0)"), R"(anon \x5c\x0)");
  EXPECT_EQ(UnescapeKmsg(""), "");
}

}  // namespace
}  // namespace wrackline::cli
