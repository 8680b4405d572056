// What a report proposes where the whole process was seen: real folders, from their files to their settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/cli/report_folder.h"
#include "analyzer/render/json.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"

namespace wrackline::report {
namespace {

using ::testing::HasSubstr;

Report ReportOn(const std::string& name, std::optional<FlinkTarget> flink = std::nullopt) {
  cli::ReportOptions options;
  options.path = std::string(WRACKLINE_TEST_DATA) + "/" + name;
  auto folder = cli::ReadEvidenceFolder(options, flink, nullptr);
  EXPECT_TRUE(folder.ok());
  if (!folder.ok()) return {};
  if (!flink) flink = folder.value().flink;
  return BuildReport(std::move(folder.value().of.at(0)), flink);
}

FlinkTarget OneGiB() {
  FlinkTarget flink;
  flink.version = "1.20.3";
  flink.configuration.Set("taskmanager.memory.process.size", "1024m");
  flink.configuration.Set("taskmanager.numberOfTaskSlots", "2");
  return flink;
}

TEST(ReportProposal, SizesEveryComponentByTheRecordedRun) {
  const Report report = ReportOn("recordings/taskmanager_glibc_killed.wrackpack", OneGiB());
  ASSERT_TRUE(report.proposal) << report.proposal_error;
  const sizing::Proposal& proposal = *report.proposal;
  EXPECT_TRUE(proposal.fits);
  ASSERT_TRUE(proposal.backtest);
  EXPECT_TRUE(proposal.backtest->survives);
  ASSERT_EQ(proposal.components.size(), 7u);
  EXPECT_EQ(proposal.components[0].name, "JVM heap");
  EXPECT_LT(*proposal.components[0].peak, 20 * kMiB);
  EXPECT_THAT(render::RenderText(report, {}), HasSubstr("It would have lived"));
  EXPECT_THAT(render::RenderJson(report), HasSubstr("\"least_headroom\""));
}

// The pod of 1 GiB was killed with 600 MiB of memtables; the same pod holds the run under these settings.
TEST(ReportProposal, TurnsManagementOnWhereTheKilledRunHadNone) {
  const Report report = ReportOn("captures/unmanaged-1g-2slots");
  ASSERT_TRUE(report.proposal) << report.proposal_error;
  const sizing::Proposal& proposal = *report.proposal;
  EXPECT_TRUE(proposal.fits);
  EXPECT_EQ(proposal.settings.at("state.backend.rocksdb.memory.managed"), "true");
  EXPECT_LT(proposal.predicted_peak, kGiB);
  ASSERT_TRUE(proposal.backtest);
  EXPECT_TRUE(proposal.backtest->survives);
  EXPECT_EQ(proposal.backtest->limit, kGiB);
  EXPECT_EQ(proposal.backtest->replays.at(0).run, "unmanaged-1g-2slots");
}

// Its charge was at the limit, through page cache.
TEST(ReportProposal, AHealthyFolderNeedsNoChange) {
  for (const char* name : {"managed-1g", "managed-1g-2slots", "flink2.3-managed"}) {
    const Report report = ReportOn(std::string("captures/") + name);
    ASSERT_TRUE(report.proposal) << name << report.proposal_error;
    EXPECT_TRUE(report.proposal->fits) << name;
    EXPECT_TRUE(report.proposal->changes.empty()) << name;
    EXPECT_GT(report.proposal->headroom, 256 * kMiB) << name;
  }
}

// A process without a VM.
TEST(ReportProposal, WithoutAHeapRocksDbsPartAloneIsSized) {
  const Report report = ReportOn("recordings/four_states_killed.wrackpack", OneGiB());
  ASSERT_TRUE(report.proposal) << report.proposal_error;
  EXPECT_TRUE(report.proposal->components.empty());
  EXPECT_FALSE(report.proposal->backtest);
}

}  // namespace
}  // namespace wrackline::report
