#include "preload/allocator_statistics.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstdlib>
#include <memory>

namespace wrackline::preload {
namespace {

using testing::StartsWith;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WRACKLINE_SANITIZER_MALLOC
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WRACKLINE_SANITIZER_MALLOC
#endif

// A sanitizer answers malloc itself.
#if !defined(WRACKLINE_SANITIZER_MALLOC)
TEST(Allocator, GlibcIsKnownAndCountsWhatIsInUse) {
  Allocator allocator;
  allocator.Identify(dlsym(RTLD_DEFAULT, "malloc"));
  EXPECT_THAT(allocator.name(), StartsWith("glibc 2."));
  ASSERT_TRUE(allocator.available());
  AllocatorStatistics before;
  allocator.Read(&before);
  ASSERT_TRUE(before.in_use.has_value());
  const std::unique_ptr<char[]> held(new char[3 << 20]);
  held[0] = 1;
  AllocatorStatistics after;
  allocator.Read(&after);
  EXPECT_GE(*after.in_use, *before.in_use + (3u << 20));
  EXPECT_FALSE(after.resident.has_value());

  wrackline_proto_AllocatorMemory message = wrackline_proto_AllocatorMemory_init_zero;
  FillAllocator(after, 77, &message);
  EXPECT_EQ(message.monotonic_ns, 77u);
  EXPECT_EQ(message.in_use, *after.in_use);
  EXPECT_FALSE(message.has_resident);
}

#endif

TEST(CostRule, ASlowCallRestsAMinuteAndATooSlowOneIsTheLast) {
  constexpr std::uint64_t kMs = 1'000'000, kNow = 5'000 * kMs, kMinute = 60'000 * kMs;
  CostRule rule;
  EXPECT_TRUE(rule.Allows(0));
  rule.Spent(2 * kMs, kNow);
  EXPECT_TRUE(rule.Allows(kNow));
  rule.Spent(2 * kMs + 1, kNow);
  EXPECT_FALSE(rule.Allows(kNow));
  EXPECT_FALSE(rule.Allows(kNow + kMinute - 1));
  EXPECT_TRUE(rule.Allows(kNow + kMinute));
  EXPECT_FALSE(rule.over());
  rule.Spent(20 * kMs + 1, kNow);
  EXPECT_TRUE(rule.over());
  EXPECT_FALSE(rule.Allows(kNow + 100 * kMinute));
  rule.Spent(0, kNow);
  EXPECT_FALSE(rule.Allows(kNow + 100 * kMinute));
}

TEST(Allocator, AnUnknownOneIsNamedByItsFileAndNotAsked) {
  Allocator allocator;
  allocator.Identify(reinterpret_cast<void*>(&testing::UnitTest::GetInstance));
  EXPECT_STRNE(allocator.name(), "");
  EXPECT_FALSE(allocator.available());
  AllocatorStatistics statistics;
  allocator.Read(&statistics);
  EXPECT_FALSE(statistics.in_use.has_value());
}

TEST(Allocator, WithoutAMallocNothingIsSaid) {
  Allocator allocator;
  allocator.Identify(nullptr);
  EXPECT_STREQ(allocator.name(), "");
  EXPECT_FALSE(allocator.available());
}

}  // namespace
}  // namespace wrackline::preload
