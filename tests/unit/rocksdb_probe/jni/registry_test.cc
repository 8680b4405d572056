#include "rocksdb_probe/jni/registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace wrackline::rocksdb_jni {
namespace {

void* Handle(std::uintptr_t number) { return reinterpret_cast<void*>(number << 4); }

// The mapped memory is the process's: one registry a test is enough.
std::unique_ptr<Registry> Enabled() {
  auto registry = std::make_unique<Registry>();
  registry->Enable();
  return registry;
}

// What is open, as "database:family"; a database by itself as "database:".
std::set<std::string> Seen(Registry& registry) {
  std::set<std::string> seen;
  Registry::Cursor at;
  while (registry.Next(&at)) {
    const auto number = [](void* handle) {
      return std::to_string(reinterpret_cast<std::uintptr_t>(handle) >> 4);
    };
    const bool fresh = seen.insert(number(at.database->db) + ":" +
                                   (at.family != nullptr ? number(at.family->handle) : ""))
                           .second;
    EXPECT_TRUE(fresh);
  }
  return seen;
}

using Names = std::set<std::string>;

TEST(Registry, KnowsWhatIsOpen) {
  const auto registry = Enabled();
  void* families[] = {Handle(11), Handle(12)};
  registry->Opened(nullptr, Handle(1), families, 2);
  registry->Opened(nullptr, Handle(2), nullptr, 0);
  registry->FamilyMade(Handle(2), Handle(21));
  EXPECT_EQ(Seen(*registry), (Names{"1:", "1:11", "1:12", "2:", "2:21"}));
  registry->FamilyClosing(Handle(11));
  EXPECT_EQ(Seen(*registry), (Names{"1:", "1:12", "2:", "2:21"}));
  registry->Closing(Handle(1));
  EXPECT_EQ(Seen(*registry), (Names{"2:", "2:21"}));
  // Of a database that is not watched; closed once more; never opened.
  registry->FamilyMade(Handle(1), Handle(13));
  registry->Closing(Handle(1));
  registry->FamilyClosing(Handle(99));
  EXPECT_EQ(Seen(*registry), (Names{"2:", "2:21"}));
  const RegistryCounts counts = registry->Counts();
  EXPECT_EQ(counts.opened, 2u);
  EXPECT_EQ(counts.closed, 1u);
  EXPECT_EQ(counts.families, 3u);
  EXPECT_EQ(counts.unknown_owner, 1u);
}

TEST(Registry, TakesNothingUnlessEnabledNorAfterItsStop) {
  Registry off;
  off.Opened(nullptr, Handle(1), nullptr, 0);
  off.Closing(Handle(1));
  EXPECT_EQ(off.memory(), nullptr);
  const auto registry = Enabled();
  registry->Opened(nullptr, Handle(1), nullptr, 0);
  EXPECT_TRUE(registry->Stop(0));
  registry->Opened(nullptr, Handle(2), nullptr, 0);
  registry->Closing(Handle(1));
  EXPECT_EQ(Seen(*registry), Names{});
}

// An address that is opened again was freed without our seeing it.
TEST(Registry, AnAddressThatComesAgainIsAnotherDatabase) {
  const auto registry = Enabled();
  void* family = Handle(11);
  registry->Opened(nullptr, Handle(1), &family, 1);
  Registry::Cursor at;
  ASSERT_TRUE(registry->Next(&at));
  const std::uint64_t first = at.database->id;
  registry->LetGo();
  registry->Opened(nullptr, Handle(1), nullptr, 0);
  EXPECT_EQ(Seen(*registry), Names{"1:"});
  at = {};
  ASSERT_TRUE(registry->Next(&at));
  EXPECT_NE(at.database->id, first);
  registry->LetGo();
}

TEST(Registry, TellsOfWhatWasClosedOnce) {
  const auto registry = Enabled();
  void* family = Handle(11);
  registry->Opened(nullptr, Handle(1), &family, 1);
  registry->Opened(nullptr, Handle(2), nullptr, 0);
  registry->Closing(Handle(1));
  std::vector<void*> told;
  const auto tell = [](void* context, WatchedDatabase* database) {
    static_cast<std::vector<void*>*>(context)->push_back(database->db);
  };
  registry->Sweep(tell, &told);
  registry->Sweep(tell, &told);
  EXPECT_EQ(told, std::vector<void*>{Handle(1)});
}

TEST(Registry, WhatDoesNotFitIsCountedAndPlacesAreUsedAgain) {
  const auto registry = Enabled();
  for (int round = 0; round < 3; ++round) {
    for (std::uintptr_t i = 1; i <= kMostDatabases + 5; ++i) {
      registry->Opened(nullptr, Handle(i), nullptr, 0);
    }
    EXPECT_EQ(registry->Counts().no_room, 5u * (round + 1));
    for (std::uintptr_t i = 1; i <= kMostDatabases; ++i) registry->Closing(Handle(i));
    registry->Sweep([](void*, WatchedDatabase*) {}, nullptr);
  }
  registry->Opened(nullptr, Handle(1), nullptr, 0);
  for (std::uintptr_t i = 1; i <= kMostFamilies + 3; ++i) {
    registry->FamilyMade(Handle(1), Handle(100000 + i));
  }
  EXPECT_EQ(registry->Counts().no_room, 15u + 3u);
  for (std::uintptr_t i = 1; i <= kMostFamilies; ++i) registry->FamilyClosing(Handle(100000 + i));
  registry->Sweep([](void*, WatchedDatabase*) {}, nullptr);
  registry->FamilyMade(Handle(1), Handle(7));
  EXPECT_EQ(Seen(*registry), (Names{"1:", "1:7"}));
}

// Each thread's database is memory of its own, freed as soon as Closing returned: a reader that still looked would be seen by
// AddressSanitizer, and by ThreadSanitizer.
TEST(Registry, NobodyReadsWhatIsClosed) {
  const auto registry = Enabled();
  const char* seconds = std::getenv("WRACKLINE_STORM_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::milliseconds(seconds != nullptr ? 1000 * std::atoi(seconds) : 400);
  std::atomic<bool> over{false};
  constexpr int kThreads = 6;
  std::vector<std::thread> program;
  program.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    program.emplace_back([&, i] {
      for (unsigned round = static_cast<unsigned>(i); std::chrono::steady_clock::now() < end;
           ++round) {
        auto db = std::make_unique<int>(1);
        std::vector<std::unique_ptr<int>> families;
        std::vector<void*> handles;
        for (unsigned j = 0; j < round % 4; ++j) {
          families.push_back(std::make_unique<int>(1));
          handles.push_back(families.back().get());
        }
        registry->Opened(nullptr, db.get(), handles.data(), handles.size());
        families.push_back(std::make_unique<int>(1));
        registry->FamilyMade(db.get(), families.back().get());
        while (round % 3 != 0 && !families.empty()) {
          registry->FamilyClosing(families.back().get());
          families.pop_back();
        }
        registry->Closing(db.get());
      }
    });
  }
  std::uint64_t read = 0;
  std::thread reader([&] {
    while (!over) {
      Registry::Cursor at;
      while (registry->Next(&at)) {
        read += static_cast<std::uint64_t>(*static_cast<int*>(at.database->db));
        if (at.family != nullptr) {
          read += static_cast<std::uint64_t>(*static_cast<int*>(at.family->handle));
        }
        if (read % 7 == 0) registry->SkipFamilies(&at);
        if (read % 5 == 0) {
          registry->LetGo();
          if (registry->HoldAgain(at)) read += 1;
        }
      }
      registry->Sweep([](void*, WatchedDatabase*) {}, nullptr);
    }
  });
  for (std::thread& thread : program) thread.join();
  over = true;
  reader.join();
  EXPECT_GT(read, 0u);
  EXPECT_EQ(registry->Counts().closed, registry->Counts().opened);
  EXPECT_EQ(Seen(*registry), Names{});
}

// The end of the process waits for the reader, but not for ever.
TEST(Registry, StopWaitsForTheReader) {
  const auto registry = Enabled();
  registry->Opened(nullptr, Handle(1), nullptr, 0);
  Registry::Cursor at;
  ASSERT_TRUE(registry->Next(&at));
  EXPECT_FALSE(registry->Stop(1));
  EXPECT_FALSE(registry->HoldAgain(at));
  std::thread reader([&] { EXPECT_FALSE(registry->Next(&at)); });
  EXPECT_TRUE(registry->Stop(~std::uint64_t{0} / 2));
  reader.join();
}

TEST(Registry, RemembersWhichCacheAManagerCharges) {
  const auto registry = Enabled();
  registry->ManagerMade(Handle(1), Handle(2));
  registry->ManagerMade(Handle(3), nullptr);
  registry->ManagerMade(Handle(1), Handle(4));
  EXPECT_EQ(registry->CacheOf(Handle(1)), Handle(4));
  EXPECT_EQ(registry->CacheOf(Handle(3)), nullptr);
  EXPECT_EQ(registry->CacheOf(Handle(5)), nullptr);
}

}  // namespace
}  // namespace wrackline::rocksdb_jni
