#include "analyzer/render/event.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "analyzer/evidence/from_recording.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::render {
namespace {

using testing::kMi;
using testing::RecordingBuilder;

report::Report Of(RecordingBuilder& builder) {
  return report::BuildReport(evidence::EvidenceFromRecording(builder.recording(), std::nullopt),
                             std::nullopt);
}

void ExpectOneSafeLine(const std::string& line) {
  EXPECT_LE(line.size(), kEventBytes);
  ASSERT_FALSE(line.empty());
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_TRUE(std::all_of(line.begin(), line.end() - 1, [](char c) {
    return c >= ' ' && c <= '~';
  })) << line;
}

TEST(Event, SaysTheVerdictOfAKill) {
  RecordingBuilder builder;
  builder.Charge(9, 90 * kMi, 100 * kMi);
  builder.Charge(10, 100 * kMi, 100 * kMi);
  builder.Live({"malloc", "leak", "main"}, 80 * kMi, 80 * kMi);
  builder.Aftermath().set_signal(9);
  builder.Aftermath().set_oom_kill_before(0);
  builder.Aftermath().set_oom_kill_after(1);
  const std::string line = RenderEvent(Of(builder), 1234.5);
  ExpectOneSafeLine(line);
  const nlohmann::json event = nlohmann::json::parse(line);
  EXPECT_EQ(event["event"], "wrackline");
  EXPECT_EQ(event["schema"], 1);
  EXPECT_EQ(event["time"], 1234.5);
  EXPECT_EQ(event["host"], "not-this-host");
  EXPECT_EQ(event["pid"], 42);
  EXPECT_EQ(event["outcome"], "oom_killed");
  EXPECT_EQ(event["cause"], "native_site");
  EXPECT_TRUE(event.contains("confidence"));
  EXPECT_EQ(event["limit"], 100 * kMi);
  EXPECT_EQ(event["charge"], 100 * kMi);
  EXPECT_EQ(event["unexplained"], 20 * kMi);
  EXPECT_EQ(event["lines"][0]["bytes"], 80 * kMi);
  EXPECT_EQ(event["findings"][0]["rule"], "native_site");
  EXPECT_EQ(event["verdict"].get<std::string>().substr(0, 10), "Killed by ");
}

TEST(Event, StaysOneShortLineWhateverTheNamesAre) {
  for (const std::string& piece :
       {std::string("\n\x1b[2J\"\\"), std::string("\xf0\x9f\x92\xa5"), std::string("\xff\xfe"),
        std::string(1, '\0'), std::string("a")}) {
    std::string hostile;
    for (int i = 0; i < 20000; ++i) hostile += piece;
    report::Report report;
    evidence::Evidence& evidence = report.evidence;
    evidence.source = evidence.process.host = evidence.process.container_id = hostile;
    evidence.pod.emplace().name = hostile;
    evidence.pod->namespace_ = evidence.pod->node = hostile;
    evidence.pod->containers.emplace_back().name = hostile;
    report.diagnosis.verdict = hostile;
    for (int i = 0; i < 9; ++i) {
      report.diagnosis.findings.push_back(
          {hostile, diagnosis::Role::kCause, {}, {}, hostile, {hostile}, {hostile}, {hostile}});
      ledger::Line line;
      line.id = line.label = hostile;
      line.amount = Bytes{i + 1};
      if (!report.ledger) report.ledger.emplace();
      report.ledger->lines.push_back(line);
    }
    report.proposal.emplace();
    for (int i = 0; i < 50; ++i) report.proposal->settings[std::to_string(i) + hostile] = hostile;
    const std::string line = RenderEvent(report, 0);
    ExpectOneSafeLine(line);
    const nlohmann::json event = nlohmann::json::parse(line);
    EXPECT_EQ(event["findings"].size(), 3u);
    EXPECT_EQ(event["lines"].size(), 3u);
    EXPECT_EQ(event["lines"][0]["bytes"], 9);
    EXPECT_EQ(event["proposal"]["settings"].size() +
                  event["proposal"]["settings_left_out"].get<std::size_t>(),
              50u);
  }
}

TEST(Event, LeavesOutWhatIsNotKnown) {
  const nlohmann::json event = nlohmann::json::parse(RenderEvent(report::Report(), 1));
  for (const char* key : {"pid", "host", "limit", "charge", "unexplained", "cause", "confidence",
                          "proposal", "lines"})
    EXPECT_FALSE(event.contains(key)) << key;
  EXPECT_EQ(event["outcome"], "unknown");
}

}  // namespace
}  // namespace wrackline::render
