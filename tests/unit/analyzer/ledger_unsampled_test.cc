// Where no allocation was sampled the allocator's own figure stands for them, and nothing of it is counted twice.
#include <gtest/gtest.h>

#include <string>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/ledger/ledger.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::ledger {
namespace {

using testing::kMi;
using testing::RecordingBuilder;

evidence::Evidence Unsampled() {
  RecordingBuilder builder;
  builder.Charge(10, 500 * kMi, 500 * kMi);
  evidence::Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  evidence.process.sampling_interval = Bytes{};
  evidence::AllocatorFigures& allocator = evidence.allocator.emplace();
  allocator.time = evidence.timeline.back().time;
  allocator.in_use = 100 * kMiB;
  return evidence;
}

std::int64_t MiOf(const evidence::Evidence& evidence, const std::string& id) {
  const std::optional<Ledger> ledger = BuildLedger(evidence);
  Bytes sum;
  for (const Line& line : ledger->lines) sum += line.id == id ? line.amount : Bytes{};
  return sum.count / kMiB.count;
}

TEST(Unsampled, WhatTheAllocatorHasInUseIsALine) {
  EXPECT_EQ(MiOf(Unsampled(), "native.in_use"), 100);
}

TEST(Unsampled, JemallocsThreadCachesAreInUseForItAndALineOfTheirOwn) {
  evidence::Evidence evidence = Unsampled();
  evidence.allocator->thread_caches = 30 * kMiB;
  EXPECT_EQ(MiOf(evidence, "native.in_use"), 70);
  EXPECT_EQ(MiOf(evidence, "allocator.thread_caches"), 30);
  // tcmalloc's are free memory for it.
  evidence.allocator->heap_size = 200 * kMiB;
  EXPECT_EQ(MiOf(evidence, "native.in_use"), 100);
}

TEST(Unsampled, WhatTheVmHasOfMallocIsInItsOwnLines) {
  evidence::Evidence evidence = Unsampled();
  evidence.jvm.emplace();
  evidence::JvmFigures& figures = evidence.jvm->figures.emplace_back();
  figures.time = evidence.timeline.back().time;
  figures.native_memory = {{"Java Heap", 256 * kMiB, 200 * kMiB, std::nullopt},
                           {"GC", 60 * kMiB, 50 * kMiB, 20 * kMiB},
                           {"Symbol", 15 * kMiB, 15 * kMiB, 15 * kMiB},
                           {"Other", 10 * kMiB, 10 * kMiB, 10 * kMiB}};
  EXPECT_EQ(MiOf(evidence, "jvm.other"), 65);
  EXPECT_EQ(MiOf(evidence, "jvm.direct"), 10);
  EXPECT_EQ(MiOf(evidence, "native.in_use"), 100 - 10 - 35);
}

}  // namespace
}  // namespace wrackline::ledger
