// The tests of a diff, tested as what they are: how often they call chance a growth, and how often they see one.
#include "analyzer/diff/significance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "analyzer/diff/diff.h"
#include "preload/sampling/sampler.h"

namespace wrackline::diff {
namespace {

constexpr std::uint64_t kInterval = 64 * 1024;
constexpr int kSites = 60;
constexpr int kThreads = 6;

struct Object {
  int site = 0;
  std::uint64_t size = 0;
};

// Sites of all sizes: from a few objects to some megabytes, of 64 bytes to 400 KiB, and of mixed ones.
std::vector<Object> LiveSet() {
  std::vector<Object> objects;
  for (int site = 0; site < kSites; ++site) {
    const int count = 1 << (site % 10);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t size = site % 3 == 0 ? 64 + 100 * static_cast<std::uint64_t>(site)
                                 : site % 3 == 1
                                     ? 4096 << (site % 7)
                                     : 200 + static_cast<std::uint64_t>(i * 977 % 90000);
      objects.push_back({site, size});
    }
  }
  return objects;
}

// What a recording of them would say, by the shim's own sampler.
evidence::Evidence Sampled(const std::vector<Object>& objects, std::uint64_t seed) {
  evidence::Evidence evidence;
  std::vector<double> variances(kSites);
  evidence.sites.resize(kSites);
  evidence.thread_groups.resize(kThreads);
  std::uint64_t random = seed * 0x9E3779B97F4A7C15ull + 1;
  std::uint64_t left = preload::DrawGap(&random, kInterval);
  for (const Object& object : objects) {
    if (left >= object.size) {
      left -= object.size;
      continue;
    }
    left = preload::DrawGap(&random, kInterval);
    const std::uint64_t weight = preload::SampleWeight(object.size, kInterval);
    const auto site = static_cast<std::size_t>(object.site);
    evidence.sites[site].live += Bytes{static_cast<std::int64_t>(weight)};
    evidence.sites[site].samples += 1;
    variances[site] += static_cast<double>(weight) * static_cast<double>(weight - object.size);
  }
  std::vector<double> of_threads(kThreads);
  for (std::size_t site = 0; site < kSites; ++site) {
    evidence.sites[site].frames.push_back(
        {"site" + std::to_string(site), "app", true, false, false, 0, ""});
    evidence.sites[site].standard_error = Bytes{std::llround(std::sqrt(variances[site]))};
    evidence.thread_groups[site % kThreads].live += evidence.sites[site].live;
    of_threads[site % kThreads] += variances[site];
  }
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    evidence.thread_groups[thread].name = "thread" + std::to_string(thread);
    evidence.thread_groups[thread].standard_error =
        Bytes{std::llround(std::sqrt(of_threads[thread]))};
  }
  return evidence;
}

struct Counts {
  int tests = 0, likely = 0, certain = 0;
  bool certain_of_site = false;  // the one that was asked for
};
Counts Count(const Diff& diff, const std::string& site = "") {
  Counts counts;
  for (const Section& section : diff.sections) {
    for (const Row& row : section.rows) {
      ++counts.tests;
      counts.likely += row.verdict.p <= 0.05 ? 1 : 0;
      counts.certain += row.verdict.confidence == Confidence::kCertain ? 1 : 0;
      counts.certain_of_site |= row.id == site && row.verdict.confidence == Confidence::kCertain;
    }
  }
  return counts;
}

TEST(SignificanceTest, EqualLiveSetsAreCalledDifferentInFewerThanOneOfTwentyDiffs) {
  const std::vector<Object> objects = LiveSet();
  constexpr int kSeeds = 3000;
  int fooled = 0, likely = 0, tests = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Counts counts =
        Count(Compare(Sampled(objects, 2 * seed), Sampled(objects, 2 * seed + 1), {}));
    fooled += counts.certain > 0 ? 1 : 0;
    likely += counts.likely;
    tests += counts.tests;
  }
  EXPECT_GT(tests, kSeeds * kSites / 2);
  EXPECT_LE(fooled, kSeeds / 20) << "of " << kSeeds;
  EXPECT_LE(likely, tests / 20) << "of " << tests;
  // A test that never speaks would pass too.
  EXPECT_GT(likely, tests / 200);
  RecordProperty("fooled", fooled);
  RecordProperty("likely", likely);
  RecordProperty("tests", tests);
}

// 128 MiB at 64 KiB are 2,048 samples; a fifth more is 410, of which chance explains 67.
TEST(SignificanceTest, ARealGrowthOfAFifthIsSeen) {
  std::vector<Object> before = LiveSet();
  for (int i = 0; i < 32768; ++i) before.push_back({7, 4096});
  std::vector<Object> after = before;
  for (int i = 0; i < 32768 / 5; ++i) after.push_back({7, 4096});
  constexpr int kSeeds = 200;
  int seen = 0, others = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Diff diff = Compare(Sampled(before, 2 * seed), Sampled(after, 2 * seed + 1), {});
    const Counts counts = Count(diff, "site7");
    seen += counts.certain_of_site ? 1 : 0;
    // Its thread and the sum grew too: nothing else did.
    for (const Section& section : diff.sections) {
      for (const Row& row : section.rows)
        others += row.verdict.confidence == Confidence::kCertain && row.id != "site7" &&
                          row.id != "thread1" && row.id != "(all)"
                      ? 1
                      : 0;
    }
  }
  EXPECT_GE(seen, kSeeds * 95 / 100);
  // False discoveries: at most a twentieth of what is called certain, two to three a diff.
  EXPECT_LE(others, kSeeds * 3 / 20);
}

TEST(SignificanceTest, FewSamplesProveNothing) {
  // Four samples of a weight of 512 KiB against none: one case in eight.
  const double weight = 512 * 1024;
  const Verdict four = JudgeAlone({0, 0, 4 * weight, 4 * weight * weight});
  EXPECT_NEAR(four.p, 0.125, 0.02);
  EXPECT_EQ(four.confidence, Confidence::kNoise);
  const Verdict one = JudgeAlone({0, 0, weight, weight * weight});
  EXPECT_EQ(one.p, 1);
  EXPECT_EQ(JudgeAlone({0, 0, 9 * weight, 9 * weight * weight}).confidence, Confidence::kLikely);
}

TEST(SignificanceTest, WhatWasCountedIsCertain) {
  EXPECT_EQ(JudgeAlone({10, 0, 11, 0}).p, 0);
  EXPECT_EQ(JudgeAlone({10, 0, 10, 0}).p, 1);
  EXPECT_EQ(JudgeAlone({}).p, 1);
  EXPECT_TRUE(Judge({}).empty());
}

TEST(SignificanceTest, ManyTestsAskForMore) {
  // z = 2.5, p = 0.0124: alone it is certain, among a hundred it is not.
  const Pair borderline{1e6, 5e4 * 5e4 / 2, 1e6 + 2.5 * 5e4 + 1250, 5e4 * 5e4 / 2};
  ASSERT_NEAR(JudgeAlone(borderline).p, 0.0124, 0.001);
  EXPECT_EQ(Judge({borderline})[0].confidence, Confidence::kCertain);
  std::vector<Pair> many(100, Pair{1e6, 1e9, 1e6, 1e9});
  many[40] = borderline;
  EXPECT_EQ(Judge(many)[40].confidence, Confidence::kLikely);
  EXPECT_EQ(Judge(many)[0].confidence, Confidence::kNoise);
  // Where all of them differ, each holds: the level is raised with the number that does.
  const std::vector<Verdict> all = Judge(std::vector<Pair>(100, borderline));
  EXPECT_EQ(all[99].confidence, Confidence::kCertain);
}

}  // namespace
}  // namespace wrackline::diff
