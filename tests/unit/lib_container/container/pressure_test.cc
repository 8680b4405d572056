#include "lib/container/pressure.h"

#include <gtest/gtest.h>

#include <string>

#include "fixture.h"

namespace wrackline::container {
namespace {

Pressure Parse(const std::string& text) { return ParsePressure(text.data(), text.size()); }

TEST(PressureTest, OfTheCgroupWhereThereIsOne) {
  const std::string root = Fixture("v2-psi");
  Cgroup cgroup;
  ASSERT_TRUE(FindMemoryCgroup(root.c_str(), "self", &cgroup));
  const Pressure pressure = ReadMemoryPressure(root.c_str(), cgroup);
  EXPECT_TRUE(pressure.of_cgroup);
  EXPECT_EQ(pressure.some_avg10, 54u);
  EXPECT_EQ(pressure.full_avg10, 54u);
  EXPECT_EQ(pressure.some_total_us, 178661u);
  EXPECT_EQ(pressure.full_total_us, 178661u);
}

TEST(PressureTest, OfTheMachineOtherwise) {
  const std::string root = Fixture("v2-container");
  const Cgroup none;
  const Pressure pressure = ReadMemoryPressure(root.c_str(), none);
  EXPECT_FALSE(pressure.of_cgroup);
  EXPECT_TRUE(pressure.some_total_us.has_value());
}

TEST(PressureTest, EmptyWhereThereIsNeither) {
  const Pressure pressure = ReadMemoryPressure(Fixture("v1-host").c_str(), Cgroup());
  EXPECT_EQ(pressure.some_total_us, std::nullopt);
  EXPECT_EQ(pressure.full_avg10, std::nullopt);
}

TEST(ParsePressureTest, PercentsAreTimesHundred) {
  const Pressure pressure = Parse(
      "some avg10=100.00 avg60=0.00 avg300=0.00 total=18446744073709551615\n"
      "full avg10=0.07 avg60=0.00 avg300=0.00 total=3\n");
  EXPECT_EQ(pressure.some_avg10, 10000u);
  EXPECT_EQ(pressure.full_avg10, 7u);
  EXPECT_EQ(pressure.some_total_us, UINT64_MAX);
  EXPECT_EQ(pressure.full_total_us, 3u);
}

TEST(ParsePressureTest, WhatDoesNotParseStaysEmpty) {
  for (const std::string text :
       {"", "some", "some avg10=1.00 total=5", "avg10=1.00 total=5\n", "some avg10 total\n",
        "some avg10= total=\n", "some avg10=1 total=-5\n", "some avg10=1.0 total=5x\n",
        "some avg10=1.000 total=18446744073709551616\n", "some avg10=101.00\n", "some avg10=.50\n",
        "some avg10=nan total=0x5\n", "somewhat avg10=1.00 total=5\n"}) {
    const Pressure pressure = Parse(text);
    EXPECT_EQ(pressure.some_avg10, std::nullopt) << text;
    EXPECT_EQ(pressure.some_total_us, std::nullopt) << text;
  }
  // One half of it survives.
  const Pressure half = Parse("some avg10=1.25 total=9\nfull avg10=0.00 tot");
  EXPECT_EQ(half.some_avg10, 125u);
  EXPECT_EQ(half.some_total_us, 9u);
  EXPECT_EQ(half.full_avg10, std::nullopt);
}

}  // namespace
}  // namespace wrackline::container
