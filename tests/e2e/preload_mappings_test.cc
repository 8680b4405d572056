// Mappings and the stacks of threads: what the file says of them at the end is what the kernel said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "tests/e2e/shim_runs.h"

namespace wrackline::test {
namespace {

constexpr std::uint64_t kPage = 4096;

// By page: 1 accessible, 2 reserved, 3 and 4 the same of a file.
using Pages = std::map<std::uint64_t, int>;

// What the target printed: its area, then the lines of /proc/self/maps within it.
Pages OfKernel(const std::string& out, std::uint64_t* start, std::uint64_t* end) {
  std::istringstream lines(out);
  lines >> std::hex >> *start >> *end;
  Pages pages;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  int file = 0;
  for (std::string access; lines >> from >> to >> access >> file;) {
    for (std::uint64_t page = from; page < to; page += kPage)
      pages[page] = (access.starts_with("---") ? 2 : 1) + (file != 0 ? 2 : 0);
  }
  return pages;
}

Pages OfRecording(const recorder::Recording& recording, std::uint64_t start, std::uint64_t end) {
  Pages pages;
  for (const auto& [slot, mapping] : recording.mappings) {
    for (std::uint64_t page = mapping.start(); page < mapping.start() + mapping.length();
         page += kPage) {
      if (page < start || page >= end) continue;
      const int kind = (mapping.reserved() ? 2 : 1) + (mapping.file() ? 2 : 0);
      EXPECT_TRUE(pages.try_emplace(page, kind).second);
    }
  }
  return pages;
}

TEST(ShimMappings, AreThoseOfTheKernel) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"mappings"}, folder.path()));
  ASSERT_TRUE(end.exited(0)) << end.err;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const Pages kernel = OfKernel(end.out, &first, &last);
  EXPECT_GT(kernel.size(), 300u);
  EXPECT_TRUE(
      std::any_of(kernel.begin(), kernel.end(), [](const auto& at) { return at.second == 3; }));
  const recorder::Recording recording = ReadOnly(folder.path());
  EXPECT_EQ(OfRecording(recording, first, last), kernel);
  EXPECT_EQ(recording.losses.mappings_missed(), 0u);
  EXPECT_EQ(recording.losses.mappings_full(), 0u);
  EXPECT_EQ(recording.losses.mappings_unsettled(), 0u);
  // Each has a stack that the file holds; none is wrackline's own.
  for (const auto& [slot, mapping] : recording.mappings) {
    const auto stack = recording.stacks.find(mapping.stack_id());
    ASSERT_NE(stack, recording.stacks.end());
    ASSERT_FALSE(stack->second.frames.empty());
    for (const auto& [id, module] : recording.modules) {
      if (module.path() == WRACKLINE_PRELOAD_LIBRARY) {
        EXPECT_FALSE(stack->second.frames[0] >= module.start() &&
                     stack->second.frames[0] < module.end());
      }
    }
  }
}

bool HasFrame(const recorder::Recording& recording, std::uint32_t stack_id,
              const std::string& symbol) {
  const auto stack = recording.stacks.find(stack_id);
  if (stack == recording.stacks.end()) return false;
  const auto& frames = stack->second.frames;
  return std::any_of(frames.begin(), frames.end(), [&](std::uint64_t pc) {
    const auto name = recording.frame_names.find(pc);
    return name != recording.frame_names.end() && name->second.symbol() == symbol;
  });
}

TEST(ShimMappings, LiveThreadsAreThereWithWhoStartedThem) {
  const TemporaryFolder folder;
  const ProcessEnd end = RunProcess(Target({"workers"}, folder.path()));
  ASSERT_TRUE(end.exited(0)) << end.err;
  const recorder::Recording recording = ReadOnly(folder.path());
  std::set<std::uint32_t> threads;
  for (const auto& [slot, mapping] : recording.mappings) {
    if (!mapping.thread()) continue;
    EXPECT_TRUE(threads.insert(mapping.thread_id()).second);
    EXPECT_EQ(mapping.length(), 512u << 10);
    EXPECT_TRUE(HasFrame(recording, mapping.stack_id(), "ShimTargetStart"));
    EXPECT_FALSE(mapping.file());
    // Some of the stack is in use, and most of it is not.
    EXPECT_GT(mapping.resident(), 0u);
    EXPECT_LT(mapping.resident(), 256u << 10);
  }
  EXPECT_EQ(threads.size(), 10u);
  EXPECT_EQ(recording.losses.mappings_missed(), 0u);
}

TEST(ShimMappings, OffMeansNone) {
  const TemporaryFolder folder;
  const ProcessEnd end =
      RunProcess(Target({"mappings"}, folder.path(), {{"WRACKLINE_MAPPINGS", "off"}}));
  EXPECT_TRUE(end.exited(0)) << end.err;
  EXPECT_TRUE(ReadOnly(folder.path()).mappings.empty());
}

}  // namespace
}  // namespace wrackline::test
