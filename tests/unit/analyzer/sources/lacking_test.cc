#include "analyzer/evidence/lacking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/evidence_folder.h"

namespace wrackline::evidence {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Kinds(const Evidence& evidence) {
  std::vector<std::string> kinds;
  for (const Lack& lack : WhatLacks(evidence)) {
    EXPECT_FALSE(lack.title.empty() || lack.why.empty() || lack.how.empty()) << lack.kind;
    kinds.push_back(lack.kind);
  }
  return kinds;
}

TEST(Lacking, OfNothingEverythingThatAnyProcessHas) {
  const Evidence evidence = FromFilesOnly("x");
  const auto kinds = Kinds(evidence);
  for (const char* kind :
       {"recording", "cgroup", "limit", "smaps", "allocator", "kernel_log", "pod_status"})
    EXPECT_THAT(kinds, Contains(kind));
  // Nothing says that it is Java or Flink.
  EXPECT_THAT(kinds, Not(Contains("native_memory_tracking")));
  EXPECT_THAT(kinds, Not(Contains("rocksdb")));
  EXPECT_EQ(kinds.front(), "recording");
}

TEST(Lacking, AFlinkProcessLacksMore) {
  Evidence evidence = FromFilesOnly("x");
  evidence.flink.emplace();
  const auto kinds = Kinds(evidence);
  EXPECT_THAT(kinds, Contains("native_memory_tracking"));
  EXPECT_THAT(kinds, Contains("rocksdb"));
  EXPECT_THAT(kinds, Contains("flink_config"));
}

TEST(Lacking, WhatIsThereIsNotNamed) {
  Evidence evidence;
  TimelinePoint point;
  point.charge = Bytes{1};
  evidence.timeline.push_back(point);
  evidence.limit = Figure{};
  evidence.ending.kernel_kill.emplace();
  evidence.allocator.emplace();
  evidence.allocator->in_use = Bytes{1};
  EXPECT_THAT(Kinds(evidence), IsEmpty());
}

// smaps shows the arenas, and not how much of them is free.
TEST(Lacking, ResidentArenasAreNoStatistics) {
  Evidence evidence = FromFilesOnly("x");
  evidence.allocator.emplace();
  evidence.allocator->heaps_resident = Bytes{1};
  const auto kinds = Kinds(evidence);
  EXPECT_THAT(kinds, Contains("allocator"));
  EXPECT_THAT(kinds, Not(Contains("smaps")));
}

TEST(Lacking, AProcessThatRunsHasNoEnd) {
  Evidence evidence = FromFilesOnly("x");
  evidence.ending.still_running = true;
  const auto kinds = Kinds(evidence);
  EXPECT_THAT(kinds, Not(Contains("kernel_log")));
  EXPECT_THAT(kinds, Not(Contains("pod_status")));
}

}  // namespace
}  // namespace wrackline::evidence
