#include "lib/recorder/history.h"

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace wrackline::recorder {
namespace {

std::vector<std::string> All(const History& history) {
  std::vector<std::string> records;
  const void* record = nullptr;
  std::size_t length = 0;
  for (std::uint64_t cursor = 0; history.Next(&cursor, &record, &length);) {
    records.emplace_back(static_cast<const char*>(record), length);
  }
  return records;
}

bool Append(History& history, std::uint64_t key, const std::string& text) {
  return history.Append(key, text.data(), text.size());
}
bool Set(History& history, std::uint64_t key, const std::string& text) {
  return history.Set(key, text.data(), text.size());
}

TEST(History, ZeroObjectIsClosed) {
  History history;
  EXPECT_FALSE(Append(history, 1, "a"));
  EXPECT_FALSE(Set(history, 1, "a"));
  EXPECT_TRUE(All(history).empty());
  history.Close();
}

TEST(History, KeepsTheOrderOfArrival) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  ASSERT_TRUE(Append(history, 1, "a"));
  ASSERT_TRUE(Set(history, 1, "state"));
  ASSERT_TRUE(Append(history, 2, "b"));
  EXPECT_EQ(All(history), (std::vector<std::string>{"a", "state", "b"}));
  ASSERT_TRUE(Set(history, 1, "newer state"));
  EXPECT_EQ(All(history), (std::vector<std::string>{"a", "b", "newer state"}));
  EXPECT_EQ(history.thinned(), 0U);
  history.Close();
}

TEST(History, RefusesARecordOfMoreThanAQuarter) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  EXPECT_FALSE(Append(history, 1, std::string((1 << 14) + 1, 'x')));
  EXPECT_TRUE(Append(history, 1, std::string(1 << 14, 'x')));
  history.Close();
}

TEST(History, ThePastGetsCoarserTheFurtherBackItLies) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  constexpr int kRecords = 20000;
  for (int i = 0; i < kRecords; ++i) ASSERT_TRUE(Append(history, i % 2, std::to_string(i)));
  const std::vector<std::string> records = All(history);
  EXPECT_EQ(history.thinned() + records.size(), static_cast<std::uint64_t>(kRecords));
  ASSERT_GT(records.size(), 500U);
  EXPECT_EQ(records.back(), std::to_string(kRecords - 1));

  // The newer half has every record; gaps of one key grow towards the past, and both keys are kept
  // alike.
  std::map<int, std::vector<int>> by_key;
  for (const std::string& record : records)
    by_key[std::stoi(record) % 2].push_back(std::stoi(record));
  for (const auto& [key, numbers] : by_key) {
    SCOPED_TRACE(key);
    EXPECT_NEAR(static_cast<double>(numbers.size()), static_cast<double>(records.size()) / 2, 8);
    EXPECT_EQ(numbers.back() - numbers[numbers.size() - 100], 198);
    EXPECT_GT(numbers[5] - numbers[0], 5 * 16);
    EXPECT_LT(numbers.front(), kRecords / 2);
  }
  history.Close();
}

TEST(History, NewestOfEachKeyAndStateSurviveThinning) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  for (int key = 100; key < 150; ++key)
    ASSERT_TRUE(Append(history, key, "rare " + std::to_string(key)));
  for (int key = 0; key < 50; ++key) ASSERT_TRUE(Set(history, key, "state " + std::to_string(key)));
  for (int i = 0; i < 50000; ++i) ASSERT_TRUE(Append(history, 1, std::string(50, 'x')));
  const std::vector<std::string> records = All(history);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(std::count(records.begin(), records.end(), "rare " + std::to_string(100 + i)), 1);
    EXPECT_EQ(std::count(records.begin(), records.end(), "state " + std::to_string(i)), 1);
  }
  history.Close();
}

TEST(History, MoreKeysThanFitDropTheOldest) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  ASSERT_TRUE(Set(history, 7, "state"));
  for (int key = 0; key < 30000; ++key) ASSERT_TRUE(Append(history, key, std::to_string(key)));
  const std::vector<std::string> records = All(history);
  EXPECT_EQ(records.front(), "state");
  EXPECT_EQ(records.back(), "29999");
  EXPECT_GT(records.size(), 1000U);
  EXPECT_LE(history.used_bytes(), std::size_t{1} << 16);
  history.Close();
}

TEST(History, StateAloneMayFillItAndIsThenRefused) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  std::uint64_t key = 0;
  while (Set(history, key, std::string(200, 'a'))) ++key;
  EXPECT_GT(key, 250U);
  EXPECT_FALSE(Append(history, 1, std::string(500, 'h')));
  EXPECT_TRUE(
      Set(history, 0,
          std::string(200, 'b')));  // a newer one of the same size has the room of the former
  EXPECT_FALSE(Set(history, 1, std::string(2000, 'c')));
  EXPECT_EQ(All(history).size(), key);
  history.Close();
}

// Databases that come and go, of a job that is restarted for days: the past stays, and there is room for those that live.
TEST(History, StateOfWhatHasEndedGoesTheOldestFirst) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  const std::string past(100, 'p'), state(200, 's');
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Append(history, 1, past + std::to_string(i)));
  ASSERT_TRUE(Set(history, 7, "lives"));
  for (std::uint64_t key = 1000; key < 6000; ++key) {
    const std::string text = state + std::to_string(key);
    ASSERT_TRUE(Set(history, key, text)) << key;
    ASSERT_TRUE(history.Set(key, (text + "!").data(), text.size() + 1, true)) << key;
  }
  EXPECT_EQ(history.thinned(), 0u);
  const std::vector<std::string> all = All(history);
  std::size_t ended = 0, pasts = 0, lives = 0;
  for (const std::string& record : all) {
    ended += record.back() == '!' ? 1 : 0;
    pasts += record.front() == 'p' ? 1 : 0;
    lives += record == "lives" ? 1 : 0;
  }
  EXPECT_EQ(pasts, 50u);
  EXPECT_EQ(lives, 1u);
  EXPECT_GT(ended, 8u);
  EXPECT_LT(ended, 40u);
  EXPECT_EQ(all.back(), state + "5999!");
  EXPECT_EQ(all.size(),
            ended + pasts + lives);  // none of those that ended is left as it was before
  history.Close();
}

// Where all of it is state, what has ended makes room.
TEST(History, WhatHasEndedMakesRoomForWhatLives) {
  History history;
  ASSERT_EQ(history.Open(1 << 14), 0);
  std::uint64_t key = 1;
  const std::string ended(60, 'e'), living(120, 'l');
  for (; key < 15; ++key) ASSERT_TRUE(history.Set(key, ended.data(), ended.size(), true));
  std::size_t lived = 0;
  while (Set(history, ++key, living)) ++lived;
  EXPECT_GT(lived * (living.size() + 40), (1u << 14) - 1000u);
  history.Close();
}

TEST(History, ACursorSurvivesThinning) {
  History history;
  ASSERT_EQ(history.Open(1 << 16), 0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(Append(history, 1, std::to_string(i)));
  const void* record = nullptr;
  std::size_t length = 0;
  std::uint64_t cursor = 0;
  int last = -1;
  for (int i = 0; i < 700; ++i) {
    ASSERT_TRUE(history.Next(&cursor, &record, &length));
    last = std::stoi(std::string(static_cast<const char*>(record), length));
  }
  EXPECT_EQ(last, 699);
  for (int i = 1000; i < 2500; ++i) ASSERT_TRUE(Append(history, 1, std::to_string(i)));
  ASSERT_GT(history.thinned(), 0U);
  int walked = 0;
  while (history.Next(&cursor, &record, &length)) {
    const int number = std::stoi(std::string(static_cast<const char*>(record), length));
    EXPECT_GT(number, last);
    last = number;
    ++walked;
  }
  EXPECT_EQ(last, 2499);
  EXPECT_GT(walked, 1000);
  history.Close();
}

TEST(History, ShrinkHalvesButKeepsTheNewest) {
  History history;
  ASSERT_EQ(history.Open(1 << 20), 0);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(Append(history, 1, std::to_string(i)));
  const std::size_t before = history.used_bytes();
  history.Shrink(before / 2);
  EXPECT_LE(history.used_bytes(), before / 2);
  EXPECT_GT(history.used_bytes(), before / 8);
  EXPECT_EQ(All(history).back(), "1999");
  history.Close();
}

}  // namespace
}  // namespace wrackline::recorder
