#include "analyzer/render/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/render/json.h"
#include "analyzer/render/page_data.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::render {
namespace {

using evidence::Time;
using evidence::TimelinePoint;
using testing::kMi;
using testing::RecordingBuilder;
using Parsed = nlohmann::json;

report::Report Of(RecordingBuilder& builder) {
  return report::BuildReport(evidence::EvidenceFromRecording(builder.recording(), std::nullopt),
                             std::nullopt);
}

report::Report OfFile(const std::string& name) {
  const auto evidence = evidence::ReadEvidence(
      std::string(WRACKLINE_TEST_DATA) + "/recordings/" + name, std::nullopt);
  EXPECT_TRUE(evidence.ok());
  return report::BuildReport(evidence.value(), std::nullopt);
}

// The text of the data's script element, as a browser takes it: up to the first "</script".
std::string DataOf(const std::string& html) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const std::size_t at = html.find(begin);
  if (at == std::string::npos) return "";
  const std::size_t data = at + begin.size();
  return html.substr(data, html.find("</script", data) - data);
}

std::int64_t Sum(const Parsed& column) {
  std::int64_t sum = 0;
  for (const Parsed& value : column) sum += value.get<std::int64_t>();
  return sum;
}

TEST(PageTemplate, IsInTheBinaryAndWhole) {
  const std::string page(PageTemplate());
  EXPECT_EQ(page.rfind("<!doctype html>", 0), 0U);
  EXPECT_NE(page.find("</html>"), std::string::npos);
  const std::size_t mark = page.find(kPageDataMark);
  ASSERT_NE(mark, std::string::npos);
  EXPECT_EQ(page.find(kPageDataMark, mark + 1), std::string::npos);
}

TEST(PageTemplate, ForbidsEverythingButItsOwnScriptAndStyle) {
  const std::string page(PageTemplate());
  const std::size_t policy = page.find("default-src 'none'; script-src 'sha256-");
  ASSERT_NE(policy, std::string::npos);
  EXPECT_LT(policy, page.find("<script"));
  EXPECT_EQ(page.find("unsafe-"), std::string::npos);
  for (const char* outside : {"src=\"", "@import", "url(", "fetch(", "XMLHttpRequest"})
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST(EmbeddableJson, LeavesNothingThatCouldEndAScript) {
  const std::string json = EmbeddableJson(R"({"a": "</script><!-- & -->", "b<": [1]})");
  EXPECT_EQ(json.find_first_of("<>&"), std::string::npos);
  EXPECT_EQ(Parsed::parse(json), Parsed::parse(R"({"a": "</script><!-- & -->", "b<": [1]})"));
}

TEST(Html, CarriesTheJsonReportAsItIs) {
  for (const char* name : {"taskmanager_glibc_killed.wrackpack", "four_states_killed.wrackpack"}) {
    const report::Report report = OfFile(name);
    const Parsed data = Parsed::parse(DataOf(RenderHtml(report, {})));
    EXPECT_EQ(data["report"], Parsed::parse(RenderJson(report))) << name;
    EXPECT_EQ(data["page"], 1);
  }
}

TEST(Html, KeepsHostileNamesAsData) {
  const char* const names[] = {"x</script ><script src=x", "<!--<script>",
                               "\xE2\x80\xA8\xE2\x80\xA9&amp;\"'\\", "broken\xff\xc3",
                               "@WRACKLINE_DATA@"};
  RecordingBuilder builder;
  builder.Charge(9, 90 * kMi, 100 * kMi);
  for (std::size_t i = 0; i < std::size(names); ++i)
    builder.Live({"malloc", std::to_string(i).c_str()}, kMi, kMi);
  builder.process().set_executable(names[0]);
  report::Report report = Of(builder);
  // As they are: a recording's names are shortened on the way.
  ASSERT_EQ(report.evidence.sites.size(), std::size(names));
  for (std::size_t i = 0; i < std::size(names); ++i)
    report.evidence.sites[i].frames[1].function = names[i];
  const std::string html = RenderHtml(report, {});
  const std::string json = DataOf(html);
  EXPECT_EQ(json.find_first_of("<>&"), std::string::npos);
  EXPECT_TRUE(std::all_of(json.begin(), json.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  const Parsed data = Parsed::parse(json);
  const Parsed& strings = data["profile"]["strings"];
  for (const std::size_t good : {0, 1, 2, 4})
    EXPECT_EQ(std::count(strings.begin(), strings.end(), Parsed(names[good])), 1) << names[good];
  // The template's own elements and no other.
  const std::string page(PageTemplate());
  const auto count = [](const std::string& text) {
    std::size_t found = 0;
    for (std::size_t at = text.find("<script"); at != std::string::npos;
         at = text.find("<script", at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count(html), count(page));
}

TEST(PageSeries, TheirPartsAddUpToTheCharge) {
  const report::Report report = OfFile("taskmanager_jemalloc_killed.wrackpack");
  const Parsed timeline = Parsed(PageSeriesJson(report))["timeline"];
  const std::size_t ticks = timeline["time"].size();
  ASSERT_GT(ticks, 10U);
  ASSERT_EQ(timeline["charge"].size(), ticks);
  std::size_t compared = 0;
  for (std::size_t tick = 0; tick < ticks; ++tick) {
    if (timeline["charge"][tick].is_null()) continue;
    std::int64_t sum = 0;
    for (const Parsed& part : timeline["parts"]) sum += part["bytes"][tick].get<std::int64_t>();
    // The kernel counts the parts and the whole one after the other.
    EXPECT_NEAR(static_cast<double>(sum), timeline["charge"][tick].get<double>(), 4.0 * kMi);
    ++compared;
  }
  EXPECT_GT(compared, 10U);
}

TEST(PageSeries, FamiliesAreThoseOfTheReport) {
  const report::Report report = OfFile("four_states_killed.wrackpack");
  const Parsed families = Parsed(PageSeriesJson(report))["families"];
  ASSERT_GE(families["series"].size(), 4U);
  for (const evidence::RocksDbFamily& family : report.evidence.rocksdb->families) {
    const auto found =
        std::find_if(families["series"].begin(), families["series"].end(),
                     [&](const Parsed& one) { return one.value("name", "") == family.name; });
    ASSERT_NE(found, families["series"].end()) << family.name;
    ASSERT_EQ((*found)["bytes"].size(), families["time"].size());
    EXPECT_EQ((*found)["bytes"].back(),
              family.all_memtables->count + family.table_readers.value_or(Bytes{}).count +
                  (family.cached_blocks ? family.cached_blocks->Total().count : 0));
  }
}

TEST(PageProfile, EveryViewHasAllBytesOfItsSites) {
  const report::Report report = OfFile("taskmanager_glibc_killed.wrackpack");
  const evidence::Evidence& evidence = report.evidence;
  PastProfile past;
  past.time = evidence.last_record - std::chrono::seconds(30);
  past.sites = {evidence.sites.begin(), evidence.sites.begin() + 5};
  const Parsed profile = PageProfileJson(evidence, {past}, {});
  ASSERT_EQ(profile["views"].size(), 3U);
  Bytes live, allocated, early;
  for (const evidence::Site& site : evidence.sites) {
    live += site.live;
    allocated += site.allocated;
  }
  for (const evidence::Site& site : past.sites) early += site.live;
  const double rounding = 64.0 * static_cast<double>(evidence.sites.size());
  const Parsed& end = profile["views"][0]["rows"];
  EXPECT_NEAR(static_cast<double>(Sum(end["bytes"])), static_cast<double>(live.count), rounding);
  EXPECT_EQ(Sum(profile["views"][1]["rows"]["bytes"]), early.count);
  EXPECT_EQ(Sum(profile["views"][2]["rows"]["bytes"]), allocated.count);
  std::int64_t of_all_ages = 0;
  ASSERT_EQ(end["age"].size(), evidence::kAgeParts);
  for (const Parsed& part : end["age"]) of_all_ages += Sum(part);
  EXPECT_NEAR(static_cast<double>(of_all_ages), static_cast<double>(live.count), 16 * rounding);
  // Whose they are: each operator's bytes are its group's.
  for (std::size_t group = 1; group < profile["groups"].size(); ++group) {
    std::int64_t sum = 0;
    for (std::size_t row = 0; row < end["bytes"].size(); ++row)
      if (end["group"][row] == group) sum += end["bytes"][row].get<std::int64_t>();
    EXPECT_NEAR(static_cast<double>(sum),
                static_cast<double>(evidence.thread_groups[group - 1].live.count), rounding);
  }
}

TEST(PageProfile, ItsTreeGivesEveryStackBack) {
  RecordingBuilder builder;
  builder.Charge(9, 90 * kMi, 100 * kMi);
  builder.Live({"malloc", "leak", "main"}, 3 * kMi, 3 * kMi);
  builder.Live({"malloc", "other", "main"}, 2 * kMi, 2 * kMi);
  builder.Live({"leak", "main"}, kMi, kMi);
  const report::Report report = Of(builder);
  const Parsed profile = PageProfileJson(report.evidence, {}, {});
  const Parsed &up = profile["tree"]["up"], &frames = profile["tree"]["frame"];
  std::vector<std::size_t> parents{0};
  for (std::size_t i = 0; i < up.size(); ++i) {
    std::size_t at = i;
    for (std::size_t steps = up[i].get<std::size_t>(); steps > 0; --steps) at = parents[at];
    parents.push_back(at);
  }
  const Parsed& rows = profile["views"][0]["rows"];
  ASSERT_EQ(rows["node"].size(), 3U);
  std::vector<std::string> wanted, stacks;
  std::size_t leaf = 0;
  for (std::size_t row = 0; row < 3; ++row) {
    leaf += rows["node"][row].get<std::size_t>();
    std::string stack = std::to_string(rows["bytes"][row].get<std::int64_t>()) + ": ";
    for (std::size_t node = leaf; node != 0; node = parents[node])
      stack += profile["strings"]
                      [profile["frames"][frames[node - 1].get<std::size_t>()][0].get<std::size_t>()]
                          .get<std::string>() +
               ";";
    stacks.push_back(stack);
    const evidence::Site& site = report.evidence.sites[row];
    wanted.push_back(std::to_string(site.live.count) + ": ");
    for (const evidence::SiteFrame& frame : site.frames) wanted.back() += frame.function + ";";
  }
  EXPECT_THAT(stacks, ::testing::UnorderedElementsAreArray(wanted));
  // main, leak and other once each, malloc below both.
  EXPECT_EQ(up.size(), 5U);
}

TEST(PageProfile, WhatIsLeftOutIsOneFrame) {
  RecordingBuilder builder;
  builder.Charge(9, 90 * kMi, 100 * kMi);
  builder.Live({"malloc", "large", "main"}, 8 * kMi, 8 * kMi);
  for (const char* name : {"a", "b", "c"}) builder.Live({"malloc", name, "main"}, kMi, kMi);
  PageLimits limits;
  limits.rows = 2;
  const report::Report report = Of(builder);
  const Parsed profile = PageProfileJson(report.evidence, {}, limits);
  for (const Parsed& view : profile["views"])
    EXPECT_EQ(Sum(view["rows"]["bytes"]), 11 * static_cast<std::int64_t>(kMi)) << view["id"];
  EXPECT_EQ(profile["views"][0]["rows"]["bytes"].size(), 3U);
  EXPECT_EQ(profile["smaller"], 3);
  // A tree that is full: what more there is ends where it does.
  limits.rows = 10;
  limits.nodes = 3;
  const Parsed small = PageProfileJson(report.evidence, {}, limits);
  EXPECT_LE(small["tree"]["up"].size(), 4U);
  EXPECT_EQ(Sum(small["views"][0]["rows"]["bytes"]), 11 * static_cast<std::int64_t>(kMi));
  EXPECT_GE(small["cut_short"].get<int>(), 1);
}

TEST(ThinnedTicks, KeepTheFirstTheHighestAndTheNewest) {
  std::vector<TimelinePoint> timeline(86'400);
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    timeline[i].time = Time{} + std::chrono::seconds(i + 1);
    timeline[i].charge = Bytes{static_cast<std::int64_t>(i % 1000)};
  }
  timeline[40'321].charge = Bytes{1'000'000};
  const std::vector<std::size_t> ticks = ThinnedTicks(timeline, 1200);
  EXPECT_LE(ticks.size(), 1202U);
  EXPECT_GT(ticks.size(), 600U);
  EXPECT_TRUE(std::is_sorted(ticks.begin(), ticks.end()));
  EXPECT_EQ(ticks.front(), 0U);
  EXPECT_EQ(ticks.back(), timeline.size() - 1);
  EXPECT_EQ(std::count(ticks.begin(), ticks.end(), 40'321U), 1);
  // The last minute has all of its own.
  EXPECT_EQ(ticks[ticks.size() - 60], timeline.size() - 60);
}

TEST(ThinnedTicks, StayFewWhateverTheTimesAre) {
  EXPECT_TRUE(ThinnedTicks({}, 100).empty());
  std::vector<TimelinePoint> same(5000);
  EXPECT_LE(ThinnedTicks(same, 100).size(), 102U);
  std::vector<TimelinePoint> few(50);
  EXPECT_EQ(ThinnedTicks(few, 100).size(), 50U);
}

TEST(Html, IsAPageWhereNothingIsKnown) {
  RecordingBuilder builder;
  const Parsed data = Parsed::parse(DataOf(RenderHtml(Of(builder), {})));
  EXPECT_TRUE(data["profile"].is_null());
  EXPECT_FALSE(data["series"].contains("timeline"));
}

}  // namespace
}  // namespace wrackline::render
