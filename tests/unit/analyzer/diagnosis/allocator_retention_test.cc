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

Made Residual(Bytes residual, Bytes rocksdb = 300 * kMiB) {
  Made made;
  made.Limit(1024 * kMiB).Total(1024 * kMiB);
  made.Line("jvm.heap", Holder::kJvm, 1024 * kMiB - rocksdb - residual);
  if (rocksdb.count > 0) made.Line("rocksdb.memtables", Holder::kRocksDb, rocksdb);
  made.evidence.ending.kernel_kill.emplace().anon_rss = 1015 * kMiB;
  return made;
}

// As in the run with unmanaged RocksDB that was killed at 1 GiB: 333 MiB are in nobody's account.
TEST(AllocatorRetention, WithoutItsFiguresLikelyButUnproven) {
  const auto finding = Residual(333 * kMiB).Look(AllocatorRetention);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kLow);
  EXPECT_EQ(finding->role, Role::kContributor);
  EXPECT_EQ(finding->amount, 333 * kMiB);
  EXPECT_THAT(finding->summary, HasSubstr("likely but unproven"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("- no figures of the allocator were taken"));
}

TEST(AllocatorRetention, SmallResidualOrNoNativeMemoryIsNone) {
  EXPECT_FALSE(Residual(60 * kMiB).Look(AllocatorRetention).has_value());
  EXPECT_FALSE(Residual(333 * kMiB, Bytes{}).Look(AllocatorRetention).has_value());
}

// A VM whose heap was not seen: that is what is missing, and nobody blames the allocator.
TEST(AllocatorRetention, SilentWhileTheVmsOwnMemoryIsMissing) {
  Made made;
  made.Limit(1024 * kMiB).Total(1024 * kMiB);
  made.Line("rocksdb.memtables", Holder::kRocksDb, 300 * kMiB);
  made.evidence.ending.kernel_kill.emplace().anon_rss = 1015 * kMiB;
  EXPECT_TRUE(made.Look(AllocatorRetention).has_value());
  made.evidence.process.executable = "/opt/java/bin/java";
  EXPECT_FALSE(made.Look(AllocatorRetention).has_value());
}

TEST(AllocatorRetention, WhatRocksDbGaveBackSpeaksForIt) {
  Made made = Residual(333 * kMiB);
  evidence::RocksDb& rocksdb = made.evidence.rocksdb.emplace();
  rocksdb.history.push_back({Made::At(0), 640 * kMiB, Bytes{}, Bytes{}});
  rocksdb.history.push_back({Made::At(1), 144 * kMiB, Bytes{}, Bytes{}});
  EXPECT_THAT(TextOf(*made.Look(AllocatorRetention)),
              HasSubstr("RocksDB had held 640.0 MiB and gave 496.0 MiB of it back"));
}

TEST(AllocatorRetention, ArenasAgainstTheQuota) {
  Made made;
  made.Limit(1024 * kMiB).Total(1000 * kMiB);
  made.Line("allocator.free", Holder::kAllocator, 400 * kMiB);
  evidence::AllocatorFigures& figures = made.ledger->allocator.emplace();
  figures.in_use = 500 * kMiB;
  figures.arenas_made = 64;
  made.evidence.process.cpu_quota_thousandths = 2000;
  const auto finding = made.Look(AllocatorRetention);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kHigh);
  EXPECT_THAT(TextOf(*finding), HasSubstr("64 arenas for a CPU quota of 2"));
  figures.arenas_made = 8;
  EXPECT_THAT(TextOf(*made.Look(AllocatorRetention)), ::testing::Not(HasSubstr("for a CPU quota")));
}
}  // namespace
}  // namespace wrackline::diagnosis
