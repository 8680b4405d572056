#include "rocksdb_probe/jni/objects.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "lib/proto/wrackline.pb.h"
#include "rocksdb_probe/jni/object_records.h"
#include "tests/unit/rocksdb_probe/jni/jni_libraries.h"

namespace wrackline::rocksdb_jni {
namespace {

struct Counted {
  std::unique_ptr<Objects> objects = std::make_unique<Objects>();
  std::unique_ptr<ObjectSurvey> survey = std::make_unique<ObjectSurvey>();

  const ObjectSurvey& Survey(int library = 0, const JniLibrary* readable = nullptr) {
    objects->Survey(library, readable, survey.get());
    return *survey;
  }
  ObjectCount Of(ObjectKind kind, int library = 0) {
    return Survey(library).counts[static_cast<std::size_t>(kind)];
  }
};

TEST(Objects, NothingSeenIsNothing) {
  Counted counted;
  EXPECT_FALSE(counted.Survey().any);
}

TEST(Objects, CountsByKindAndLibrary) {
  Counted counted;
  for (std::uint64_t handle = 1; handle <= 10; ++handle) {
    counted.objects->Made(3, ObjectKind::kReadOptions, handle, 0);
  }
  counted.objects->Closed(3, ObjectKind::kReadOptions, 4);
  counted.objects->Made(3, ObjectKind::kStatistics, 0,
                        0);  // an exception is pending: there is none
  EXPECT_EQ(counted.Of(ObjectKind::kReadOptions, 3).made, 10u);
  EXPECT_EQ(counted.Of(ObjectKind::kReadOptions, 3).closed, 1u);
  EXPECT_EQ(counted.Of(ObjectKind::kStatistics, 3).made, 0u);
  EXPECT_FALSE(counted.Survey(2).any);
}

TEST(Objects, IteratorsByDatabaseAndTheOldest) {
  Counted counted;
  for (std::uint64_t i = 0; i < 300; ++i) {
    counted.objects->Made(0, ObjectKind::kIterator, 0x10000 + 16 * i, i % 3 == 0 ? 0xa000 : 0xb000);
  }
  for (std::uint64_t i = 0; i < 150; ++i) {
    counted.objects->Closed(0, ObjectKind::kIterator, 0x10000 + 16 * i);
  }
  const ObjectSurvey& survey = counted.Survey();
  ASSERT_EQ(survey.database_count, 2u);
  std::uint64_t of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    (survey.iterators[i].db == reinterpret_cast<void*>(0xa000) ? of_a : of_b) =
        survey.iterators[i].alive;
    EXPECT_GT(survey.iterators[i].oldest_ns, 0u);
  }
  EXPECT_EQ(of_a, 50u);
  EXPECT_EQ(of_b, 100u);
  EXPECT_EQ(survey.unlisted, 0u);
}

// A database is closed by closeDatabase and by disposeInternal.
TEST(Objects, ADatabaseIsClosedOnce) {
  Counted counted;
  counted.objects->Made(0, ObjectKind::kDatabase, 0x1000, 0);
  counted.objects->Closed(0, ObjectKind::kDatabase, 0x1000);
  counted.objects->Closed(0, ObjectKind::kDatabase, 0x1000);
  EXPECT_EQ(counted.Of(ObjectKind::kDatabase).closed, 1u);
}

TEST(Objects, WhatFindsNoPlaceIsCountedAndSaid) {
  constexpr std::uint64_t kMany = 100'000;
  Counted counted;
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    counted.objects->Made(0, ObjectKind::kIterator, 16 * i, 0xa000);
  }
  const ObjectSurvey& survey = counted.Survey();
  ASSERT_EQ(survey.database_count, 1u);
  EXPECT_GT(survey.unlisted, 0u);
  EXPECT_EQ(survey.iterators[0].alive + survey.unlisted, kMany);
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    counted.objects->Closed(0, ObjectKind::kIterator, 16 * i);
  }
  EXPECT_EQ(counted.Of(ObjectKind::kIterator).closed, kMany);
  EXPECT_EQ(counted.Survey().database_count, 0u);
  EXPECT_EQ(counted.Survey().unlisted, 0u);
}

TEST(Objects, ThreadsThatMakeAndCloseAtOnce) {
  constexpr int kThreads = 8;
  constexpr std::uint64_t kEach = 20'000;
  Counted counted;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::uint64_t handle = (static_cast<std::uint64_t>(t) << 32) + 64 * (i % 100 + 1);
        counted.objects->Made(0, ObjectKind::kIterator, handle, 0xa000);
        counted.objects->Made(0, ObjectKind::kReadOptions, handle, 0);
        counted.objects->Closed(0, ObjectKind::kIterator, handle);
        counted.objects->Closed(0, ObjectKind::kReadOptions, handle);
      }
    });
  }
  // Never more closed than made, whenever one looks.
  for (int i = 0; i < 200; ++i) {
    const ObjectCount count = counted.Of(ObjectKind::kReadOptions);
    EXPECT_LE(count.closed, count.made);
  }
  for (std::thread& thread : threads) thread.join();
  for (const ObjectKind kind : {ObjectKind::kIterator, ObjectKind::kReadOptions}) {
    EXPECT_EQ(counted.Of(kind).made, kThreads * kEach);
    EXPECT_EQ(counted.Of(kind).closed, kThreads * kEach);
  }
  EXPECT_EQ(counted.Survey().database_count, 0u);
}

TEST(Objects, ARecordHasAllOfIt) {
  Counted counted;
  counted.objects->Made(0, ObjectKind::kReadOptions, 7, 0);
  counted.objects->Made(0, ObjectKind::kIterator, 0x100, 0xa000);
  const ObjectSurvey& survey = counted.Survey();
  unsigned char bytes[4096];
  const std::size_t size = EncodeObjects(
      {11, 12, 13, true, &survey,
       [](const void* db) { return reinterpret_cast<std::uint64_t>(db) == 0xa000 ? 5ul : 0ul; }},
      bytes, sizeof(bytes));
  ASSERT_GT(size, 0u);
  proto::Record record;
  ASSERT_TRUE(record.ParseFromArray(bytes, static_cast<int>(size)));
  EXPECT_EQ(record.time_ns(), 11u);
  const proto::RocksDbObjects& objects = record.rocksdb_objects();
  EXPECT_EQ(objects.monotonic_ns(), 12u);
  EXPECT_EQ(objects.library_id(), 13u);
  EXPECT_TRUE(objects.incomplete());
  ASSERT_EQ(objects.counts_size(), 2);
  EXPECT_EQ(objects.counts(0).kind(), proto::RocksDbObjectCount::READ_OPTIONS);
  EXPECT_EQ(objects.counts(1).kind(), proto::RocksDbObjectCount::ITERATOR);
  EXPECT_EQ(objects.counts(0).made(), 1u);
  ASSERT_EQ(objects.iterators_size(), 1);
  EXPECT_EQ(objects.iterators(0).database_id(), 5u);
  EXPECT_EQ(objects.iterators(0).alive(), 1u);
}

class ObjectsOfALibrary : public JniLibraryTest {};

TEST_P(ObjectsOfALibrary, ACacheIsWatchedToItsEnd) {
  constexpr std::size_t kCapacity = 8 << 20;
  Counted counted;
  auto cache = std::make_unique<JniCache>(api(), kCapacity);
  const auto handle = reinterpret_cast<std::uint64_t>(cache->handle());
  const void* const object = cache->object();
  counted.objects->Made(0, ObjectKind::kCache, handle, 0, api().Code());
  {
    const ObjectSurvey& alone = counted.Survey(0, &library());
    ASSERT_EQ(alone.shared_count, 1u);
    EXPECT_EQ(alone.shared[0].object, object);
    EXPECT_EQ(alone.shared[0].holders, std::optional<std::uint32_t>(1));
    EXPECT_FALSE(alone.shared[0].closed_by_java);
    EXPECT_EQ(alone.shared[0].figures.capacity, Figure(kCapacity));
  }
  DatabaseSetup setup;
  setup.cache = cache.get();
  auto database = std::make_unique<JniDatabase>(api(), folder_.path() + "/db", setup);
  ASSERT_EQ(database->error(), "");
  database->Put(0, 0, 1000);
  database->Flush(0);
  counted.objects->Closed(0, ObjectKind::kCache, handle);
  cache.reset();
  {
    // Java closed it, and it is there, and can be read.
    const ObjectSurvey& kept = counted.Survey(0, &library());
    ASSERT_EQ(kept.shared_count, 1u);
    EXPECT_TRUE(kept.shared[0].closed_by_java);
    ASSERT_TRUE(kept.shared[0].holders);
    EXPECT_GE(*kept.shared[0].holders, 1u);
    EXPECT_EQ(kept.shared[0].figures.capacity, Figure(kCapacity));
  }
  database.reset();
  EXPECT_EQ(counted.Survey(0, &library()).shared_count, 0u);
  EXPECT_EQ(counted.Of(ObjectKind::kCache).closed, 1u);
}

// Their usage is read while Java closes them; the last holder may be the reader.
TEST_P(ObjectsOfALibrary, CachesThatComeAndGoWhileTheyAreRead) {
  constexpr int kThreads = 4, kEach = 200;
  Counted counted;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        const JniCache cache(api(), 1 << 20);
        const auto handle = reinterpret_cast<std::uint64_t>(cache.handle());
        counted.objects->Made(0, ObjectKind::kCache, handle, 0, api().Code());
        counted.objects->Closed(0, ObjectKind::kCache, handle);
      }
      running.fetch_sub(1);
    });
  }
  while (running.load() > 0) {
    EXPECT_LE(counted.Survey(0, &library()).shared_count, kMostSharedObjects);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counted.Survey(0, &library()).shared_count, 0u);
  EXPECT_EQ(counted.Of(ObjectKind::kCache).closed, std::uint64_t{kThreads} * kEach);
}

// What is not a std::shared_ptr of this C++ library is left alone.
TEST(Objects, AHandleOfAnotherShapeIsListedUntilItIsClosed) {
  Counted counted;
  std::uint64_t object = 0;
  std::uint64_t words[2] = {reinterpret_cast<std::uint64_t>(&object), 16};
  const auto handle = reinterpret_cast<std::uint64_t>(words);
  counted.objects->Made(0, ObjectKind::kCache, handle, 0);
  ASSERT_EQ(counted.Survey().shared_count, 1u);
  EXPECT_FALSE(counted.Survey().shared[0].holders);
  counted.objects->Closed(0, ObjectKind::kCache, handle);
  EXPECT_EQ(counted.Survey().shared_count, 0u);
}

INSTANTIATE_TEST_SUITE_P(Libraries, ObjectsOfALibrary, ::testing::ValuesIn(TestedLibraries()),
                         NameOf);

}  // namespace
}  // namespace wrackline::rocksdb_jni
