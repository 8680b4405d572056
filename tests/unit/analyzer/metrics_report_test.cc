// From a scrape to a report: evidence, ledger, verdict and proposal of real captures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analyzer/cli/scrape_file.h"
#include "analyzer/evidence/from_scrape.h"
#include "analyzer/render/json.h"
#include "analyzer/render/rocksdb_table.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"
#include "tests/unit/analyzer/scrape_builder.h"

namespace wrackline {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScrapeBuilder;

const std::string kData = WRACKLINE_TEST_DATA "/metrics/";

report::Report ReportOn(const std::string& folder, bool with_configuration) {
  const auto inputs = cli::ReadScrapeFiles({kData + folder + "/end.prom"});
  EXPECT_TRUE(inputs.ok());
  std::optional<report::FlinkTarget> flink;
  if (with_configuration) {
    auto target = cli::ReadFlinkTarget(kData + folder + "/config.yaml", "1.20.3");
    EXPECT_TRUE(target.ok()) << target.error().Text();
    flink = std::move(target.value().target);
  }
  auto evidence =
      evidence::EvidenceFromScrapes(inputs.value(), std::nullopt, cli::ConfiguredBy(flink), kGiB);
  EXPECT_TRUE(evidence.ok());
  return report::BuildReport(std::move(evidence.value()), flink);
}

TEST(MetricsReport, SharedCacheOnce) {
  const report::Report report = ReportOn("managed-1g", true);
  EXPECT_EQ(report.diagnosis.outcome, diagnosis::Outcome::kMetricsOnly);
  EXPECT_THAT(report.diagnosis.verdict,
              HasSubstr("RocksDB held 191.8 MiB; its block cache is at 191.8 of 192.0 MiB. Adding "
                        "up every family's gauges would give 1.54 GiB."));
  ASSERT_TRUE(report.ledger);
  EXPECT_EQ(report.ledger->basis, ledger::Basis::kMetrics);
  EXPECT_EQ(report.ledger->Of(ledger::Holder::kRocksDb), Bytes{201140648 + 1456});
  // Committed heap, metaspace, code cache (non-heap less metaspace), direct buffers.
  EXPECT_EQ(report.ledger->Of(ledger::Holder::kJvm),
            Bytes{161480704 + 47972352 + (70975488 - 47972352) + 72529780});
  EXPECT_EQ(report.ledger->Sum(), report.ledger->total);
  ASSERT_TRUE(report.proposal);
  EXPECT_TRUE(report.proposal->fits);
  EXPECT_TRUE(report.proposal->changes.empty());
  EXPECT_THAT(report.proposal->advice.front(), HasSubstr("cannot show the rest"));
}

TEST(MetricsReport, UnmanagedGetsManagedMemoryThatFitsBesideFlinksBudgets) {
  const report::Report report = ReportOn("unmanaged-1g", true);
  ASSERT_TRUE(report.proposal);
  EXPECT_TRUE(report.proposal->fits);
  EXPECT_EQ(report.proposal->settings.at("state.backend.rocksdb.memory.managed"), "true");
  // 1 GiB less a tenth, less 154.0 heap + 192 direct + 256 metaspace + 192 overhead, less 4.6 of
  // table readers: 8/9 of what is left.
  EXPECT_EQ(report.proposal->settings.at("taskmanager.memory.managed.size"), "109m");
  EXPECT_LT(report.proposal->predicted_peak, kGiB);
  ASSERT_FALSE(report.diagnosis.findings.empty());
  EXPECT_EQ(report.diagnosis.findings.front().rule, "rocksdb_unmanaged");
  EXPECT_THAT(report.diagnosis.findings.front().summary,
              HasSubstr("may take 1.06 GiB, and the limit leaves at most 732.6 MiB"));
}

TEST(MetricsReport, WithoutAConfigurationNothingIsProposed) {
  for (const char* folder : {"managed-1g", "unmanaged-1g", "managed-1g-2slots"}) {
    const report::Report report = ReportOn(folder, false);
    EXPECT_FALSE(report.proposal);
    EXPECT_EQ(report.proposal_error, "");
  }
}

TEST(MetricsReport, TextSaysWhatItIsAndNothingOfRecordings) {
  const std::string text = render::RenderText(ReportOn("managed-1g", true), {});
  EXPECT_THAT(text, HasSubstr("TaskManager 127_0_0_1:16122_c54896"));
  EXPECT_THAT(text, HasSubstr("What the metrics name: 482.7 MiB"));
  EXPECT_THAT(text, HasSubstr("metrics do not say how a process ended"));
  for (const char* foreign : {"pid", "unexplained ", "recorded for", "Nothing was lost", "sampled"})
    EXPECT_THAT(text, Not(HasSubstr(foreign)));
}

TEST(MetricsReport, Json) {
  const auto json = nlohmann::json::parse(render::RenderJson(ReportOn("managed-1g", true)));
  EXPECT_EQ(json["ending"]["outcome"], "metrics_only");
  EXPECT_EQ(json["metrics"]["managed_total"], 241591914);
  EXPECT_FALSE(json.contains("process"));
  EXPECT_FALSE(json["ledger"].contains("unexplained"));
  EXPECT_EQ(json["ledger"]["basis"], "metrics");
  EXPECT_EQ(json["rocksdb"]["totals"]["bytes"], 201140648 + 1456);
  EXPECT_EQ(json["rocksdb"]["totals"]["naive_sum"], 8LL * 201140648 + 41959464 + 1456);
}

evidence::ScrapeInput Input(const std::string& text, int second) {
  auto scrape = evidence::ReadFlinkScrape(text);
  EXPECT_TRUE(scrape.ok());
  return {"x.prom", evidence::Time{std::chrono::seconds(second)}, std::move(scrape.value())};
}

TEST(MetricsReport, OfASeriesTheLastIsTheStateAndPeaksAreOfAll) {
  const auto evidence = evidence::EvidenceFromScrapes(
      {Input(ScrapeBuilder().Family({}, "a", 8 * kMiB, 8 * kMiB, 60 * kMiB).text(), 1),
       Input(ScrapeBuilder().Family({}, "a", 8 * kMiB, 2 * kMiB, 10 * kMiB).text(), 2)},
      std::nullopt, std::nullopt, std::nullopt);
  ASSERT_TRUE(evidence.ok());
  const evidence::RocksDb& rocksdb = *evidence.value().rocksdb;
  EXPECT_EQ(evidence.value().metrics->scrapes, 2);
  EXPECT_EQ(rocksdb.families[0].all_memtables, 10 * kMiB);
  EXPECT_EQ(rocksdb.families[0].memtables_peak, 60 * kMiB);
  EXPECT_EQ(rocksdb.caches[0].usage, 2 * kMiB);
  EXPECT_EQ(rocksdb.caches[0].usage_peak, 8 * kMiB);
  ASSERT_EQ(rocksdb.history.size(), 2u);
  EXPECT_EQ(rocksdb.history[0].Total(), 68 * kMiB);
  EXPECT_EQ(rocksdb.history[1].Total(), 12 * kMiB);
}

TEST(MetricsReport, OneOfSeveralTaskManagersHasToBeNamed) {
  const std::vector<evidence::ScrapeInput> inputs = {
      Input(ScrapeBuilder()
                .Family({.task_manager = "one"}, "a", kMiB, kMiB)
                .Family({.task_manager = "two"}, "a", kMiB, kMiB)
                .text(),
            1)};
  EXPECT_THAT(evidence::TaskManagersIn(inputs), ::testing::ElementsAre("one", "two"));
  const auto none = evidence::EvidenceFromScrapes(inputs, std::nullopt, std::nullopt, {});
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().Text(), HasSubstr("one, two"));
  const auto two = evidence::EvidenceFromScrapes(inputs, "two", std::nullopt, {});
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two.value().metrics->task_manager, "two");
  EXPECT_FALSE(evidence::EvidenceFromScrapes(inputs, "three", std::nullopt, {}).ok());
}

TEST(RocksDbTable, ShowsTheTrueSplitWhereARecordingHasIt) {
  evidence::RocksDb rocksdb;
  rocksdb.databases = 1;
  evidence::RocksDbFamily& family = rocksdb.families.emplace_back();
  family.name = "value";
  family.database = "orders";
  family.cache_id = 0x7f00;
  evidence::RocksDbCache& cache = rocksdb.caches.emplace_back();
  cache.id = 0x7f00;
  cache.usage = 9 * kMiB;
  cache.families = {"value"};
  render::RocksDbView view;
  view.subject = "java (pid 1)";
  view.rocksdb = &rocksdb;
  EXPECT_THAT(render::RenderRocksDbText({view}, {}), Not(HasSubstr("filter")));
  family.cached_blocks = evidence::RocksDbBlocks{5 * kMiB, 2 * kMiB, kMiB, 3 * kKiB, {}};
  family.former_blocks = evidence::RocksDbBlocks{kMiB, {}, {}, {}, {}};
  const std::string text = render::RenderRocksDbText({view}, {});
  EXPECT_THAT(text, HasSubstr("data      index     filter      other"));
  EXPECT_THAT(text, HasSubstr("5.0 MiB    2.0 MiB    1.0 MiB    3.0 KiB"));
  EXPECT_THAT(text, HasSubstr("nothing is shared"));
  const auto json = nlohmann::json::parse(render::RenderRocksDbJson({view}));
  EXPECT_EQ(json["views"][0]["rocksdb"]["families"][0]["cached_blocks"]["index"], 2 << 20);
  EXPECT_EQ(json["views"][0]["rocksdb"]["families"][0]["former_blocks"]["data"], 1 << 20);
}

TEST(RocksDbTable, ACacheThatNoFamilyUsesIsInNoNaiveSum) {
  evidence::RocksDb rocksdb;
  rocksdb.caches.emplace_back().usage = 9 * kMiB;
  render::RocksDbView view;
  view.rocksdb = &rocksdb;
  EXPECT_THAT(render::RenderRocksDbText({view}, {}), HasSubstr("no open family uses it"));
  const auto json = nlohmann::json::parse(render::RenderRocksDbJson({view}));
  const auto& totals = json["views"][0]["rocksdb"]["totals"];
  EXPECT_EQ(totals["bytes"], 9 << 20);
  EXPECT_EQ(totals["naive_sum"], 0);
  EXPECT_EQ(totals["caches_unseen"], 9 << 20);
}

}  // namespace
}  // namespace wrackline
