#include "analyzer/report/leaks_of.h"

#include <gtest/gtest.h>

#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::report {
namespace {

using testing::Made;
using testing::SiteOf;

const std::vector<std::uint64_t> kFlat = {20, 20, 19, 21, 20, 22, 18, 20};

// Ten minutes, in which the process grows by a MiB a second, or stays.
Made Process(bool grows) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  made.Ticks(600, [grows](int second, evidence::TimelinePoint& point) {
    point.resident = Bytes{(400 + (grows ? second : 0)) * kMiB.count + (second * 7919 % 5) * 65536};
    point.resident_shared = Bytes{};
  });
  return made;
}

std::vector<sizing::Leak> Of(const Made& made) {
  return LeaksOf({made.evidence, made.ledger, made.outcome});
}

TEST(LeaksOf, ASiteThatFreesNothingInAProcessThatGrows) {
  Made made = Process(true);
  made.evidence.sites.push_back(SiteOf({"malloc", "com.example.Decoder.decode"}, kFlat, 4 * kMiB));
  const auto leaks = Of(made);
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].what, "com.example.Decoder.decode");
  EXPECT_EQ(leaks[0].held, 640 * kMiB);
  // 480 MiB in the six parts of eight that count of 599 s.
  EXPECT_NEAR(leaks[0].bytes_per_hour / 1048576, 480.0 / (599 * 0.75) * 3600, 1);
}

TEST(LeaksOf, WhatMuchSpeaksAgainstIsNoProof) {
  Made made = Process(false);
  made.evidence.sites.push_back(
      SiteOf({"malloc", "com.example.Decoder.decode"}, kFlat, 4 * kMiB, 0.9));
  EXPECT_TRUE(Of(made).empty());
}

TEST(LeaksOf, ObjectsThatAreNotClosedByTheirKind) {
  Made made = Process(false);
  made.evidence.sites.push_back(
      SiteOf({"java.util.zip.Inflater.init", "com.example.Reader.open"}, kFlat, kMiB));
  const auto leaks = Of(made);
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].what, "Inflater objects (java.util.zip)");
  EXPECT_EQ(leaks[0].held, 160 * kMiB);
}

TEST(LeaksOf, MetaspaceThatGrowsWithItsClasses) {
  Made made = Process(false);
  made.JvmFigures(400, [](int second, evidence::JvmFigures& figures) {
    const double grown = 0.2 * second;
    figures.metaspace_used =
        Bytes{static_cast<std::int64_t>((60 + grown) * 1048576) + (second * 7919 % 11) * 1024};
    figures.metaspace_committed = *figures.metaspace_used + kMiB;
    figures.classes_loaded = static_cast<std::uint32_t>(9000 + 100 * grown);
    figures.classes_unloaded = 3;
  });
  const auto leaks = Of(made);
  ASSERT_EQ(leaks.size(), 1u);
  EXPECT_EQ(leaks[0].what, "metaspace");
  EXPECT_NEAR(leaks[0].bytes_per_hour / 1048576, 720, 10);
}

TEST(LeaksOf, AHealthyProcessHasNone) { EXPECT_TRUE(Of(Process(false)).empty()); }

}  // namespace
}  // namespace wrackline::report
