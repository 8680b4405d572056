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

Made Readers(double kib_a_second, Bytes usage) {
  Made made;
  made.Limit(1024 * kMiB).Total(600 * kMiB);
  evidence::RocksDb& rocksdb = made.evidence.rocksdb.emplace();
  evidence::RocksDbCache& cache = rocksdb.caches.emplace_back();
  cache.capacity = 200 * kMiB;
  cache.usage = usage;
  for (int second = 0; second < 400; ++second) {
    evidence::RocksDbMoment& moment = rocksdb.history.emplace_back();
    moment.time = Made::At(second);
    moment.table_readers = Bytes{static_cast<std::int64_t>(1024 * (1000 + kib_a_second * second)) +
                                 second * 7919 % 700};
  }
  return made;
}

TEST(StateGrowsByDesign, ReadersGrowAndTheCacheIsFull) {
  const auto finding = Readers(10, 199 * kMiB).Look(StateGrowsByDesign);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->role, Role::kInformation);
  EXPECT_EQ(finding->confidence, Confidence::kMedium);
  EXPECT_THAT(TextOf(*finding), HasSubstr("state TTL"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("TWO_PHASE"));
  EXPECT_THAT(TextOf(*finding), HasSubstr("more disk, not more memory"));
}

TEST(StateGrowsByDesign, AnEmptyCacheSpeaksAgainstIt) {
  const auto finding = Readers(10, 50 * kMiB).Look(StateGrowsByDesign);
  ASSERT_TRUE(finding.has_value());
  EXPECT_EQ(finding->confidence, Confidence::kLow);
  EXPECT_THAT(TextOf(*finding), HasSubstr("- the block caches are not full yet"));
}

TEST(StateGrowsByDesign, SteadyStateIsNone) {
  EXPECT_FALSE(Readers(0, 199 * kMiB).Look(StateGrowsByDesign).has_value());
  EXPECT_FALSE(Readers(0.3, 199 * kMiB).Look(StateGrowsByDesign).has_value());  // borderline
  EXPECT_FALSE(Made().Look(StateGrowsByDesign).has_value());
}
}  // namespace
}  // namespace wrackline::diagnosis
