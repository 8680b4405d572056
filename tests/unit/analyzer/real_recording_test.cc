// The demo's first run as the kernel ended it (tests/data/recordings/README.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"

namespace wrackline {
namespace {

using ::testing::HasSubstr;

report::Report Killed() {
  Result<evidence::Evidence> evidence = evidence::ReadEvidence(
      WRACKLINE_TEST_DATA "/recordings/four_states_killed.wrackpack", std::nullopt);
  EXPECT_TRUE(evidence.ok());
  return report::BuildReport(std::move(evidence.value()), std::nullopt);
}

TEST(RealRecording, WasKilledByTheKernelAtItsLimit) {
  const report::Report report = Killed();
  EXPECT_EQ(report.diagnosis.outcome, diagnosis::Outcome::kOomKilled);
  EXPECT_EQ(report.evidence.limit->amount.count, 367001600);
  EXPECT_EQ(report.evidence.peak_charge->amount.count, 367001600);
  ASSERT_TRUE(report.evidence.ending.kernel_kill);
  EXPECT_EQ(report.evidence.ending.kernel_kill->pid, report.evidence.process.pid);
  EXPECT_EQ(report.evidence.ending.kernel_kill->anon_rss, 357004 * kKiB);
  EXPECT_EQ(report.evidence.ending.oom_kill_after, 1u);
  ASSERT_TRUE(report.evidence.LastRecordAge());
  EXPECT_LT(*report.evidence.LastRecordAge(), std::chrono::milliseconds(500));
}

TEST(RealRecording, LedgerClosesWithinFivePercent) {
  const report::Report report = Killed();
  ASSERT_TRUE(report.ledger);
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kCharge);
  EXPECT_EQ(report.ledger->total.count, 367001600);
  EXPECT_EQ(report.ledger->Sum() + report.ledger->unexplained, report.ledger->total);
  EXPECT_LE(std::abs(report.ledger->unexplained.count) * 20, report.ledger->total.count);
}

TEST(RealRecording, NamesTheFourFamiliesAndTheSettings) {
  const report::Report report = Killed();
  ASSERT_TRUE(report.evidence.rocksdb);
  ASSERT_EQ(report.evidence.rocksdb->families.size(), 4u);
  for (const evidence::RocksDbFamily& family : report.evidence.rocksdb->families) {
    EXPECT_EQ(family.write_buffer_size, 64 * kMiB);
    EXPECT_EQ(family.max_write_buffers, 2);
    EXPECT_GE(family.all_memtables->count, 50 << 20);
  }
  EXPECT_THAT(report.diagnosis.verdict,
              HasSubstr("RocksDB held 294.6 MiB of it: 4 column families"));
  const nlohmann::json json = nlohmann::json::parse(render::RenderJson(report));
  const nlohmann::json& settings = json.at("/proposal/settings"_json_pointer);
  EXPECT_TRUE(settings.at("rocksdb.shared_block_cache_bytes").is_number_integer());
  EXPECT_TRUE(settings.at("rocksdb.write_buffer_manager_bytes").is_number_integer());
  EXPECT_EQ(settings.at("rocksdb.charge_write_buffers_to_cache"), true);
  EXPECT_EQ(settings.at("rocksdb.write_buffer_manager_allow_stall"), true);
}

TEST(RealRecording, SitesAreNamedFromTheRecordingAlone) {
  const report::Report report = Killed();
  ASSERT_GE(report.evidence.sites.size(), 4u);
  const evidence::Site& top = report.evidence.sites.front();
  EXPECT_TRUE(top.in_rocksdb);
  EXPECT_EQ(top.frames[top.label].function, "rocksdb::MemTable::Add");
  EXPECT_THAT(render::RenderText(report, {}), HasSubstr("WindowStep"));
}

TEST(RealRecording, SampledEstimateAgreesWithTheAllocator) {
  const report::Report report = Killed();
  Bytes live;
  for (const evidence::Site& site : report.evidence.sites) live += site.live;
  const double in_use = static_cast<double>(report.evidence.allocator->in_use->count);
  EXPECT_NEAR(static_cast<double>(live.count) / in_use, 1.0, 0.06);
}

}  // namespace
}  // namespace wrackline
