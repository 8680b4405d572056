// Flink's own shipped configurations: nothing to find.
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

std::string Shipped(const std::string& version, const std::string& file) {
  std::ifstream stream(std::string(WRACKLINE_TEST_DATA) + "/flink/shipped/" + version + "/" + file);
  EXPECT_TRUE(stream.good()) << version;
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void ExpectNothing(const LintReport& report) {
  for (const Finding& finding : report.findings)
    ADD_FAILURE() << finding.at.line << ": " << finding.rule << ": " << finding.message;
}

TEST(Shipped, NothingToFind) {
  for (const char* version : {"1.13.6", "1.17.2"})
    ExpectNothing(LintText(Shipped(version, "flink-conf.yaml"), version, "flink-conf.yaml"));
  for (const char* version : {"1.20.0", "2.0.0"})
    ExpectNothing(LintText(Shipped(version, "config.yaml"), version, "config.yaml"));
}

// The settings that the file of 1.10 switches on.
TEST(Shipped, TheFirstReleaseWithTodaysMemoryModel) {
  ExpectNothing(
      LintText("jobmanager.rpc.address: localhost\n"
               "jobmanager.rpc.port: 6123\n"
               "jobmanager.heap.size: 1024m\n"
               "taskmanager.memory.process.size: 1568m\n"
               "taskmanager.numberOfTaskSlots: 1\n"
               "parallelism.default: 1\n"
               "jobmanager.execution.failover-strategy: region\n",
               "1.10.0"));
}

// The keys that the shipped file offers in comments are options of that version.
TEST(Shipped, WhatItsCommentsOfferIsKnown) {
  for (const char* version : {"1.13.6", "1.17.2"}) {
    const std::string text = Shipped(version, "flink-conf.yaml");
    const std::regex commented(R"(\n# ?([a-z][A-Za-z.-]*\.[A-Za-z.-]*: [^\n]*))");
    std::string offered;
    int count = 0;
    for (std::sregex_iterator match(text.begin(), text.end(), commented), end; match != end;
         ++match) {
      offered += (*match)[1].str() + "\n";
      ++count;
    }
    EXPECT_GT(count, 20) << version;
    const LintReport report = LintText(offered, version);
    for (const char* rule : {"unknown-key", "key-of-another-version"}) {
      for (const Finding& finding : Of(report, rule)) ADD_FAILURE() << finding.message;
    }
  }
}

}  // namespace
}  // namespace wrackline::flink::lint
