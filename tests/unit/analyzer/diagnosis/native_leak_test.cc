#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/diagnosis/rules.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using ledger::Holder;
using ::testing::HasSubstr;
using testing::Made;
using testing::TextOf;

using testing::SiteOf;

Made Leaking(std::vector<std::uint64_t> ages, double freed = 0, bool grows = true) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.Ticks(600, [grows](int second, evidence::TimelinePoint& point) {
    point.resident = Bytes{(400 + (grows ? second : 0)) * kMiB.count + (second * 7919 % 5) * 65536};
    point.resident_shared = Bytes{};
  });
  made.evidence.sites.push_back(
      SiteOf({"malloc", "com.example.Decoder.decode"}, std::move(ages), 4 * kMiB, freed));
  return made;
}

TEST(NativeLeak, KeepsAsMuchOfTheOldAsOfTheNew) {
  const auto finding = Leaking({20, 20, 19, 21, 20, 22, 18, 20}).Look(NativeLeak);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_THAT(finding->summary, HasSubstr("com.example.Decoder.decode"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("an hour"));
  EXPECT_TRUE(finding->against.empty());
}

TEST(NativeLeak, StartUpPoolsAndBuffersAreNone) {
  // All at the start; a pool that filled in the first half; short-lived ones; nothing but the newest.
  for (const std::vector<std::uint64_t>& ages :
       {std::vector<std::uint64_t>{160, 0, 0, 0, 0, 0, 0, 0},
        {40, 40, 40, 40, 0, 0, 0, 0},
        {0, 0, 0, 1, 3, 10, 40, 100},
        {0, 0, 0, 0, 0, 0, 0, 160}}) {
    EXPECT_FALSE(Leaking(ages).Look(NativeLeak).has_value());
  }
}

// Half alive of what is twice as old: it cannot be told from something that is freed late.
TEST(NativeLeak, TooFewSamplesAreNoProof) {
  EXPECT_FALSE(Leaking({2, 2, 2, 2, 2, 2, 2, 2}).Look(NativeLeak).has_value());
  EXPECT_FALSE(Leaking({20, 8, 9, 8, 18, 19, 20, 20}).Look(NativeLeak).has_value());
}

TEST(NativeLeak, WhatSpeaksAgainstItIsSaid) {
  const auto steady = Leaking({20, 20, 19, 21, 20, 22, 18, 20}, 0.9, false).Look(NativeLeak);
  ASSERT_TRUE(steady.has_value());
  EXPECT_EQ(steady->confidence, Confidence::kLow);
  EXPECT_THAT(TextOf(*steady),
              HasSubstr("- the process's anonymous memory as a whole shows no trend"));
  EXPECT_THAT(TextOf(*steady), HasSubstr("90 % of what it allocates is freed again"));
}

TEST(NativeLeak, SaysWhatEachRestartLeaves) {
  Made made = Leaking({20, 20, 19, 21, 20, 22, 18, 20});
  made.evidence.flink.emplace().restarts = 10;
  EXPECT_THAT(TextOf(*made.Look(NativeLeak)),
              HasSubstr("10 restarts of jobs logged: 64.0 MiB for each"));
}

TEST(NativeLeak, SmallOnesAndRocksDbsAndHandlesAreNotItsOwn) {
  Made small = Leaking({20, 20, 19, 21, 20, 22, 18, 20});
  small.Total(64 * 1024 * kMiB);
  EXPECT_FALSE(small.Look(NativeLeak).has_value());
  Made rocksdb = Leaking({20, 20, 19, 21, 20, 22, 18, 20});
  rocksdb.evidence.sites[0].in_rocksdb = true;
  EXPECT_FALSE(rocksdb.Look(NativeLeak).has_value());
  Made handle = Leaking({20, 20, 19, 21, 20, 22, 18, 20});
  handle.evidence.sites[0].frames[0].function = "java.util.zip.Inflater.init";
  EXPECT_FALSE(handle.Look(NativeLeak).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
