#include "analyzer/evidence/rocksdb.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "analyzer/evidence/convert.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

using testing::kMi;
using testing::RecordingBuilder;

TEST(RocksDbEvidence, NothingWithoutAWatchedDatabase) {
  RecordingBuilder builder;
  EXPECT_FALSE(RocksDbFromRecording(builder.recording()).has_value());
}

TEST(RocksDbEvidence, NewestSampleAndPeaks) {
  RecordingBuilder builder;
  builder.Describe(1, 0, "value", 64 * kMi, 2, 7);
  RecordingBuilder::Family(builder.RocksDb(1, 1), 0, "value", 7, 100 * kMi);
  RecordingBuilder::Family(builder.RocksDb(1, 2), 0, "value", 7, 30 * kMi);
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  ASSERT_EQ(rocksdb->families.size(), 1u);
  EXPECT_EQ(rocksdb->families[0].all_memtables, 30 * kMiB);
  EXPECT_EQ(rocksdb->families[0].memtables_peak, 100 * kMiB);
  EXPECT_EQ(rocksdb->families[0].max_write_buffers, 2);
  EXPECT_EQ(rocksdb->databases, 1);
  EXPECT_EQ(rocksdb->history.size(), 2u);
}

TEST(RocksDbEvidence, ASampleOfManyFamiliesMayComeInSeveralRecords) {
  RecordingBuilder builder;
  RecordingBuilder::Family(builder.RocksDb(1, 1), 0, "a", 0, 10 * kMi);
  RecordingBuilder::Family(builder.RocksDb(1, 1), 1, "b", 0, 20 * kMi);
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  EXPECT_EQ(rocksdb->databases, 1);
  ASSERT_EQ(rocksdb->history.size(), 1u);
  EXPECT_EQ(rocksdb->history[0].Total(), 30 * kMiB);
}

TEST(RocksDbEvidence, MomentsCountASharedCacheOnceAcrossDatabases) {
  RecordingBuilder builder;
  for (const std::uint64_t database : {1, 2}) {
    auto& sample = builder.RocksDb(database, 5);
    RecordingBuilder::Family(sample, 0, "default", 7, kMi);
    RecordingBuilder::Cache(sample, 7, 64 * kMi, 40 * kMi);
  }
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  EXPECT_EQ(rocksdb->history.back().Total(), 42 * kMiB);
  EXPECT_EQ(rocksdb->caches.size(), 1u);
  EXPECT_EQ(rocksdb->caches[0].families.size(), 2u);
}

// What was summed up as samples came, against a sum of the newest sample of each database, made anew.
TEST(RocksDbEvidence, HistoryIsTheSumOfTheNewestSamples) {
  std::mt19937 random(3);
  const auto below = [&](std::uint64_t most) { return random() % most; };
  for (int round = 0; round < 40; ++round) {
    RecordingBuilder builder;
    std::map<std::uint64_t, proto::RocksDbSample> newest;
    std::vector<Bytes> wanted;
    for (std::uint64_t second = 1; second <= 40; ++second) {
      auto& sample = builder.RocksDb(1 + below(4), second);
      for (std::uint32_t family = 0; family < below(3); ++family)
        RecordingBuilder::Family(sample, family, "f", 7, below(100));
      for (std::uint64_t cache = 1; cache <= below(4); ++cache)
        RecordingBuilder::Cache(sample, cache, 1000, below(500));
      for (std::uint64_t id = 1; id <= below(3); ++id) {
        auto& manager = *sample.add_write_buffer_managers();
        manager.set_id(id);
        manager.set_charged_to_cache(true);
        manager.set_cache_id(1 + below(3));
        manager.set_cache_reservation(below(400));
      }
      newest[sample.database_id()] = sample;
      std::map<std::uint64_t, std::int64_t> caches, charged;
      std::set<std::uint64_t> managers;
      std::int64_t sum = 0;
      for (const auto& [id, one] : newest) {
        for (const auto& family : one.families())
          sum += static_cast<std::int64_t>(family.all_memtables());
        for (const auto& cache : one.caches())
          caches[cache.id()] = static_cast<std::int64_t>(cache.usage());
        for (const auto& manager : one.write_buffer_managers()) {
          if (managers.insert(manager.id()).second)
            charged[manager.cache_id()] += static_cast<std::int64_t>(manager.cache_reservation());
        }
      }
      for (const auto& [id, usage] : caches) sum += std::max<std::int64_t>(0, usage - charged[id]);
      wanted.push_back(Bytes{sum});
    }
    // Described, so that none counts as closed.
    for (const std::uint64_t database : {1, 2, 3, 4}) builder.Describe(database, 0, "f", 0, 1, 7);
    const auto rocksdb = RocksDbFromRecording(builder.recording());
    ASSERT_TRUE(rocksdb);
    ASSERT_EQ(rocksdb->history.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i)
      ASSERT_EQ(rocksdb->history[i].Total(), wanted[i]) << round << " " << i;
  }
}

// The file keeps so many closed databases; of an older one the last sample is left.
TEST(RocksDbEvidence, ADatabaseThatNothingDescribesAndNobodySampledSinceIsClosed) {
  RecordingBuilder builder;
  builder.Describe(2, 0, "open", 0, 1, 0);
  RecordingBuilder::Family(builder.RocksDb(1, 1), 0, "gone", 0, 100 * kMi);
  RecordingBuilder::Family(builder.RocksDb(2, 60), 0, "open", 0, 7 * kMi);
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  EXPECT_EQ(rocksdb->databases, 1);
  ASSERT_EQ(rocksdb->families.size(), 1u);
  EXPECT_EQ(rocksdb->families[0].name, "open");
  const auto life = RocksDbOverLife(builder.recording());
  ASSERT_TRUE(life);
  EXPECT_EQ(life->history.front().Total(), 100 * kMiB);
}

TEST(RocksDbEvidence, EachKindOfBlockIsItsOwn) {
  RecordingBuilder builder;
  auto& sample = builder.RocksDb(1, 1);
  RecordingBuilder::Family(sample, 0, "f", 7, kMi);
  proto::RocksDbBlocks& blocks = *sample.mutable_families(0)->mutable_cached_blocks();
  blocks.set_data(1);
  blocks.set_index(2);
  blocks.set_filter(3);
  blocks.set_blob(4);
  blocks.set_other(5);
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  const RocksDbBlocks& read = rocksdb->families.at(0).cached_blocks.value();
  EXPECT_EQ(read.data.count, 1);
  EXPECT_EQ(read.index.count, 2);
  EXPECT_EQ(read.filter.count, 3);
  EXPECT_EQ(read.blob.count, 4);
  EXPECT_EQ(read.other.count, 5);
}

TEST(RocksDbEvidence, TheLastWalkOverACacheSaysWhoseItsBlocksAre) {
  RecordingBuilder builder;
  auto& sample = builder.RocksDb(1, 5);
  RecordingBuilder::Family(sample, 0, "value", 7, kMi);
  RecordingBuilder::Cache(sample, 7, 64 * kMi, 41 * kMi);
  auto* family = sample.mutable_families(0);
  family->mutable_cached_blocks()->set_data(20 * kMi);
  family->mutable_cached_blocks()->set_index(2 * kMi);
  family->mutable_former_blocks()->set_data(3 * kMi);
  family->set_live_versions(3);
  family->set_pinned_sst_bytes(9 * kMi);
  auto* split = sample.mutable_caches(0)->mutable_split();
  split->set_usage(40 * kMi);
  split->set_charged(39 * kMi);
  split->set_memtable_reservations(10 * kMi);
  split->mutable_unknown()->set_filter(7 * kMi);
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  ASSERT_TRUE(rocksdb->families[0].cached_blocks);
  EXPECT_EQ(rocksdb->families[0].cached_blocks->data, 20 * kMiB);
  EXPECT_EQ(rocksdb->families[0].cached_blocks->Total(), 22 * kMiB);
  ASSERT_TRUE(rocksdb->families[0].former_blocks);
  EXPECT_EQ(rocksdb->families[0].former_blocks->Total(), 3 * kMiB);
  EXPECT_EQ(rocksdb->families[0].live_versions, 3);
  EXPECT_EQ(rocksdb->families[0].pinned_files, 9 * kMiB);
  ASSERT_TRUE(rocksdb->caches[0].split);
  EXPECT_EQ(rocksdb->caches[0].split->metadata, kMiB);
  EXPECT_EQ(rocksdb->caches[0].split->memtable_reservations, 10 * kMiB);
  EXPECT_EQ(rocksdb->caches[0].split->unknown.filter, 7 * kMiB);
}

TEST(RocksDbEvidence, ABlobCacheIsItsFamiliesToo) {
  RecordingBuilder builder;
  builder.Describe(1, 0, "value", 64 * kMi, 2, 7);
  builder.recording().rocksdb_databases[1].mutable_families(0)->set_blob_cache_id(8);
  auto& sample = builder.RocksDb(1, 5);
  RecordingBuilder::Family(sample, 0, "value", 7, kMi);
  RecordingBuilder::Cache(sample, 7, 64 * kMi, 40 * kMi);
  RecordingBuilder::Cache(sample, 8, 64 * kMi, 4 * kMi);
  sample.mutable_caches(1)->set_kind(proto::RocksDbCache::BLOB);
  const auto rocksdb = RocksDbFromRecording(builder.recording());
  ASSERT_TRUE(rocksdb);
  ASSERT_EQ(rocksdb->caches.size(), 2u);
  EXPECT_EQ(rocksdb->caches[1].kind, RocksDbCache::Kind::kBlob);
  EXPECT_EQ(rocksdb->caches[1].families, std::vector<std::string>{"value"});
  EXPECT_EQ(rocksdb->history.back().caches, 44 * kMiB);
}

TEST(RocksDbEvidence, NearAMomentCountsEachDatabasesNearestSampleWhole) {
  RecordingBuilder builder;
  const auto family = [&](std::uint64_t database, std::uint64_t second, std::uint32_t id,
                          std::uint64_t memtables) {
    auto& sample = builder.RocksDb(database, second);
    RecordingBuilder::Family(sample, id, id == 0 ? "a" : "b", 7, memtables * kMi);
    RecordingBuilder::Cache(sample, 7, 64 * kMi, 40 * kMi);
  };
  family(1, 4, 0, 10);
  family(1, 4, 1, 20);  // the same sample, in a second record
  family(2, 5, 0, 30);
  family(1, 9, 0, 1);
  family(1, 9, 1, 1);
  builder.Describe(2, 0, "a", 64 * kMi, 2, 7);
  builder.recording().rocksdb_databases[2].set_closed(true);
  const auto near =
      RocksDbNear(builder.recording(), ToTime(testing::kEpoch + 5 * testing::kSecond));
  ASSERT_TRUE(near);
  EXPECT_EQ(near->databases, 2);
  ASSERT_EQ(near->families.size(), 3u);
  Bytes memtables;
  for (const RocksDbFamily& each : near->families) memtables += *each.all_memtables;
  EXPECT_EQ(memtables, 60 * kMiB);
  ASSERT_EQ(near->caches.size(), 1u);
  EXPECT_EQ(near->caches[0].usage, 40 * kMiB);
  EXPECT_EQ(near->caches[0].families.size(), 3u);
  EXPECT_FALSE(RocksDbNear(builder.recording(), ToTime(testing::kEpoch)));
}

TEST(RocksDbEvidence, NearAMomentPrefersTheSampleBeforeItToANearerOneAfterTheFall) {
  RecordingBuilder builder;
  RecordingBuilder::Family(builder.RocksDb(1, 4), 0, "a", 0, 80 * kMi);
  RecordingBuilder::Family(builder.RocksDb(1, 6), 0, "a", 0, 20 * kMi);
  const auto at = [&](std::uint64_t milliseconds) {
    const auto near =
        RocksDbNear(builder.recording(), ToTime(testing::kEpoch + milliseconds * 1'000'000));
    return near ? near->families[0].all_memtables.value_or(Bytes{}) : Bytes{};
  };
  EXPECT_EQ(at(5400), 80 * kMiB);
  EXPECT_EQ(at(5600), 20 * kMiB);  // 1.6 s after the first: not its moment
  EXPECT_EQ(at(6000), 20 * kMiB);
  EXPECT_EQ(at(3000), 80 * kMiB);  // nothing before it
  EXPECT_EQ(at(9000), Bytes{});
}

}  // namespace
}  // namespace wrackline::evidence
