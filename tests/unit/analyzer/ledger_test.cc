// One test per rule of docs/ledger.md, in its order.
#include "analyzer/ledger/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/evidence/from_recording.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::ledger {
namespace {

using testing::kMi;
using testing::RecordingBuilder;

Ledger Build(RecordingBuilder& builder) {
  const std::optional<Ledger> ledger =
      BuildLedger(evidence::EvidenceFromRecording(builder.recording(), std::nullopt));
  EXPECT_TRUE(ledger.has_value());
  EXPECT_EQ(ledger->Sum() + ledger->unexplained, ledger->total);
  return *ledger;
}

std::int64_t Amount(const Ledger& ledger, const std::string& id) {
  std::int64_t sum = 0;
  for (const Line& line : ledger.lines) sum += line.id == id ? line.amount.count : 0;
  return sum;
}

bool Has(const Ledger& ledger, const std::string& id) {
  return std::any_of(ledger.lines.begin(), ledger.lines.end(),
                     [&](const Line& line) { return line.id == id; });
}

TEST(Ledger, TakesTheChargeOfTheLastTickWithABreakdown) {
  RecordingBuilder builder;
  builder.Charge(1, 100 * kMi, 350 * kMi);
  builder.Charge(2, 200 * kMi, 350 * kMi);
  builder.Tick(3).mutable_cgroup()->set_charge(202 * kMi);  // no breakdown
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.total.count, 200 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(ledger.before_end, std::chrono::seconds(8));
}

TEST(Ledger, AHeartbeatOfAnotherChargeIsNearerToTheEnd) {
  RecordingBuilder builder;
  builder.Charge(9, 13 * kMi, 64 * kMi);
  proto::Record& heartbeat = builder.recording().last_heartbeat.emplace();
  heartbeat.set_time_ns(testing::kEpoch + 10 * testing::kSecond);
  heartbeat.mutable_heartbeat()->set_charge(64 * kMi);
  builder.Live({"malloc", "work"}, 60 * kMi, 60 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.total, 64 * kMiB);
  EXPECT_EQ(ledger.unexplained, 4 * kMiB);
  EXPECT_EQ(ledger.before_end, std::chrono::seconds(0));
}

TEST(Ledger, IsAbsentWithoutAnyFigure) {
  RecordingBuilder builder;
  EXPECT_FALSE(
      BuildLedger(evidence::EvidenceFromRecording(builder.recording(), std::nullopt)).has_value());
}

TEST(Ledger, WhatNobodyCountedIsUnexplained) {
  RecordingBuilder builder;
  builder.Charge(1, 100 * kMi, 350 * kMi);
  EXPECT_EQ(Build(builder).unexplained, 100 * kMiB);
}

TEST(Ledger, UnexplainedIsSigned) {
  RecordingBuilder builder;
  builder.Charge(10, 10 * kMi, 350 * kMi);
  builder.Live({"untouched"}, 30 * kMi, 30 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.unexplained, -20 * kMiB);
  EXPECT_FALSE(ledger.notes.empty());
}

TEST(Ledger, SharedCacheCountsOnceHoweverManyFamiliesUseIt) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  for (std::uint32_t family = 0; family < 3; ++family)
    RecordingBuilder::Family(sample, family, "f" + std::to_string(family), 7, kMi);
  RecordingBuilder::Cache(sample, 7, 64 * kMi, 45 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "rocksdb.block_cache"), 45 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "rocksdb.memtables"), 3 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, CacheSharedByTwoDatabasesCountsOnce) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  for (const std::uint64_t database : {1, 2}) {
    auto& sample = builder.RocksDb(database, 10);
    RecordingBuilder::Family(sample, 0, "default", 7, kMi);
    RecordingBuilder::Cache(sample, 7, 64 * kMi, 45 * kMi);
  }
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "rocksdb.block_cache"), 45 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "rocksdb.memtables"), 2 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, MemtablesChargedToTheCacheAreNotCountedAgainInIt) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 7, 20 * kMi);
  RecordingBuilder::Cache(sample, 7, 64 * kMi, 45 * kMi);
  auto& manager = *sample.add_write_buffer_managers();
  manager.set_id(9);
  manager.set_memory_usage(20 * kMi);
  manager.set_cache_reservation(21 * kMi);
  manager.set_charged_to_cache(true);
  manager.set_cache_id(7);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "rocksdb.memtables"), 20 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "rocksdb.block_cache"), 24 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, SitesInRocksDbAreTheProbesMemoryNotMore) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 0, 50 * kMi);
  builder.Live({"malloc", "_ZN7rocksdb5Arena16AllocateNewBlockEm", "main"}, 50 * kMi, 50 * kMi);
  builder.Live({"malloc", "leak", "main"}, 10 * kMi, 10 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.Of(Holder::kRocksDb), 50 * kMiB);
  EXPECT_EQ(ledger.Of(Holder::kNative), 10 * kMiB);
  EXPECT_EQ(ledger.unexplained, 40 * kMiB);
}

TEST(Ledger, RocksDbBeyondTheProbeIsALineOfItsOwn) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 0, 50 * kMi);
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 71 * kMi, 71 * kMi);
  // 71 less 50 less one arena block that may be untouched.
  EXPECT_EQ(Amount(Build(builder), "rocksdb.other"), 20 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, WhatWasNeverTouchedIsNoMemory) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  builder.Live({"malloc", "pool", "main"}, 60 * kMi, 60 * kMi).Untouched(45 * kMi);
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 30 * kMi, 30 * kMi).Untouched(10 * kMi);
  builder.Live({"malloc", "work", "main"}, 5 * kMi, 5 * kMi);
  // More than is live now: some of it was freed since.
  builder.Live({"malloc", "shrunk", "main"}, 4 * kMi, 4 * kMi).Untouched(9 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "native.site"), (15 + 5) * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "native.other_sites"), 0);
  EXPECT_EQ(Amount(ledger, "rocksdb.by_stack"), 20 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(ledger.unexplained, 60 * kMiB);
}

TEST(Ledger, RocksDbBeyondTheProbeIsCountedWithoutWhatItNeverTouched) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 0, 50 * kMi);
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 80 * kMi, 80 * kMi).Untouched(7 * kMi);
  EXPECT_EQ(Amount(Build(builder), "rocksdb.other"), 23 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, MemtablesAreCountedWithoutArenaBlocksThatWereNeverTouched) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "flushed", 0, 30 * kMi);
  RecordingBuilder::Family(sample, 1, "other", 0, 10 * kMi);
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 44 * kMi, 44 * kMi).Untouched(20 * kMi);
  // 24 MiB are resident and 40 are claimed: 16 of the 20 without a page are in that claim.
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "rocksdb.memtables"), 24 * static_cast<std::int64_t>(kMi));
  ASSERT_EQ(ledger.lines.front().label, "RocksDB memtables, flushed");
  EXPECT_EQ(ledger.lines.front().amount, 18 * kMiB);
  EXPECT_EQ(ledger.lines.front().confidence, Confidence::kDerived);
  EXPECT_FALSE(Has(ledger, "rocksdb.other"));
}

TEST(Ledger, MemtablesThatAreAllThereStayExact) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 0, 40 * kMi);
  // The rest of an arena block, which RocksDB's figure leaves out.
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 41 * kMi, 41 * kMi).Untouched(1 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "rocksdb.memtables"), 40 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(ledger.lines.front().confidence, Confidence::kExact);
}

TEST(Ledger, WhatWasNeverTouchedIsInUseToTheAllocator) {
  RecordingBuilder builder;
  auto& tick = builder.Charge(10, 100 * kMi, 350 * kMi);
  tick.mutable_allocator()->set_monotonic_ns(10 * testing::kSecond);
  tick.mutable_allocator()->set_in_use(60 * kMi);
  builder.Live({"work"}, 50 * kMi, 50 * kMi).Untouched(40 * kMi);
  EXPECT_EQ(Amount(Build(builder), "allocator.rounding"), 10 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, RocksDbBeyondTheProbeWithinTheSamplingErrorIsNoLine) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 0, 50 * kMi);
  // One object of a large weight: standard error about as large as the estimate.
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 1000, 71 * kMi);
  EXPECT_FALSE(Has(Build(builder), "rocksdb.other"));
}

TEST(Ledger, RocksDbWithoutProbeIsKnownByStack) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  builder.Live({"_ZN7rocksdb8NewThingEv"}, 30 * kMi, 30 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "rocksdb.by_stack"), 30 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(ledger.Of(Holder::kNative), Bytes{});
}

TEST(Ledger, ClosedDatabaseHoldsNothing) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  builder.Describe(1, 0, "default", 64 * kMi, 2, 0);
  builder.recording().rocksdb_databases[1].set_closed(true);
  RecordingBuilder::Family(builder.RocksDb(1, 9), 0, "default", 0, 50 * kMi);
  EXPECT_FALSE(Has(Build(builder), "rocksdb.memtables"));
}

TEST(Ledger, GlibcFreeMemoryIsAnUpperBound) {
  RecordingBuilder builder;
  auto& tick = builder.Charge(10, 100 * kMi, 350 * kMi);
  tick.mutable_allocator()->set_in_use(50 * kMi);
  tick.mutable_allocator()->set_free_in_heap(40 * kMi);
  const Ledger ledger = Build(builder);
  const auto line = std::find_if(ledger.lines.begin(), ledger.lines.end(),
                                 [](const Line& l) { return l.id == "allocator.free"; });
  ASSERT_NE(line, ledger.lines.end());
  EXPECT_EQ(line->amount, 40 * kMiB);
  EXPECT_EQ(line->confidence, Confidence::kUpperBound);
}

TEST(Ledger, WhatWasHandedOutSinceTheReadingIsNotFreeAnyMore) {
  RecordingBuilder builder;
  auto& tick = builder.Charge(10, 100 * kMi, 350 * kMi);
  tick.mutable_allocator()->set_in_use(50 * kMi);
  tick.mutable_allocator()->set_free_in_heap(40 * kMi);
  builder.Live({"malloc", "pool"}, 45 * kMi, 45 * kMi);
  const auto free_memory = [&] { return Amount(Build(builder), "allocator.free") >> 20; };
  EXPECT_EQ(free_memory(), 40);
  builder.Live({"malloc", "burst"}, 30 * kMi, 30 * kMi);
  EXPECT_EQ(free_memory(), 15);
  builder.Live({"malloc", "more"}, 30 * kMi, 30 * kMi);
  EXPECT_EQ(free_memory(), 0);
}

TEST(Ledger, GlibcFreeMemoryWithoutPagesIsNotCounted) {
  RecordingBuilder builder;
  auto& tick = builder.Charge(10, 100 * kMi, 350 * kMi);
  tick.mutable_allocator()->set_in_use(95 * kMi);
  tick.mutable_allocator()->set_free_in_heap(40 * kMi);
  tick.mutable_allocator()->set_heaps_mapped(80 * kMi);
  tick.mutable_allocator()->set_heaps_resident(45 * kMi);
  builder.Live({"malloc", "pool"}, 30 * kMi, 30 * kMi);
  const auto free_memory = [&] { return Amount(Build(builder), "allocator.free") >> 20; };
  // Whether the 35 MiB without a page are live or free is not known.
  EXPECT_EQ(free_memory(), 40);
  builder.Untouched(10 * kMi);
  EXPECT_EQ(free_memory(), 15);
  // All of it is live.
  builder.Live({"malloc", "other"}, 60 * kMi, 60 * kMi).Untouched(50 * kMi);
  EXPECT_EQ(free_memory(), 40);
}

TEST(Ledger, JemallocSaysWhatIsResident) {
  RecordingBuilder builder;
  auto& allocator = *builder.Charge(10, 100 * kMi, 350 * kMi).mutable_allocator();
  allocator.set_in_use(50 * kMi);
  allocator.set_free_in_heap(5 * kMi);
  allocator.set_metadata(3 * kMi);
  allocator.set_resident(80 * kMi);
  allocator.set_retained(500 * kMi);  // unmapped: in no page
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "allocator.free"), 27 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "allocator.metadata"), 3 * static_cast<std::int64_t>(kMi));
}

// Pages that jemalloc counts as resident, and that nobody touched.
TEST(Ledger, JemallocKeepsNoMoreThanItsMappingsHaveResident) {
  RecordingBuilder builder;
  builder.Live({"main"}, 512 << 10, 40 * kMi);
  auto& allocator = *builder.Charge(10, 100 * kMi, 350 * kMi).mutable_allocator();
  allocator.set_monotonic_ns(10 * testing::kSecond);
  allocator.set_in_use(60 * kMi);
  allocator.set_resident(90 * kMi);
  allocator.set_metadata(4 * kMi);
  allocator.set_thread_caches(18 * kMi);
  evidence::Evidence evidence = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto kept = [&evidence] {
    return BuildLedger(evidence)->Of(Holder::kAllocator).count / static_cast<std::int64_t>(kMi);
  };
  EXPECT_EQ(kept(), 18 + 4 + (90 - 60 - 4)) << "nobody looked at its pages";
  evidence::MappingSite mapping;
  mapping.kind = evidence::MappingKind::kAllocator;
  mapping.accessible = 200 * kMiB;
  mapping.resident = 64 * kMiB;
  evidence.mappings = {mapping};
  EXPECT_NEAR(static_cast<double>(kept()), 64 - 40, 1) << "its pages beyond what is live";
  evidence.mappings[0].resident = 150 * kMiB;
  EXPECT_EQ(kept(), 18 + 4 + (90 - 60 - 4)) << "never more than it says";
}

TEST(Ledger, RoundingIsInUseLessSamplesOfTheSameMoment) {
  RecordingBuilder builder;
  auto& tick = builder.Charge(10, 100 * kMi, 350 * kMi);
  tick.mutable_allocator()->set_monotonic_ns(10 * testing::kSecond);
  tick.mutable_allocator()->set_in_use(60 * kMi);
  builder.Live({"work"}, 50 * kMi, 50 * kMi);
  EXPECT_EQ(Amount(Build(builder), "allocator.rounding"), 10 * static_cast<std::int64_t>(kMi));
  tick.mutable_allocator()->set_monotonic_ns(5 *
                                             testing::kSecond);  // five seconds old: not comparable
  EXPECT_FALSE(Has(Build(builder), "allocator.rounding"));
}

TEST(Ledger, FilePagesSplitIntoCacheMappedAndSharedMemory) {
  RecordingBuilder builder;
  auto& cgroup = *builder.Charge(10, 100 * kMi, 350 * kMi).mutable_cgroup();
  cgroup.set_anon(40 * kMi);
  cgroup.set_file(50 * kMi);
  cgroup.set_shmem(20 * kMi);
  cgroup.set_file_mapped(25 * kMi);
  cgroup.set_kernel(10 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "file.shmem"), 20 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "file.mapped"), 25 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "file.page_cache"), 5 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(ledger.Of(Holder::kFile) + ledger.Of(Holder::kKernel), 60 * kMiB);
}

TEST(Ledger, OtherProcessesOfALimitedCgroupHaveALine) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi).mutable_process()->set_resident(70 * kMi);
  EXPECT_EQ(Amount(Build(builder), "other_processes"), 30 * static_cast<std::int64_t>(kMi));
}

TEST(Ledger, WithoutALimitASharedCgroupGivesTheResidentSet) {
  RecordingBuilder builder;
  auto& process = *builder.Charge(10, 1000 * kMi).mutable_process();
  process.set_resident(70 * kMi);
  process.set_resident_shared(10 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.basis, Basis::kResident);
  EXPECT_EQ(ledger.total, 70 * kMiB);
  EXPECT_EQ(Amount(ledger, "file.resident"), 10 * static_cast<std::int64_t>(kMi));
  EXPECT_FALSE(Has(ledger, "other_processes"));
}

TEST(Ledger, ALimitTheUserNamesIsTheProcesss) {
  RecordingBuilder builder;
  auto& process = *builder.Charge(10, 75 * kMi).mutable_process();
  process.set_resident(70 * kMi);
  builder.Aftermath().set_stopped_at_limit(true);
  builder.Aftermath().set_limit(70 * kMi);
  EXPECT_EQ(Build(builder).basis, Basis::kResident);
}

TEST(Ledger, AllocatorFiguresFromBeforeMemoryWasGivenBackAreNotUsed) {
  RecordingBuilder builder;
  builder.Charge(9, 300 * kMi, 350 * kMi);
  auto& tick = builder.Charge(10, 100 * kMi, 350 * kMi);
  tick.mutable_allocator()->set_monotonic_ns(9 * testing::kSecond);
  tick.mutable_allocator()->set_in_use(250 * kMi);
  tick.mutable_allocator()->set_free_in_heap(40 * kMi);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.Of(Holder::kAllocator), Bytes{});
  EXPECT_TRUE(std::any_of(ledger.notes.begin(), ledger.notes.end(), [](const std::string& note) {
    return note.find("given back") != std::string::npos;
  }));
}

TEST(Ledger, LargeSitesHaveLinesTheRestShareOne) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi);
  builder.Live({"malloc", "big"}, 30 * kMi, 30 * kMi);
  builder.Live({"malloc", "small1"}, kMi / 2, kMi / 2).Live({"malloc", "small2"}, kMi / 4, kMi / 4);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(Amount(ledger, "native.site"), 30 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "native.other_sites"), 3 * static_cast<std::int64_t>(kMi) / 4);
  EXPECT_EQ(ledger.lines.front().label, "big");
}

TEST(Ledger, WracklineCountsItself) {
  RecordingBuilder builder;
  builder.Charge(10, 100 * kMi, 350 * kMi).set_own_bytes(6 * kMi);
  EXPECT_EQ(Build(builder).Of(Holder::kWrackline), 6 * kMiB);
}

TEST(Ledger, WracklineCountsItselfAlsoWhereFastTicksLeaveItOut) {
  RecordingBuilder builder;
  builder.Charge(9, 90 * kMi, 350 * kMi).set_own_bytes(6 * kMi);
  builder.Charge(10, 100 * kMi, 350 * kMi);
  EXPECT_EQ(Build(builder).Of(Holder::kWrackline), 6 * kMiB);
}

void ExitCleanly(RecordingBuilder& builder) {
  builder.recording().exit.emplace().mutable_exit()->set_kind(proto::Exit::CLEAN);
}

bool Notes(const Ledger& ledger, const std::string& words) {
  return std::any_of(ledger.notes.begin(), ledger.notes.end(), [&](const std::string& note) {
    return note.find(words) != std::string::npos;
  });
}

// Grows to 200 MiB at second 5, of which RocksDB holds 150, and has given it back at second 10.
void GrewAndGaveBack(RecordingBuilder& builder) {
  builder.Charge(1, 50 * kMi, 350 * kMi);
  auto& peak = builder.Charge(5, 200 * kMi, 350 * kMi);
  peak.set_own_bytes(6 * kMi);
  peak.mutable_allocator()->set_monotonic_ns(5 * testing::kSecond);
  peak.mutable_allocator()->set_in_use(160 * kMi);
  peak.mutable_allocator()->set_free_in_heap(30 * kMi);
  auto& end = builder.Charge(10, 20 * kMi, 350 * kMi);
  end.mutable_allocator()->set_monotonic_ns(10 * testing::kSecond);
  end.mutable_allocator()->set_in_use(9 * kMi);
  end.mutable_allocator()->set_free_in_heap(kMi);
  builder.Describe(1, 0, "default", 64 * kMi, 2, 7);
  for (const auto& [second, memtables] :
       {std::pair{1, 10}, std::pair{4, 100}, std::pair{6, 110}, std::pair{9, 0}}) {
    auto& sample = builder.RocksDb(1, static_cast<std::uint64_t>(second));
    RecordingBuilder::Family(sample, 0, "default", 7, static_cast<std::uint64_t>(memtables) * kMi);
    RecordingBuilder::Cache(sample, 7, 64 * kMi, 50 * kMi);
  }
  builder.Live({"malloc", "left"}, 5 * kMi, 5 * kMi);
}

TEST(LedgerAtPeak, ACleanExitIsExplainedAtItsPeakFromFiguresOfThatMoment) {
  RecordingBuilder builder;
  GrewAndGaveBack(builder);
  ExitCleanly(builder);
  builder.recording().rocksdb_databases[1].set_closed(true);  // after the peak
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.moment, When::kPeak);
  EXPECT_EQ(ledger.total, 200 * kMiB);
  EXPECT_EQ(ledger.before_end, std::chrono::seconds(5));
  EXPECT_EQ(Amount(ledger, "rocksdb.memtables"), 100 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "rocksdb.block_cache"), 50 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(Amount(ledger, "allocator.free"), 30 * static_cast<std::int64_t>(kMi));
  EXPECT_EQ(ledger.Of(Holder::kWrackline), 6 * kMiB);
  EXPECT_EQ(ledger.allocator->in_use, 160 * kMiB);
  EXPECT_FALSE(Has(ledger, "native.site") || Has(ledger, "native.other_sites"));
  EXPECT_EQ(ledger.unexplained, 14 * kMiB);
  EXPECT_TRUE(Notes(ledger, "native memory outside RocksDB is in unexplained"));
}

TEST(LedgerAtPeak, OtherEndingsAreExplainedAtTheEnd) {
  RecordingBuilder killed, failed, stopped;
  for (RecordingBuilder* builder : {&killed, &failed, &stopped}) GrewAndGaveBack(*builder);
  killed.Aftermath().set_signal(9);
  ExitCleanly(failed);
  failed.Aftermath().set_exit_status(3);
  ExitCleanly(stopped);
  stopped.Aftermath().set_stopped_at_limit(true);
  for (RecordingBuilder* builder : {&killed, &failed, &stopped}) {
    const Ledger ledger = Build(*builder);
    EXPECT_EQ(ledger.moment, When::kEnd);
    EXPECT_EQ(ledger.total, 20 * kMiB);
  }
}

TEST(LedgerAtPeak, IsTheLargestWorkingSetNotTheMostPageCache) {
  RecordingBuilder builder;
  builder.Charge(2, 120 * kMi, 350 * kMi).mutable_cgroup()->set_inactive_file(0);
  auto& cgroup = *builder.Charge(5, 300 * kMi, 350 * kMi).mutable_cgroup();
  cgroup.set_anon(100 * kMi);
  cgroup.set_file(200 * kMi);
  cgroup.set_inactive_file(200 * kMi);
  builder.Charge(10, 20 * kMi, 350 * kMi).mutable_cgroup()->set_inactive_file(0);
  ExitCleanly(builder);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.total, 120 * kMiB);
  EXPECT_TRUE(Notes(ledger, "peaked at 300.0 MiB"));
}

TEST(LedgerAtPeak, RocksDbSamplesFurtherAwayAreNotUsed) {
  RecordingBuilder builder;
  builder.Charge(5, 200 * kMi, 350 * kMi);
  builder.Charge(10, 20 * kMi, 350 * kMi);
  RecordingBuilder::Family(builder.RocksDb(1, 3), 0, "default", 0, 100 * kMi);
  RecordingBuilder::Family(builder.RocksDb(1, 7), 0, "default", 0, 90 * kMi);
  ExitCleanly(builder);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.Of(Holder::kRocksDb), Bytes{});
  EXPECT_TRUE(Notes(ledger, "No sample of RocksDB"));
}

TEST(LedgerAtPeak, AllocatorFiguresOfLaterAreNotUsed) {
  RecordingBuilder builder;
  builder.Charge(5, 200 * kMi, 350 * kMi);
  builder.Charge(10, 20 * kMi, 350 * kMi).mutable_allocator()->set_in_use(9 * kMi);
  ExitCleanly(builder);
  const Ledger ledger = Build(builder);
  EXPECT_FALSE(ledger.allocator.has_value());
  EXPECT_TRUE(Notes(ledger, "no statistics until then"));
}

TEST(LedgerAtPeak, MemoryHeldUntilTheEndIsExplainedThereWhereTheSamplesAre) {
  RecordingBuilder builder;
  builder.Charge(5, 100 * kMi, 350 * kMi);
  builder.Charge(10, 98 * kMi, 350 * kMi);
  builder.Live({"malloc", "kept"}, 90 * kMi, 90 * kMi);
  ExitCleanly(builder);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.moment, When::kEnd);
  EXPECT_EQ(ledger.Of(Holder::kNative), 90 * kMiB);
}

TEST(LedgerAtPeak, WithoutACgroupOfItsOwnThePeakIsOfTheResidentSet) {
  RecordingBuilder builder;
  for (const auto& [second, resident] : {std::pair{2, 30}, std::pair{5, 90}, std::pair{10, 10}}) {
    auto& process = *builder.Tick(static_cast<std::uint64_t>(second)).mutable_process();
    process.set_resident(static_cast<std::uint64_t>(resident) * kMi);
    process.set_resident_shared(5 * kMi);
  }
  ExitCleanly(builder);
  const Ledger ledger = Build(builder);
  EXPECT_EQ(ledger.basis, Basis::kResident);
  EXPECT_EQ(ledger.total, 90 * kMiB);
  EXPECT_EQ(Amount(ledger, "file.resident"), 5 * static_cast<std::int64_t>(kMi));
}

}  // namespace
}  // namespace wrackline::ledger
