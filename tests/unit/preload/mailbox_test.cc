#include "preload/sampling/mailbox.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

std::unique_ptr<Mailbox> Empty() { return std::make_unique<Mailbox>(); }

struct Taken {
  bool any = false;
  std::uint64_t key = 0;
  std::uint32_t kind = 0;
  std::string record;
};
Taken Take(Mailbox& mailbox) {
  static unsigned char out[Mailbox::kMaxRecord];
  Taken taken;
  std::size_t size = 0;
  taken.any = mailbox.Take(&taken.key, &taken.kind, out, &size);
  if (taken.any) taken.record.assign(reinterpret_cast<char*>(out), size);
  return taken;
}

TEST(Mailbox, GivesRecordsInOrder) {
  const auto mailbox = Empty();
  EXPECT_FALSE(Take(*mailbox).any);
  EXPECT_EQ(mailbox->Put(7, 1, "one", 3), 0);
  EXPECT_EQ(mailbox->Put(8, 2, "two22222222", 11), 0);
  const Taken first = Take(*mailbox);
  EXPECT_EQ(first.key, 7u);
  EXPECT_EQ(first.kind, 1u);
  EXPECT_EQ(first.record, "one");
  const Taken second = Take(*mailbox);
  EXPECT_EQ(second.key, 8u);
  EXPECT_EQ(second.kind, 2u);
  EXPECT_EQ(second.record, "two22222222");
  EXPECT_FALSE(Take(*mailbox).any);
}

TEST(Mailbox, RefusesWhatIsOutOfRange) {
  const auto mailbox = Empty();
  const std::string large(Mailbox::kMaxRecord + 1, 'x');
  EXPECT_EQ(mailbox->Put(1, 1, large.data(), large.size()), EINVAL);
  EXPECT_EQ(mailbox->Put(1, 1, "", 0), EINVAL);
  EXPECT_EQ(mailbox->Put(1, 1, nullptr, 8), EINVAL);
  EXPECT_EQ(mailbox->Put(1, 0, "x", 1), EINVAL);
  EXPECT_EQ(mailbox->Put(1, 1, large.data(), large.size() - 1), 0);
  EXPECT_EQ(Take(*mailbox).record.size(), Mailbox::kMaxRecord);
}

TEST(Mailbox, FullRefusesAndServesAgainOnceEmptied) {
  const auto mailbox = Empty();
  const std::string record(1000, 'r');
  int taken = 0;
  while (mailbox->Put(1, 1, record.data(), record.size()) == 0) ++taken;
  EXPECT_EQ(mailbox->Put(1, 1, record.data(), record.size()), EAGAIN);
  EXPECT_GT(taken, 250);
  for (int i = 0; i < taken; ++i) EXPECT_EQ(Take(*mailbox).record, record);
  EXPECT_FALSE(Take(*mailbox).any);
  EXPECT_EQ(mailbox->Put(1, 1, record.data(), record.size()), 0);
}

TEST(Mailbox, RecordsWrapAroundItsEnd) {
  const auto mailbox = Empty();
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const std::string record(1 + i * 37 % 1500, static_cast<char>('a' + i % 26));
    ASSERT_EQ(mailbox->Put(i, 1 + i % 2, record.data(), record.size()), 0);
    const Taken taken = Take(*mailbox);
    ASSERT_EQ(taken.key, i);
    ASSERT_EQ(taken.kind, 1 + i % 2);
    ASSERT_EQ(taken.record, record);
  }
}

TEST(Mailbox, ManyThreadsLoseNothingThatWasTaken) {
  const auto mailbox = Empty();
  constexpr int kThreads = 4;
  constexpr std::uint64_t kRecords = 20'000;
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&mailbox, thread] {
      for (std::uint64_t i = 0; i < kRecords; ++i) {
        std::uint64_t record[8];
        for (std::uint64_t& word : record) word = thread << 32 | i;
        while (mailbox->Put(thread, 2, record, 8 + i % 8 * 8) != 0) std::this_thread::yield();
      }
    });
  }
  std::uint64_t next[kThreads] = {};
  for (std::uint64_t taken = 0; taken < kThreads * kRecords;) {
    const Taken one = Take(*mailbox);
    if (!one.any) {
      std::this_thread::yield();
      continue;
    }
    ++taken;
    ASSERT_LT(one.key, std::uint64_t{kThreads});
    ASSERT_EQ(one.record.size(), 8 + next[one.key] % 8 * 8);
    for (std::size_t at = 0; at < one.record.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, one.record.data() + at, 8);
      // Each thread's records come in its own order, whole.
      ASSERT_EQ(word, one.key << 32 | next[one.key]);
    }
    ++next[one.key];
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(Take(*mailbox).any);
}

}  // namespace
}  // namespace wrackline::preload
