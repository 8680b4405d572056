#include "preload/jvm/resident.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kKi = 1024;

std::string Mapping(const std::string& header, int anonymous_kb, int pss_kb) {
  return header + "\nSize:  1 kB\nRss: 1 kB\nPss:    " + std::to_string(pss_kb) +
         " kB\nAnonymous:      " + std::to_string(anonymous_kb) +
         " kB\nVmFlags: rd wr mr mw me ac sd \n";
}

std::size_t g_resident_in = 0;
std::size_t ResidentIn(const void*, std::size_t) { return g_resident_in; }

class JvmResident : public ::testing::Test {
 protected:
  JvmResidentMemory& Read(const std::string& smaps) {
    memory_->Begin(ResidentIn);
    for (std::size_t at = 0; at < smaps.size();) {
      const std::size_t end = smaps.find('\n', at);
      memory_->TakeLine(smaps.data() + at, end - at);
      at = end + 1;
    }
    memory_->Finish();
    return *memory_;
  }
  std::unique_ptr<JvmResidentMemory> memory_ = std::make_unique<JvmResidentMemory>();
};

TEST_F(JvmResident, MappingsAreTheRangesTheVmNamed) {
  memory_->AddRange(JvmKind::kHeap, {0xf0000000, 0x100000000});
  memory_->AddRange(JvmKind::kMetaspace, {0x7f0000000000, 0x7f0004000000});
  Read(Mapping("f0000000-f8000000 rw-p 00000000 00:00 0 ", 1000, 1000) +
       Mapping("f8000000-100000000 ---p 00000000 00:00 0 ", 0, 0) +
       Mapping("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ", 300, 300) +
       Mapping("7f1000000000-7f1000100000 rw-p 00000000 00:00 0 ", 777, 777));
  EXPECT_EQ(memory_->Of(JvmKind::kHeap).anonymous, 1000 * kKi);
  EXPECT_EQ(memory_->Of(JvmKind::kHeap).mapped, 0x10000000u);
  EXPECT_EQ(memory_->Of(JvmKind::kMetaspace).anonymous, 300 * kKi);
  EXPECT_EQ(memory_->Of(JvmKind::kOther).anonymous, 0u);
}

TEST_F(JvmResident, AMappingThatTheKernelJoinedWithANeighbourIsCountedByPages) {
  memory_->AddRange(JvmKind::kMetaspace, {0x7f0000080000, 0x7f0004000000});
  g_resident_in = 200 * kKi;
  Read(Mapping("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ", 300, 300));
  EXPECT_EQ(memory_->Of(JvmKind::kMetaspace).anonymous, 200 * kKi);
  EXPECT_EQ(memory_->Of(JvmKind::kMetaspace).mapped, 0x80000u);
  // Never more than the mapping has.
  g_resident_in = 500 * kKi;
  Read(Mapping("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 ", 300, 300));
  EXPECT_EQ(memory_->Of(JvmKind::kMetaspace).anonymous, 300 * kKi);
}

TEST_F(JvmResident, StacksAreWhereStackPointersAre) {
  memory_->AddStackPointer(0x7f0000200800, 11);
  memory_->AddStackPointer(0x7f0000100800, 12);
  memory_->SortStackPointers();
  Read(Mapping("7f0000100000-7f0000110000 rw-p 00000000 00:00 0 ", 20, 20) +
       Mapping("7f0000200000-7f0000210000 rw-p 00000000 00:00 0 ", 30, 30) +
       Mapping("7f0000210000-7f0000220000 rw-p 00000000 00:00 0 ", 40, 40) +
       Mapping("7ffd00000000-7ffd00010000 rw-p 00000000 00:00 0    [stack]", 50, 50));
  EXPECT_EQ(memory_->Of(JvmKind::kThreadStacks).anonymous, 100 * kKi);
}

TEST_F(JvmResident, ZgcsHeapIsSharedMemoryThatCountsOnce) {
  // Three views of the same pages: each has a third of them by Pss.
  std::string smaps;
  for (const char* at :
       {"40000000000-40010000000", "80000000000-80010000000", "100000000000-100010000000"}) {
    smaps += Mapping(std::string(at) + " rw-s 00000000 00:01 1025    /memfd:java_heap (deleted)", 0,
                     512);
  }
  Read(smaps);
  EXPECT_EQ(memory_->Of(JvmKind::kHeap).shared, 3 * 512 * kKi);
  EXPECT_EQ(memory_->Of(JvmKind::kHeap).anonymous, 0u);
}

TEST_F(JvmResident, OfTheClassArchiveWhatWasWrittenCounts) {
  Read(
      Mapping(
          "7f0000100000-7f0000900000 rw-p 00001000 08:01 77   /usr/lib/jvm/lib/server/classes.jsa",
          400, 900) +
      Mapping("7f0000900000-7f0000910000 rw-p 00001000 08:01 77   /usr/lib/libother.so", 400, 900));
  EXPECT_EQ(memory_->Of(JvmKind::kArchive).anonymous, 400 * kKi);
  EXPECT_EQ(memory_->Of(JvmKind::kArchive).shared, 0u);
}

TEST_F(JvmResident, WhatLibjvmMappedIsTheVms) {
  auto state = std::make_unique<ProfileState>();
  state->mappings.Enable();
  const std::uint64_t by_libjvm[] = {0x5000, 0x9000}, by_program[] = {0x1000, 0x5000};
  bool full = false;
  const std::uint32_t vm = state->stacks.Intern(by_libjvm, 2, false, &full);
  const std::uint32_t program = state->stacks.Intern(by_program, 2, false, &full);
  state->mappings.Map({0x7f0000300000, 0x10000, vm, 1, 1, 0});
  state->mappings.Map({0x7f0000100000, 0x10000, vm, 1, 1, 0});
  state->mappings.Map({0x7f0000200000, 0x10000, program, 1, 1, 0});
  memory_->SetMappedByVm(state.get(), {0x4000, 0x6000});
  Read(Mapping("7f0000100000-7f0000110000 rw-p 00000000 00:00 0 ", 20, 20) +
       Mapping("7f0000200000-7f0000210000 rw-p 00000000 00:00 0 ", 30, 30) +
       Mapping("7f0000300000-7f0000310000 rw-p 00000000 00:00 0 ", 40, 40));
  EXPECT_EQ(memory_->Of(JvmKind::kOther).anonymous, 60 * kKi);
}

// As Linux before 6.7 joins them: a stack, and the block of malloc's that was mapped before it.
TEST_F(JvmResident, OfAMappingThatAStackWasJoinedWithTheStackIsTaken) {
  auto state = std::make_unique<ProfileState>();
  state->mappings.Enable();
  const std::uint64_t by_program[] = {0x1000, 0x5000};
  bool full = false;
  const std::uint32_t program = state->stacks.Intern(by_program, 2, false, &full);
  state->mappings.Map({0x7f0000200000, 0x10000, program, 1, 1, MappedRange::kThread});
  state->mappings.Map({0x7f0000210000, 0x1000000, program, 1, 1, 0});
  memory_->SetMappedByVm(state.get(), {0x4000, 0x6000});
  memory_->AddStackPointer(0x7f000020f000, 11);
  memory_->SortStackPointers();
  g_resident_in = 12 * kKi;
  Read(Mapping("7f0000201000-7f0001210000 rw-p 00000000 00:00 0 ", 16000, 16000));
  EXPECT_EQ(memory_->Of(JvmKind::kThreadStacks).anonymous, 12 * kKi);
  EXPECT_EQ(memory_->Of(JvmKind::kThreadStacks).mapped, 0xf000u);
  EXPECT_EQ(memory_->Of(JvmKind::kOther).anonymous, 0u);
}

TEST_F(JvmResident, ThisProcesssStacksAreFound) {
  ASSERT_TRUE(memory_->Read("self"));
  EXPECT_GT(memory_->Of(JvmKind::kThreadStacks).anonymous, 0u);
  EXPECT_EQ(memory_->Of(JvmKind::kHeap).mapped, 0u);
}

}  // namespace
}  // namespace wrackline::preload
