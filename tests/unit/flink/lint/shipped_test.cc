// Flink's own shipped configurations: nothing to find.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

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
// "# taskmanager.memory.segment-size: 32kb"; takes the comment's sign away.
bool IsCommentedOption(std::string& line) {
  const std::size_t start = line.find_first_not_of("# ");
  if (line.empty() || line[0] != '#' || start == std::string::npos || start > 2) return false;
  line.erase(0, start);
  const std::string key = line.substr(0, line.find(": "));
  const auto may_be = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
  };
  return key.size() < line.size() && key[0] >= 'a' && key[0] <= 'z' &&
         key.find('.') != std::string::npos && std::all_of(key.begin(), key.end(), may_be);
}

TEST(Shipped, WhatItsCommentsOfferIsKnown) {
  for (const char* version : {"1.13.6", "1.17.2"}) {
    const std::string text = Shipped(version, "flink-conf.yaml");
    std::string offered;
    int count = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!IsCommentedOption(line)) continue;
      offered += line + "\n";
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
