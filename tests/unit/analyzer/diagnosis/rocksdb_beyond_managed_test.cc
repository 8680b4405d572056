#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/diagnosis/rules.h"
#include "tests/unit/analyzer/diagnosis/look.h"

namespace wrackline::diagnosis {
namespace {

using ledger::Holder;
using ::testing::HasSubstr;
using testing::Made;
using testing::TextOf;

using evidence::RocksDbCache;

// Two slots' worth of managed memory: one cache of 200 MiB with its memtables charged to it.
Made Managed(Bytes usage, Bytes memtables) {
  Made made;
  made.Limit(1024 * kMiB).Total(1020 * kMiB);
  evidence::RocksDb& rocksdb = made.evidence.rocksdb.emplace();
  evidence::RocksDbFamily& family = rocksdb.families.emplace_back();
  family.name = "value";
  family.write_buffer_size = 64 * kMiB;
  family.max_write_buffers = 2;
  family.cache_id = 1;
  family.manager_id = 2;
  family.all_memtables = family.unflushed_memtables = memtables;
  RocksDbCache& cache = rocksdb.caches.emplace_back();
  cache.id = 1;
  cache.capacity = 200 * kMiB;
  cache.usage = usage;
  cache.strict = false;
  cache.families = {"value", "list"};
  cache.reservations = std::min(usage, memtables);
  evidence::RocksDbManager& manager = rocksdb.managers.emplace_back();
  manager.id = 2;
  manager.cache_id = 1;
  manager.charged_to_cache = true;
  manager.buffer_size = 100 * kMiB;
  manager.memory_usage = memtables;
  return made;
}

TEST(RocksDbBeyondManaged, SilentWithinItsBound) {
  EXPECT_FALSE(Managed(199 * kMiB, 90 * kMiB).Look(RocksDbBeyondManaged).has_value());
  // Borderline: a little more than a tenth, but less than 16 MiB and a few blocks.
  EXPECT_FALSE(Managed(212 * kMiB, 90 * kMiB).Look(RocksDbBeyondManaged).has_value());
}

TEST(RocksDbBeyondManaged, PinnedBlocksInACacheThatIsNotStrict) {
  Made made = Managed(320 * kMiB, 90 * kMiB);
  made.evidence.rocksdb->caches[0].pinned_usage = 300 * kMiB;
  const auto finding = made.Look(RocksDbBeyondManaged);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->amount, 120 * kMiB);
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_EQ(finding->role, Role::kCause);
  EXPECT_THAT(TextOf(*finding), HasSubstr("pinned by iterators"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("not strict"));
}

TEST(RocksDbBeyondManaged, WriteBuffersOverTheirManager) {
  const auto finding = Managed(260 * kMiB, 180 * kMiB).Look(RocksDbBeyondManaged);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding),
              HasSubstr("memtables of 180.0 MiB under a write buffer manager of"));
}

TEST(RocksDbBeyondManaged, IndexAndFilterOutsideTheCache) {
  Made made = Managed(199 * kMiB, 90 * kMiB);
  made.evidence.rocksdb->families[0].table_readers = 70 * kMiB;
  const auto finding = made.Look(RocksDbBeyondManaged);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding), HasSubstr("70.0 MiB of table readers lie outside the cache"));
}

TEST(RocksDbBeyondManaged, MemtablesThatReadersKeep) {
  Made made = Managed(199 * kMiB, 90 * kMiB);
  evidence::RocksDbFamily& family = made.evidence.rocksdb->families[0];
  family.all_memtables = 190 * kMiB;
  family.live_versions = 3;
  const auto finding = made.Look(RocksDbBeyondManaged);
  ASSERT_TRUE(finding.has_value());
  EXPECT_THAT(TextOf(*finding),
              HasSubstr("100.0 MiB of memtables are flushed but kept by readers"));
}

TEST(RocksDbBeyondManaged, WhatNoFigureExplainsIsSaidToBeUnknown) {
  Made made = Managed(199 * kMiB, 90 * kMiB);
  made.evidence.rocksdb->families[0].all_memtables = 160 * kMiB;
  made.evidence.rocksdb->families[0].unflushed_memtables = 160 * kMiB;
  const auto finding = made.Look(RocksDbBeyondManaged);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kMedium);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- which way past the bound"));
}

// Without a manager nothing is managed: another rule speaks.
TEST(RocksDbBeyondManaged, SilentOfUnmanagedOnes) {
  Made made = Managed(320 * kMiB, 90 * kMiB);
  made.evidence.rocksdb->families[0].manager_id = 0;
  EXPECT_FALSE(made.Look(RocksDbBeyondManaged).has_value());
  EXPECT_FALSE(Made().Look(RocksDbBeyondManaged).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
