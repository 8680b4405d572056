#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::render {
namespace {

using ::testing::HasSubstr;
using testing::kMi;
using ::testing::Not;
using testing::RecordingBuilder;

report::Report Of(RecordingBuilder& builder) {
  return report::BuildReport(evidence::EvidenceFromRecording(builder.recording(), std::nullopt),
                             std::nullopt);
}

void Small(RecordingBuilder& builder) {
  builder.Charge(9, 90 * kMi, 100 * kMi);
  builder.Charge(10, 100 * kMi, 100 * kMi);
  builder.Live({"malloc", "leak", "main"}, 80 * kMi, 80 * kMi);
  builder.Aftermath().set_signal(9);
  builder.Aftermath().set_oom_kill_before(0);
  builder.Aftermath().set_oom_kill_after(1);
}

TEST(Text, GoldenHead) {
  RecordingBuilder builder;
  Small(builder);
  const std::string text = RenderText(Of(builder), {.width = 80, .colour = false, .utf8 = false});
  const std::string head =
      "wrackline: app (pid 42 on not-this-host), recorded for 10.0 s, limit 100.0 MiB\n"
      "\n"
      "Killed by the kernel's OOM killer at 100.0 of 100.0 MiB. Native code outside\n"
      "RocksDB held 80.0 MiB of it: leak held 80.0 MiB that it had not freed.\n"
      "\n"
      "The last 1.0 s, full height is the limit of 100.0 MiB\n"
      "  charge   ##############################################  100.0 MiB at the end\n"
      "  resident ##############################################  100.0 MiB at the end\n"
      "\n"
      "What was found\n"
      "  - leak held 80.0 MiB that it had not freed (";
  const std::string ledger =
      "\n"
      "Where the memory was: 100.0 MiB charged, 0 ms before the last record\n"
      "  leak                              80.0 MiB  80.0 %  ########\n"
      "  unexplained                      +20.0 MiB  20.0 %  ##\n"
      "  charge                           100.0 MiB 100.0 %  ########## of 100.0 MiB\n";
  EXPECT_EQ(text.substr(0, head.size()), head);
  EXPECT_THAT(text, HasSubstr(ledger));
  EXPECT_LT(text.find(ledger), text.find("from main"));
  EXPECT_THAT(text, HasSubstr("from main"));
  EXPECT_THAT(text, HasSubstr("Nothing was lost."));
}

TEST(Text, ACleanExitShowsItsPeak) {
  RecordingBuilder builder;
  builder.Charge(7, 80 * kMi, 100 * kMi);
  builder.Charge(10, 10 * kMi, 100 * kMi);
  builder.recording().exit.emplace().mutable_exit()->set_kind(proto::Exit::CLEAN);
  const report::Report report = Of(builder);
  EXPECT_THAT(
      RenderText(report, {}),
      HasSubstr("Where the memory was at the peak: 80.0 MiB charged, 3.0 s before the end"));
  const nlohmann::json json = nlohmann::json::parse(RenderJson(report));
  EXPECT_EQ(json.at("/ledger/moment"_json_pointer), "peak");
  EXPECT_EQ(json.at("/ledger/total"_json_pointer), 80 * kMi);
}

TEST(Text, TheChargeRowEndsWithTheNewestHeartbeat) {
  RecordingBuilder builder;
  builder.Charge(5, 90 * kMi, 100 * kMi);
  builder.Charge(9, 70 * kMi, 100 * kMi);
  proto::Record& heartbeat = builder.recording().last_heartbeat.emplace();
  heartbeat.set_time_ns(testing::kEpoch + 10 * testing::kSecond);
  heartbeat.mutable_heartbeat()->set_charge(95 * kMi);
  const report::Report report = Of(builder);
  const TextOptions options = {.width = 80, .colour = false, .utf8 = false};
  EXPECT_THAT(RenderText(report, options), HasSubstr("  95.0 MiB at the end"));
  EXPECT_THAT(RenderText(report, options), HasSubstr("  70.0 MiB at the end"));  // resident
  const nlohmann::json timeline = nlohmann::json::parse(RenderJson(report)).at("timeline");
  ASSERT_EQ(timeline.size(), 3u);
  EXPECT_EQ(timeline.back().at("origin"), "heartbeat");
  EXPECT_EQ(timeline.back().at("charge"), 95 * kMi);
  EXPECT_FALSE(timeline.front().contains("origin"));
  // A heartbeat that fell: the row ends with it, not with the largest of its column.
  heartbeat.set_time_ns(testing::kEpoch + 9 * testing::kSecond + 1000);
  heartbeat.mutable_heartbeat()->set_charge(60 * kMi);
  EXPECT_THAT(RenderText(Of(builder), options), HasSubstr("  60.0 MiB at the end"));
}

TEST(Text, NothingIsWiderThanThePage) {
  RecordingBuilder builder;
  Small(builder);
  builder.Live({"a_function_with_a_very_long_name_that_goes_on_and_on_and_on_and_on_and_on_and_on_"
                "and_on_and_on"},
               9 * kMi, 9 * kMi);
  for (const std::size_t width : {60u, 80u, 120u}) {
    for (const bool utf8 : {false, true}) {
      std::istringstream lines(
          RenderText(Of(builder), {.width = width, .colour = false, .utf8 = utf8}));
      for (std::string line; std::getline(lines, line);) EXPECT_LE(Columns(line), width) << line;
    }
  }
}

TEST(Text, HostileNamesAreInert) {
  RecordingBuilder builder;
  Small(builder);
  const std::string hostile = "\x1b]0;owned\x07\x1b[2J\r\n\xff";
  builder.Live({hostile.c_str()}, 60 * kMi, 60 * kMi);
  builder.process().set_executable("/bin/" + hostile);
  RecordingBuilder::Family(builder.RocksDb(1, 10), 0, hostile, 0, kMi);
  builder.recording().damage = hostile;
  builder.Aftermath().set_kernel_log("Killed process 42 (" + hostile + ") total-vm:1kB");
  const report::Report report = Of(builder);
  const std::string text = RenderText(report, {.width = 80, .colour = false, .utf8 = true});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, HasSubstr("\\x1b"));
  const std::string json = RenderJson(report);
  for (const char c : json) ASSERT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f));
  EXPECT_FALSE(nlohmann::json::parse(json, nullptr, false).is_discarded());
}

TEST(Text, LinesStandBehindTheirFunctions) {
  RecordingBuilder builder;
  Small(builder);
  std::uint64_t pc = builder.recording().stacks[1].frames[1];
  const auto at = [&](std::size_t frame, const std::string& file, unsigned line) {
    pc = builder.recording().stacks[1].frames[frame];
    proto::FrameName& name = builder.recording().frame_names[pc];
    name.set_file(file);
    name.set_line(line);
  };
  at(1, "/build/app/leak.cc", 12);
  at(2, "main\x1b[31m.cc", 7);
  builder.recording().frame_names[pc].set_symbol(std::string(200, 'm'));
  const report::Report report = Of(builder);
  const std::string text = RenderText(report, {.width = 80, .colour = false, .utf8 = false});
  EXPECT_THAT(text, HasSubstr("leak (leak.cc:12)"));
  // A long function gives way, not its line; and the file's name is inert.
  EXPECT_THAT(text, HasSubstr("... (main\\x1b[31m.cc:7)\n"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(Columns(line), 80u) << line;

  const nlohmann::json frames =
      nlohmann::json::parse(RenderJson(report)).at("/sites/0/frames"_json_pointer);
  EXPECT_FALSE(frames.at(0).contains("line"));
  EXPECT_EQ(frames.at(1).at("file"), "/build/app/leak.cc");
  EXPECT_EQ(frames.at(1).at("line"), 12);
}

TEST(Text, ColoursOnlyWhenAsked) {
  RecordingBuilder builder;
  Small(builder);
  EXPECT_THAT(RenderText(Of(builder), {.width = 80, .colour = true, .utf8 = true}),
              HasSubstr("\x1b[1;31m"));
}

TEST(Text, EmptyRecordingSaysWhatIsMissing) {
  const recorder::Recording empty;
  const auto report =
      report::BuildReport(evidence::EvidenceFromRecording(empty, std::nullopt), std::nullopt);
  EXPECT_THAT(RenderText(report, {}), HasSubstr("Not known"));
}

TEST(Json, Fields) {
  RecordingBuilder builder;
  Small(builder);
  const nlohmann::json json = nlohmann::json::parse(RenderJson(Of(builder)));
  EXPECT_EQ(json.at("schema"), 1);
  EXPECT_EQ(json.at("/ending/outcome"_json_pointer), "oom_killed");
  EXPECT_EQ(json.at("/limit/bytes"_json_pointer), 100 * kMi);
  EXPECT_EQ(json.at("/ledger/moment"_json_pointer), "end");
  EXPECT_EQ(json.at("/ledger/total"_json_pointer), 100 * kMi);
  EXPECT_EQ(json.at("/ledger/unexplained"_json_pointer), 20 * kMi);
  EXPECT_EQ(json.at("/sites/0/label"_json_pointer), "leak");
  EXPECT_EQ(json.at("/findings/0/rule"_json_pointer), "native_site");
  EXPECT_FALSE(json.contains("rocksdb"));
  EXPECT_FALSE(json.contains("proposal"));
  EXPECT_FALSE(json.at("process").contains("container_id"));  // missing is missing
}

}  // namespace
}  // namespace wrackline::render
