// Objects that Java made of RocksDB and did not close: from the recording to the finding.
#include "analyzer/evidence/rocksdb_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/evidence/from_recording.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::kEpoch;
using testing::kMi;
using testing::kSecond;
using testing::RecordingBuilder;
using Count = proto::RocksDbObjectCount;

proto::RocksDbObjects& Objects(RecordingBuilder* builder, std::uint64_t second,
                               std::uint64_t library = 1) {
  proto::Record& record = builder->recording().rocksdb_objects.emplace_back();
  record.set_time_ns(kEpoch + second * kSecond);
  record.mutable_rocksdb_objects()->set_monotonic_ns(second * kSecond);
  record.mutable_rocksdb_objects()->set_library_id(library);
  return *record.mutable_rocksdb_objects();
}

void Add(proto::RocksDbObjects* to, Count::Kind kind, std::uint64_t made, std::uint64_t closed) {
  Count& count = *to->add_counts();
  count.set_kind(kind);
  count.set_made(made);
  count.set_closed(closed);
}

proto::RocksDbSharedObject& AddCache(proto::RocksDbObjects* to, std::uint64_t id,
                                     std::uint64_t usage) {
  proto::RocksDbSharedObject& cache = *to->add_shared();
  cache.set_id(id);
  cache.set_kind(Count::CACHE);
  cache.set_capacity(64 * kMi);
  cache.set_usage(usage);
  return cache;
}

std::vector<diagnosis::Finding> FindingsOf(const RecordingBuilder& builder) {
  RecordingBuilder copy = builder;
  const Evidence evidence = EvidenceFromRecording(copy.recording(), std::nullopt);
  return diagnosis::Diagnose(evidence, std::nullopt).findings;
}

const diagnosis::Finding* Find(const std::vector<diagnosis::Finding>& findings,
                               std::string_view rule) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [rule](const auto& finding) { return finding.rule == rule; });
  return found == findings.end() ? nullptr : &*found;
}

TEST(RocksDbObjects, NothingWhenNobodyCounted) {
  RecordingBuilder builder;
  EXPECT_FALSE(RocksDbObjectsFromRecording(builder.recording()));
}

TEST(RocksDbObjects, LibrariesAreAddedUp) {
  RecordingBuilder builder;
  Add(&Objects(&builder, 1, 1), Count::READ_OPTIONS, 10, 4);
  Add(&Objects(&builder, 1, 2), Count::READ_OPTIONS, 5, 5);
  Add(&Objects(&builder, 2, 1), Count::READ_OPTIONS, 20, 4);
  const auto objects = RocksDbObjectsFromRecording(builder.recording());
  ASSERT_TRUE(objects);
  const RocksDbObjectKind* kind = objects->Of("ReadOptions");
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->made, 25u);
  EXPECT_EQ(kind->closed, 9u);
  EXPECT_EQ(kind->Alive(), 16u);
  ASSERT_EQ(kind->history.size(), 3u);
  EXPECT_EQ(kind->history[0].alive, 6u);
}

TEST(RocksDbUnclosed, ManyThatStayAreAFindingWithTheirRateAndTheirPlace) {
  RecordingBuilder builder;
  for (std::uint64_t second = 0; second <= 100; ++second)
    Add(&Objects(&builder, second), Count::READ_OPTIONS, 1000 + 100 * second, 1000);
  builder.Live(
      {"operator new", "Java_org_rocksdb_ReadOptions_newReadOptions__", "com.example.Join.lookup"},
      200, 512 << 10);
  const auto findings = FindingsOf(builder);
  const diagnosis::Finding* finding = Find(findings, "rocksdb_unclosed_read_options");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->amount, Bytes{512 << 10});
  EXPECT_EQ(finding->confidence, diagnosis::Confidence::kHigh);
  EXPECT_THAT(finding->summary, HasSubstr("10000 ReadOptions"));
  EXPECT_THAT(finding->evidence, Contains(HasSubstr("360000 an hour")));
}

TEST(RocksDbUnclosed, APeakThatPassesIsNone) {
  RecordingBuilder builder;
  for (std::uint64_t second = 0; second <= 100; ++second) {
    const std::uint64_t alive = second == 80 ? 5000 : 10;
    Add(&Objects(&builder, second), Count::ITERATOR, 100'000 + alive, 100'000);
  }
  EXPECT_EQ(Find(FindingsOf(builder), "rocksdb_unclosed_iterators"), nullptr);
}

TEST(RocksDbUnclosed, WhatManyFamiliesNeedIsNone) {
  RecordingBuilder few, many;
  for (RecordingBuilder* builder : {&few, &many})
    Add(&Objects(builder, 1), Count::COLUMN_FAMILY_OPTIONS, 1500, 0);
  for (std::uint32_t family = 0; family < 100; ++family)
    many.Describe(1, family, "state", 64 * kMi, 2, 7);
  EXPECT_NE(Find(FindingsOf(few), "rocksdb_unclosed_options"), nullptr);
  EXPECT_EQ(Find(FindingsOf(many), "rocksdb_unclosed_options"), nullptr);
}

TEST(RocksDbUnclosed, OneOfEachDatabaseThatWasClosed) {
  RecordingBuilder builder;
  proto::RocksDbObjects& objects = Objects(&builder, 1);
  Add(&objects, Count::DATABASE, 40, 40);
  Add(&objects, Count::READ_OPTIONS, 40, 0);
  const auto findings = FindingsOf(builder);
  const diagnosis::Finding* finding = Find(findings, "rocksdb_unclosed_read_options");
  ASSERT_NE(finding, nullptr);
  EXPECT_THAT(finding->evidence, Contains(HasSubstr("rocksdb#15036")));
}

// A cache of a database that was closed; three records say that it is still there.
RecordingBuilder Orphaned() {
  RecordingBuilder builder;
  builder.Describe(1, 0, "value", 64 * kMi, 2, 0xcafe);
  RecordingBuilder::Family(builder.RocksDb(1, 3), 0, "value", 0xcafe, kMi);
  builder.recording().rocksdb_databases[1].set_closed(true);
  for (std::uint64_t second = 1; second <= 6; ++second) {
    proto::RocksDbObjects& objects = Objects(&builder, second);
    Add(&objects, Count::DATABASE, 1, second > 3 ? 1 : 0);
    Add(&objects, Count::COLUMN_FAMILY_OPTIONS, 2, 1);
    proto::RocksDbSharedObject& cache = AddCache(&objects, 0xcafe, 60 * kMi);
    cache.set_closed_by_java(second > 3);
    cache.set_holders(1);
  }
  return builder;
}

TEST(RocksDbOrphanCache, IsNamedWithWhatHoldsIt) {
  RecordingBuilder builder = Orphaned();
  builder.Live({"operator new", "Java_org_rocksdb_ColumnFamilyHandle_getDescriptor",
                "org.rocksdb.ColumnFamilyHandle.getDescriptor", "com.example.Compactor.compact"},
               2000, 512 << 10);
  const auto findings = FindingsOf(builder);
  const diagnosis::Finding* finding = Find(findings, "rocksdb_orphan_cache");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->amount, 60 * kMiB);
  EXPECT_THAT(finding->evidence,
              AllOf(Contains(HasSubstr("closed by Java, but 1 other object holds it")),
                    Contains(HasSubstr("1 ColumnFamilyOptions are alive"))));
}

TEST(RocksDbOrphanCache, NotWhileADatabaseUsesIt) {
  RecordingBuilder builder = Orphaned();
  builder.Describe(2, 0, "value", 64 * kMi, 2, 0xcafe);
  EXPECT_EQ(Find(FindingsOf(builder), "rocksdb_orphan_cache"), nullptr);
}

// Its users may be among those.
TEST(RocksDbOrphanCache, NotWhileAnOpenDatabaseWasNotRead) {
  RecordingBuilder builder = Orphaned();
  Add(&Objects(&builder, 7, 2), Count::DATABASE, 1, 0);
  EXPECT_EQ(Find(FindingsOf(builder), "rocksdb_orphan_cache"), nullptr);
}

TEST(RocksDbOrphanCache, NotAMomentAfterItsDatabase) {
  RecordingBuilder builder = Orphaned();
  builder.recording().rocksdb_objects.resize(4);
  EXPECT_EQ(Find(FindingsOf(builder), "rocksdb_orphan_cache"), nullptr);
}

TEST(RocksDbOrphanCache, NotWithoutBlocks) {
  RecordingBuilder builder = Orphaned();
  for (proto::Record& record : builder.recording().rocksdb_objects)
    record.mutable_rocksdb_objects()->mutable_shared(0)->set_usage(1000);
  EXPECT_EQ(Find(FindingsOf(builder), "rocksdb_orphan_cache"), nullptr);
}

}  // namespace
}  // namespace wrackline::evidence
