#include "analyzer/evidence/prometheus_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/evidence_folder.h"
#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;

const std::string kAnswers = WRACKLINE_TEST_DATA "/prometheus/";

std::string Answer(const std::string& name) { return Slurp(kAnswers + name); }

TEST(PrometheusJson, IsKnownByItsForm) {
  for (const char* name :
       {"usage_bytes.json", "now.json", "flink.json", "promtool.json", "error.json", "empty.json"})
    EXPECT_TRUE(IsPrometheusJson(Source(name, Answer(name)))) << name;
  EXPECT_FALSE(IsPrometheusJson(Source("x", "{\"apiVersion\": \"v1\"}")));
  EXPECT_FALSE(IsPrometheusJson(Source("x", "resultType and result")));
}

TEST(PrometheusJson, SeriesWithTheirLabels) {
  const auto series = ParsePrometheusJson(Answer("working_set_bytes.json"));
  ASSERT_TRUE(series.ok());
  ASSERT_EQ(series.value().size(), 4u);
  for (const PrometheusSeries& one : series.value()) {
    EXPECT_EQ(one.name, "container_memory_working_set_bytes");
    EXPECT_EQ(one.Label("pod"), "tm-1");
    EXPECT_EQ(one.samples.size(), 13u);
  }
}

// One answer a metric, of the same times: each figure goes to one point.
TEST(PrometheusJson, AnswersOfSeveralMetricsAreOneTimeline) {
  Evidence evidence = FromFilesOnly("x");
  for (const char* name : {"working_set_bytes.json", "usage_bytes.json", "rss.json"})
    ASSERT_TRUE(AddPrometheusJson(Source(name, Answer(name)), &evidence).ok());
  ASSERT_EQ(evidence.timeline.size(), 13u);
  const TimelinePoint& last = evidence.timeline.back();
  // Of the main container: the sandbox and the pod's sum are others.
  EXPECT_EQ(last.given_working_set, Bytes{1'054'054'115});
  ASSERT_TRUE(last.charge && last.inactive_file && last.anon);
  EXPECT_EQ(*last.charge - *last.given_working_set, Bytes{100 << 20});
  EXPECT_EQ(last.WorkingSet(), last.given_working_set);
  EXPECT_EQ(*last.given_working_set - *last.anon, Bytes{30 << 20});
  EXPECT_EQ(evidence.peak_working_set->amount, Bytes{1'054'054'115});
  EXPECT_EQ(evidence.last_charge->amount, *last.charge);
}

TEST(PrometheusJson, AWorkingSetAloneIsOne) {
  Evidence evidence = FromFilesOnly("x");
  ASSERT_TRUE(AddPrometheusJson(Source("promtool.json", Answer("promtool.json")), &evidence).ok());
  ASSERT_EQ(evidence.timeline.size(), 5u);
  EXPECT_EQ(evidence.timeline.back().WorkingSet(), Bytes{1'054'054'115});
  EXPECT_FALSE(evidence.timeline.back().charge);
  EXPECT_FALSE(evidence.last_charge);
}

TEST(PrometheusJson, TheLimitIsTheContainersOwn) {
  Evidence evidence = FromFilesOnly("x");
  const auto gave = AddPrometheusJson(Source("now.json", Answer("now.json")), &evidence);
  ASSERT_TRUE(gave.ok());
  EXPECT_THAT(gave.value(), HasSubstr("container flink-main-container of pod tm-1, 1 moment"));
  ASSERT_TRUE(evidence.limit);
  EXPECT_EQ(evidence.limit->amount, Bytes{1 << 30});
}

TEST(PrometheusJson, FlinksSeriesAreAScrape) {
  Evidence evidence = FromFilesOnly("x");
  const auto gave = AddPrometheusJson(Source("flink.json", Answer("flink.json")), &evidence);
  ASSERT_TRUE(gave.ok()) << gave.error().Text();
  ASSERT_TRUE(evidence.metrics);
  EXPECT_EQ(evidence.metrics->memory.heap_max, Bytes{161'480'704});
  ASSERT_TRUE(evidence.rocksdb);
  EXPECT_EQ(evidence.rocksdb->families.size(), 2u);
  ASSERT_EQ(evidence.rocksdb->caches.size(), 1u);
  EXPECT_EQ(evidence.rocksdb->caches[0].usage, Bytes{201'140'648});
}

TEST(PrometheusJson, ARecordingKeepsItsOwnTimeline) {
  Evidence recorded;
  ASSERT_TRUE(AddPrometheusJson(Source("now.json", Answer("now.json")), &recorded).ok());
  EXPECT_TRUE(recorded.timeline.empty());
  EXPECT_EQ(recorded.limit->origin, "Prometheus");
}

TEST(PrometheusJson, ErrorsSayWhatToDo) {
  Evidence evidence = FromFilesOnly("x");
  const auto text = [&](std::string_view answer) {
    const auto gave = AddPrometheusJson(Source("x.json", answer), &evidence);
    return gave.ok() ? std::string("no error") : gave.error().Text();
  };
  EXPECT_THAT(text(Answer("error.json")), HasSubstr("unclosed left parenthesis"));
  EXPECT_THAT(text(Answer("empty.json")), HasSubstr("widen"));
  EXPECT_THAT(text(Answer("now.json").substr(0, 3000)), HasSubstr("cut off"));
  EXPECT_THAT(text("[{\"metric\":{\"__name__\":\"up\"},\"value\":[1764300000,\"1\"]}]"),
              HasSubstr("container_memory_working_set_bytes"));
  EXPECT_THAT(text("{\"data\": {}}"), HasSubstr("data.result"));
}

TEST(PrometheusJson, AbsurdSamplesAreLeftOut) {
  const auto series = ParsePrometheusJson(
      "[{\"metric\":{\"__name__\":\"x\"},\"values\":[[1e300,\"1\"],[-5,\"1\"],[1764300000,\"NaN\"],"
      "[1764300000,\"+Inf\"],[1764300000],7,[1764300001,\"2\"]]}]");
  ASSERT_TRUE(series.ok());
  ASSERT_EQ(series.value()[0].samples.size(), 1u);
  EXPECT_EQ(series.value()[0].samples[0].second, 2);
}

}  // namespace
}  // namespace wrackline::evidence
