#include "preload/untouched.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <map>
#include <memory>

#include "lib/recorder/fold.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kPage = 4096;

// Fresh anonymous pages, none of them touched.
class Pages {
 public:
  explicit Pages(std::size_t bytes)
      : bytes_(bytes),
        at_(static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    madvise(at_, bytes_, MADV_NOHUGEPAGE);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { munmap(at_, bytes_); }
  char* at() const { return at_; }
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(at_); }

 private:
  std::size_t bytes_;
  char* at_;
};

TEST(UntouchedIn, CountsWholePagesThatNobodyTouched) {
  const Pages pages(100 * kPage);
  EXPECT_EQ(UntouchedIn(pages.address(), 100 * kPage), 100 * kPage);
  std::memset(pages.at(), 1, 25 * kPage);
  EXPECT_EQ(UntouchedIn(pages.address(), 100 * kPage), 75 * kPage);
  // The pages at both ends are shared with who knows what.
  EXPECT_EQ(UntouchedIn(pages.address() + 30 * kPage + 16, 10 * kPage), 9 * kPage);
  EXPECT_EQ(UntouchedIn(pages.address() + 30 * kPage + 16, kPage), 0u);
  EXPECT_EQ(UntouchedIn(pages.address(), 0), 0u);
}

TEST(UntouchedIn, SaysNothingOfWhatIsGone) {
  std::uint64_t address = 0;
  {
    const Pages pages(4 * kPage);
    address = pages.address();
  }
  EXPECT_EQ(UntouchedIn(address, 4 * kPage), 0u);
  EXPECT_EQ(UntouchedIn(0, 4 * kPage), 0u);
}

TEST(UntouchedIn, LooksAtLargeObjectsWhole) {
  const Pages pages(5000 * kPage);
  for (std::uint64_t i = 0; i < 5000; i += 10) pages.at()[i * kPage] = 1;
  EXPECT_EQ(UntouchedIn(pages.address(), 5000 * kPage), 4500 * kPage);
}

std::map<std::uint32_t, UntouchedBytes::Stack> StacksOf(const UntouchedBytes& untouched) {
  std::map<std::uint32_t, UntouchedBytes::Stack> stacks;
  untouched.Each([&](const UntouchedBytes::Stack& stack) { stacks[stack.stack_id] = stack; });
  return stacks;
}

class Untouched : public testing::Test {
 protected:
  // ProfileState is for a mapping: all zero, and only its used parts are touched.
  Untouched() : memory_(sizeof(ProfileState)) {}
  ProfileState& state() { return *reinterpret_cast<ProfileState*>(memory_.at()); }
  const Pages memory_;
  const std::unique_ptr<UntouchedBytes> untouched_ = std::make_unique<UntouchedBytes>();
};

TEST_F(Untouched, IsScaledToWhatTheSamplesStandFor) {
  const Pages pages(64 * kPage);
  std::memset(pages.at(), 1, 8 * kPage);
  // Two objects of stack 7, a quarter and none of it touched; one of stack 9, all touched by then.
  ASSERT_TRUE(state().live.Insert({pages.address(), 32 * kPage, 1'000'000, 7, 1, 1}));
  ASSERT_TRUE(state().live.Insert({pages.address() + 32 * kPage, 16 * kPage, 500'000, 7, 1, 1}));
  ASSERT_TRUE(state().live.Insert({pages.address() + 48 * kPage, 16 * kPage, 400'000, 9, 1, 1}));
  std::memset(pages.at() + 48 * kPage, 1, 16 * kPage);
  untouched_->Measure(state());
  EXPECT_EQ(untouched_->objects(), 3u);
  EXPECT_EQ(untouched_->rest(), 0u);
  const auto stacks = StacksOf(*untouched_);
  ASSERT_EQ(stacks.size(), 1u);
  EXPECT_EQ(stacks.at(7).live_bytes, 1'500'000u);
  EXPECT_EQ(stacks.at(7).untouched_bytes, 750'000u + 500'000u);

  const std::size_t size = untouched_->Encode(12345);
  proto::Record record;
  ASSERT_TRUE(recorder::ParseRecord({static_cast<const char*>(untouched_->encoded()), size},
                                    &record, nullptr));
  ASSERT_TRUE(record.has_untouched());
  EXPECT_EQ(record.untouched().monotonic_ns(), 12345u);
  EXPECT_EQ(record.untouched().objects(), 3u);
  ASSERT_EQ(record.untouched().stacks_size(), 1);
  EXPECT_EQ(record.untouched().stacks(0).stack_id(), 7u);
  EXPECT_EQ(record.untouched().stacks(0).untouched_bytes(), 1'250'000u);

  // Measured anew, not added up.
  LiveObject removed;
  ASSERT_TRUE(state().live.Remove(pages.address(), &removed));
  untouched_->Measure(state());
  EXPECT_EQ(StacksOf(*untouched_).at(7).untouched_bytes, 500'000u);
}

TEST_F(Untouched, StacksBeyondTheRoomAreInTheRest) {
  constexpr std::uint32_t kMany = UntouchedBytes::kStacks + 100;
  const Pages pages(kMany * 2 * kPage);
  for (std::uint32_t i = 0; i < kMany; ++i)
    ASSERT_TRUE(state().live.Insert(
        {pages.address() + i * 2 * kPage, 2 * kPage, 600'000, 50'000 + i * 3, 1, 1}));
  untouched_->Measure(state());
  EXPECT_EQ(untouched_->objects(), kMany);
  EXPECT_EQ(StacksOf(*untouched_).size(), UntouchedBytes::kStacks);
  EXPECT_EQ(untouched_->rest(), 100u * 600'000u);
  EXPECT_GT(untouched_->Encode(1), 0u);
}

TEST_F(Untouched, SmallObjectsAreNotLookedAt) {
  const Pages pages(4 * kPage);
  ASSERT_TRUE(state().live.Insert({pages.address(), 2 * kPage - 1, 500'000, 7, 1, 1}));
  untouched_->Measure(state());
  EXPECT_EQ(untouched_->objects(), 0u);
  EXPECT_TRUE(StacksOf(*untouched_).empty());
}

}  // namespace
}  // namespace wrackline::preload
