#include <gmock/gmock.h>

#include <random>

#include "analyzer/flink/rocksdb_memory.h"
#include "analyzer/sizing/proposal.h"
#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// Four states with Flink's unmanaged defaults, over a limit that they must exceed.
Demand FourFamilies(Bytes limit) {
  Demand demand;
  demand.limit = limit;
  demand.outside_rocksdb = 40 * kMiB;
  demand.peak_working_set = limit;
  for (const char* name : {"value", "list", "map", "window"}) {
    demand.families.push_back({name, 64 * kMiB, 2, 128 * kMiB, 8 * kMiB, 1});
  }
  demand.caches_capacity = demand.caches_usage_peak = 32 * kMiB;
  demand.databases = 1;
  return demand;
}

std::int64_t Setting(const Proposal& proposal, const char* key) {
  return std::stoll(proposal.settings.at(key));
}

TEST(ProposeRocksDb, FourUnmanagedFamiliesUnder350MiB) {
  const Proposal proposal = ProposeRocksDb(FourFamilies(350 * kMiB));
  ASSERT_TRUE(proposal.fits) << proposal.summary;
  EXPECT_EQ(
      proposal.arithmetic.front(),
      "4 families x (2 x 64.0 MiB write buffers + 8.0 MiB cache) = 544.0 MiB, limit 350.0 MiB");
  // 350 - 35 - 40 = 275; 275 x 8/9 = 244.4: a pool of 244 MiB.
  EXPECT_EQ(Setting(proposal, "rocksdb.write_buffer_manager_bytes"), 244 * kMiB.count / 3);
  EXPECT_EQ(Setting(proposal, "rocksdb.shared_block_cache_bytes"),
            static_cast<std::int64_t>(2.5 * 244 * (1 << 20) / 3));
  EXPECT_EQ(proposal.settings.at("rocksdb.charge_write_buffers_to_cache"), "true");
  EXPECT_EQ(proposal.settings.at("rocksdb.write_buffer_manager_allow_stall"), "true");
  ASSERT_EQ(proposal.changes.size(), 4U);
  EXPECT_THAT(proposal.changes.back().reason, HasSubstr("writers stall"));
  EXPECT_EQ(proposal.predicted_peak + proposal.headroom, 350 * kMiB);
  EXPECT_GE(proposal.headroom, 35 * kMiB);
  EXPECT_LE(proposal.smallest_limit, 350 * kMiB);
}

TEST(ProposeRocksDb, SaysBySoMuchWhenNothingFits) {
  const Proposal proposal = ProposeRocksDb(FourFamilies(60 * kMiB));
  EXPECT_FALSE(proposal.fits);
  EXPECT_TRUE(proposal.settings.empty());
  EXPECT_TRUE(proposal.changes.empty());
  EXPECT_THAT(proposal.summary, HasSubstr(FormatBytes(proposal.smallest_limit)));
  EXPECT_TRUE(ProposeRocksDb(FourFamilies(proposal.smallest_limit)).fits);
  EXPECT_FALSE(ProposeRocksDb(FourFamilies(proposal.smallest_limit - kMiB)).fits);
}

TEST(ProposeRocksDb, WithoutALimitThereIsNothingToFit) {
  Demand demand = FourFamilies(kGiB);
  demand.limit.reset();
  const Proposal proposal = ProposeRocksDb(demand);
  EXPECT_FALSE(proposal.fits);
  EXPECT_GT(proposal.smallest_limit.count, 0);
  EXPECT_FALSE(proposal.advice.empty());
}

TEST(ProposeRocksDb, SeveralDatabasesAndMixedOptionsAreSpelledOut) {
  Demand demand = FourFamilies(kGiB);
  demand.databases = 2;
  demand.families = {{"a", 64 * kMiB, 2, {}, 16 * kMiB, 0}, {"b", 32 * kMiB, 4, {}, {}, 1}};
  EXPECT_EQ(UnmanagedNeedEquation(demand),
            "1 family x (4 x 32.0 MiB write buffers + 0 B cache) + "
            "2 databases x 1 family x (2 x 64.0 MiB write buffers + 8.0 MiB cache) = 400.0 MiB");
}

TEST(ProposeRocksDb, AbsurdDemandsAreAnswered) {
  Demand demand = FourFamilies({INT64_MAX});
  demand.outside_rocksdb = {INT64_MIN};
  demand.families[0].write_buffer_size = {INT64_MAX};
  demand.families[0].max_write_buffers = INT32_MAX;
  demand.databases = INT32_MAX;
  demand.families[1].own_cache_capacity = {-5};
  EXPECT_FALSE(ProposeRocksDb(demand).summary.empty());
  EXPECT_FALSE(ProposeRocksDb(Demand{}).summary.empty());
  Demand zero_limit;
  zero_limit.limit = Bytes{};
  EXPECT_FALSE(ProposeRocksDb(zero_limit).fits);
}

// By the rules as docs/sizing.md states them, written a second time.
bool PoolWorks(const Demand& demand, std::int64_t limit, std::int64_t pool_mib) {
  const std::int64_t pool = pool_mib << 20;
  const std::int64_t manager = pool / 3;
  const std::int64_t cache = static_cast<std::int64_t>(2.5 * static_cast<double>(pool) / 3);
  std::int64_t write_buffer = 0;
  for (const auto& family : demand.families)
    write_buffer = std::max(write_buffer, family.write_buffer_size.count);
  const std::int64_t arena = (write_buffer / 8 + 4095) / 4096 * 4096;
  if (cache < 8 << 20 || arena > manager * 7 / 8) return false;
  return demand.outside_rocksdb.count + demand.table_readers_peak.count + pool + pool / 8 <=
         limit - (limit + 9) / 10;
}

TEST(ProposeRocksDb, AgreesWithASearchOverAllPools) {
  std::mt19937_64 random(11);
  int fitting = 0;
  for (int i = 0; i < 5000; ++i) {
    Demand demand;
    demand.limit = Bytes{static_cast<std::int64_t>(random() % (2048LL << 20))};
    demand.outside_rocksdb = {static_cast<std::int64_t>(random() % (1024LL << 20))};
    demand.table_readers_peak = {static_cast<std::int64_t>(random() % (64LL << 20))};
    demand.databases = static_cast<int>(random() % 3);
    for (std::uint64_t f = random() % 6; f > 0; --f) {
      demand.families.push_back(
          {"f", {static_cast<std::int64_t>(random() % (256LL << 20))}, 2, {}, 8 * kMiB, 0});
    }
    const Proposal proposal = ProposeRocksDb(demand);
    std::int64_t best = 0;
    for (std::int64_t pool = 1; pool <= 2048; ++pool) {
      if (PoolWorks(demand, demand.limit->count, pool)) best = pool;
    }
    ASSERT_EQ(proposal.fits, best > 0) << proposal.summary;
    if (!proposal.fits) continue;
    ++fitting;
    ASSERT_EQ(Setting(proposal, "rocksdb.write_buffer_manager_bytes"), (best << 20) / 3);
    ASSERT_LE(proposal.predicted_peak, *demand.limit);
    ASSERT_LE(proposal.smallest_limit, RoundUp(*demand.limit, kMiB));
  }
  EXPECT_GT(fitting, 1000);
}

}  // namespace
}  // namespace wrackline::sizing
