#include "rocksdb_probe/entry_trail.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace wrackline::probe {
namespace {

// Addresses of no memory: a trail reads none of them.
std::vector<std::uintptr_t> Entries(std::size_t count, std::uintptr_t from = 0x10000) {
  std::vector<std::uintptr_t> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = from + i * 4096;
  return out;
}

std::size_t Walk(EntryTrail* trail, const std::vector<std::uintptr_t>& entries) {
  trail->Begin(entries.size());
  for (const std::uintptr_t entry : entries) trail->Reached(reinterpret_cast<const char*>(entry));
  return trail->followed();
}

TEST(EntryTrail, IsFollowedToItsEndWhenNothingHasChanged) {
  EntryTrail trail;
  const auto entries = Entries(1000);
  EXPECT_EQ(Walk(&trail, entries), 0u);
  EXPECT_EQ(Walk(&trail, entries), 1000u);
}

TEST(EntryTrail, IsFoundAgainBehindEntriesThatCameAndWent) {
  EntryTrail trail;
  auto entries = Entries(10'000);
  Walk(&trail, entries);
  // Every third has gone, also a hundred in a row; behind every seventh is a new one, and a hundred in one place.
  std::vector<std::uintptr_t> next;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i % 3 == 0 || (i >= 5000 && i < 5100)) continue;
    next.push_back(entries[i]);
    if (i % 7 == 0) next.push_back(0x7000'0000'0000 + i * 4096);
    if (i == 2000) {
      for (const std::uintptr_t added : Entries(100, 0x6000'0000'0000)) next.push_back(added);
    }
  }
  EXPECT_EQ(Walk(&trail, next), 9'999u);  // the last one has gone
  EXPECT_EQ(Walk(&trail, next), next.size());
}

TEST(EntryTrail, OfAnotherCacheIsLeftAndTheNewOneIsLearned) {
  EntryTrail trail;
  Walk(&trail, Entries(5000));
  const auto other = Entries(5000, 0x7000'0000'0000);
  EXPECT_EQ(Walk(&trail, other), 0u);
  EXPECT_EQ(Walk(&trail, other), 5000u);
  EXPECT_EQ(Walk(&trail, {}), 0u);
  EXPECT_EQ(Walk(&trail, other), 0u);
}

TEST(EntryTrail, TakesNoMemoryDuringAWalk) {
  EntryTrail trail;
  const auto entries = Entries(10'000);
  trail.Begin(1000);
  for (const std::uintptr_t entry : entries) trail.Reached(reinterpret_cast<const char*>(entry));
  EXPECT_EQ(Walk(&trail, entries), 1000u + 1000 / 8 + 64);
  EXPECT_EQ(Walk(&trail, entries), entries.size());
}

TEST(EntryTrail, HoldsNoMoreThanItsBound) {
  EntryTrail trail;
  const auto entries = Entries(EntryTrail::kMostEntries + 10);
  Walk(&trail, entries);
  EXPECT_EQ(Walk(&trail, entries), EntryTrail::kMostEntries);
}

TEST(EntryTrail, IsNotMadeOfACacheThatShowsCopiesOfItsKeys) {
  EntryTrail trail;
  const std::vector<std::uintptr_t> copies(1000, 0x10000);
  Walk(&trail, copies);
  EXPECT_EQ(Walk(&trail, copies), 1u);
}

}  // namespace
}  // namespace wrackline::probe
