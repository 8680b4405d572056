// Anonymous mappings: what the file says of them at the end is what the kernel said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/e2e/shim_runs.h"

namespace wrackline::test {
namespace {

constexpr std::uint64_t kPage = 4096;

// By page: 1 accessible, 2 reserved.
using Pages = std::map<std::uint64_t, int>;

// What the target printed: its area, then the anonymous lines of /proc/self/maps within it.
Pages OfKernel(const std::string& out, std::uint64_t* start, std::uint64_t* end) {
  std::istringstream lines(out);
  lines >> std::hex >> *start >> *end;
  Pages pages;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  for (std::string access; lines >> from >> to >> access;) {
    for (std::uint64_t page = from; page < to; page += kPage)
      pages[page] = access.starts_with("---") ? 2 : 1;
  }
  return pages;
}

Pages OfRecording(const recorder::Recording& recording, std::uint64_t start, std::uint64_t end) {
  Pages pages;
  for (const auto& [slot, mapping] : recording.mappings) {
    for (std::uint64_t page = mapping.start(); page < mapping.start() + mapping.length();
         page += kPage) {
      if (page < start || page >= end) continue;
      EXPECT_TRUE(pages.try_emplace(page, mapping.reserved() ? 2 : 1).second);
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

TEST(ShimMappings, OffMeansNone) {
  const TemporaryFolder folder;
  const ProcessEnd end =
      RunProcess(Target({"mappings"}, folder.path(), {{"WRACKLINE_MAPPINGS", "off"}}));
  EXPECT_TRUE(end.exited(0)) << end.err;
  EXPECT_TRUE(ReadOnly(folder.path()).mappings.empty());
}

}  // namespace
}  // namespace wrackline::test
