#include "analyzer/export/formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/heap_profile.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::exports {
namespace {

using ::testing::HasSubstr;
using testing::kMi;
using ::testing::Not;
using testing::RecordingBuilder;
using ::testing::StartsWith;

// Java's names are not shortened.
recorder::Recording Named(RecordingBuilder builder) {
  recorder::Recording recording = builder.recording();
  for (auto& [pc, name] : recording.frame_names) {
    recording.frame_names[pc | (std::uint64_t{1} << 63)] = name;
  }
  std::map<std::uint64_t, proto::FrameName> java;
  for (auto [pc, name] : recording.frame_names) {
    if (pc >> 63 == 0) continue;
    name.set_pc(pc);
    name.set_java(true);
    java[pc] = name;
  }
  recording.frame_names = java;
  for (auto& [id, stack] : recording.stacks)
    for (std::uint64_t& pc : stack.frames) pc |= std::uint64_t{1} << 63;
  return recording;
}

TEST(ExportFormats, CollapsedIsOutermostFirstAndItsSeparatorIsSafe) {
  RecordingBuilder builder;
  builder.Live({"a.B;c", "#main"}, kMi, 2 * kMi).Live({"a.B;c", "#main"}, kMi, kMi);
  const Profile profile = ProfileOfRecording(Named(builder));
  EXPECT_EQ(Collapsed(profile, Value::kLive), "\\x23main;a.B,c 3145728\n");
  EXPECT_EQ(Collapsed(profile, Value::kAllocated), "\\x23main;a.B,c 3145728\n");
}

TEST(ExportFormats, SpeedscopeHasBothProfiles) {
  RecordingBuilder builder;
  builder.Live({"leaf", "root"}, kMi, 2 * kMi);
  builder.recording().stacks.begin()->second.counters.set_allocated_bytes(5 * kMi);
  const auto json = nlohmann::json::parse(Speedscope(ProfileOfRecording(builder.recording())));
  ASSERT_EQ(json["profiles"].size(), 2u);
  EXPECT_EQ(json["profiles"][0]["endValue"], 2 * kMi);
  EXPECT_EQ(json["profiles"][1]["endValue"], 5 * kMi);
  const auto& sample = json["profiles"][0]["samples"][0];
  EXPECT_EQ(json["shared"]["frames"][sample[0].get<std::size_t>()]["name"], "root");
  EXPECT_EQ(json["shared"]["frames"][sample[1].get<std::size_t>()]["name"], "leaf");
}

TEST(ExportFormats, PprofAndJemallocAreReadBackWithTheSameFigures) {
  RecordingBuilder builder;
  // Each size and its weight at 512 KiB: size / (1 - exp(-size / interval)), rounded.
  constexpr std::uint64_t kSmall = 524788, kLarge = 3153545;
  builder.Live({"leaf", "root"}, 1000, kSmall).Live({"other", "root"}, 3 * kMi, kLarge);
  const Profile profile = ProfileOfRecording(builder.recording());
  std::vector<std::string> texts = {Pprof(profile)};
  for (const bool named : {false, true}) {
    Result<std::string> dump = Jemalloc(profile, named);
    ASSERT_TRUE(dump.ok());
    texts.push_back(std::move(dump.value()));
  }
  for (const std::string& text : texts) {
    ASSERT_TRUE(evidence::LooksLikeHeapProfile(text));
    const auto read = evidence::ParseHeapProfile(text);
    ASSERT_TRUE(read.ok()) << read.error().Text();
    EXPECT_NEAR(read.value().live.bytes, kSmall + kLarge, 2);
    EXPECT_NEAR(read.value().live.objects, profile.Live().objects, 1);
    EXPECT_NEAR(read.value().allocated.bytes, kSmall + kLarge, 2);
    EXPECT_EQ(read.value().interval, 512 << 10);
    EXPECT_EQ(read.value().stacks.size(), 2u);
  }
}

// Another tool's profile may say one of the two only; what it does not say is no zero.
TEST(ExportFormats, WhatIsNotKnownHasNoColumn) {
  RecordingBuilder builder;
  builder.Live({"leaf"}, kMi, kMi);
  Profile profile = ProfileOfRecording(builder.recording());
  profile.allocated_known = false;
  auto read = evidence::ParseHeapProfile(Pprof(profile));
  ASSERT_TRUE(read.ok()) << read.error().Text();
  EXPECT_TRUE(read.value().has_live);
  EXPECT_FALSE(read.value().has_allocated);
  EXPECT_EQ(read.value().live.bytes, kMi);
  profile.allocated_known = true;
  profile.live_known = false;
  read = evidence::ParseHeapProfile(Pprof(profile));
  ASSERT_TRUE(read.ok()) << read.error().Text();
  EXPECT_FALSE(read.value().has_live);
  EXPECT_EQ(read.value().allocated.bytes, kMi);
  EXPECT_EQ(nlohmann::json::parse(Speedscope(profile))["profiles"].size(), 1u);
}

TEST(ExportFormats, JemallocNeedsAnInterval) {
  RecordingBuilder builder;
  builder.Live({"a"}, kMi, kMi);
  builder.process().set_sampling_interval(0);
  const auto dump = Jemalloc(ProfileOfRecording(builder.recording()), false);
  ASSERT_FALSE(dump.ok());
  EXPECT_THAT(dump.error().Text(), HasSubstr("pprof"));
}

TEST(ExportFormats, JeprofsNamesSurviveItsRules) {
  RecordingBuilder builder;
  builder.Live({"(lambda)", "a--b"}, kMi, kMi);
  const auto dump = Jemalloc(ProfileOfRecording(Named(builder)), true);
  ASSERT_TRUE(dump.ok());
  EXPECT_THAT(dump.value(), StartsWith("--- symbol\n"));
  EXPECT_THAT(dump.value(), HasSubstr(" [lambda]\n"));
  EXPECT_THAT(dump.value(), HasSubstr(" a- -b\n"));
  // Addresses above 2^63 are left out by jeprof.
  EXPECT_THAT(dump.value(), Not(HasSubstr("0x8")));
}

report::Report ReportOf(const std::string& family) {
  RecordingBuilder builder;
  builder.Charge(9, 64 * kMi, 64 * kMi);
  builder.Describe(1, 1, family, 64 * kMi, 2, 0);
  RecordingBuilder::Family(builder.RocksDb(1, 9), 1, family, 0, 8 * kMi);
  return report::BuildReport(evidence::EvidenceFromRecording(builder.recording(), std::nullopt),
                             std::nullopt);
}

TEST(ExportFormats, CsvRunsNoFormulaAndQuotes) {
  report::Report report = ReportOf("x");
  ASSERT_TRUE(report.ledger);
  report.ledger->lines[0].label = "=1+\"1\"";
  report.ledger->lines[0].source = " \t-2";
  report.ledger->groups[0].label = "a,b\nc";
  const auto csv = LedgerCsv(report);
  ASSERT_TRUE(csv.ok());
  EXPECT_THAT(csv.value(), HasSubstr(",\"'=1+\"\"1\"\"\","));
  EXPECT_THAT(csv.value(), HasSubstr("\"a,b\\x0ac\""));
  EXPECT_THAT(csv.value(), HasSubstr("\r\nunexplained,unexplained,,,,"));
}

TEST(ExportFormats, CsvWithoutALedgerSaysWhy) {
  RecordingBuilder builder;
  const auto csv = LedgerCsv(report::BuildReport(
      evidence::EvidenceFromRecording(builder.recording(), std::nullopt), std::nullopt));
  ASSERT_FALSE(csv.ok());
  EXPECT_THAT(csv.error().Text(), HasSubstr("no ledger"));
}

TEST(ExportFormats, MarkdownHasTheFamiliesAsText) {
  const std::string markdown = ReportMarkdown(ReportOf("a|b <img src=x>"));
  EXPECT_THAT(markdown, HasSubstr("## RocksDB by column family"));
  EXPECT_THAT(markdown, HasSubstr("| a\\|b \\<img src=x\\> |"));
}

}  // namespace
}  // namespace wrackline::exports
