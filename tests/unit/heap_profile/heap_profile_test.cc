#include "analyzer/evidence/heap_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "analyzer/evidence/heap_profile_text.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Load(const std::string& name) {
  std::ifstream file(WRACKLINE_TEST_DATA "/profiles/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

HeapProfile Parsed(std::string_view text) {
  Result<HeapProfile> profile = ParseHeapProfile(text);
  EXPECT_TRUE(profile.ok()) << profile.error().Text();
  return profile.ok() ? std::move(profile.value()) : HeapProfile{};
}

std::string ErrorOf(std::string_view text) {
  const Result<HeapProfile> profile = ParseHeapProfile(text);
  EXPECT_FALSE(profile.ok());
  return profile.ok() ? std::string() : profile.error().Text();
}

std::int64_t Whole(double amount) { return static_cast<std::int64_t>(amount); }

constexpr const char* kJemalloc =
    "heap_v2/1000\n"
    "  t*: 5: 5000 [0: 0]\n"
    "  t0: 3: 3000 [0: 0]\n"
    "  t1: 2: 2000 [0: 0] flink-io 2\n"
    "@ 0x401001 0x401101\n"
    "  t*: 3: 3000 [0: 0]\n"
    "  t0: 3: 3000 [0: 0]\n"
    "@ 0x401051 0x401101\n"
    "  t*: 2: 2000 [0: 0]\n"
    "  t1: 2: 2000 [0: 0]\n"
    "\n"
    "MAPPED_LIBRARIES:\n"
    "00400000-00401000 r--p 00000000 fe:00 77    /srv/app/server\n"
    "00401000-00402000 r-xp 00001000 fe:00 77    /srv/app/server (deleted)\n";

// What `jeprof --text --show_bytes` (5.3.0) and `google-pprof --text --show_bytes` (2.10) print as the total.
TEST(HeapProfileTest, TotalsAreThoseOfJeprofAndGooglePprof) {
  const struct {
    const char* file;
    std::int64_t live;
    HeapProfile::Format format;
  } kFiles[] = {
      {"jemalloc-lg16.heap", 85785580, HeapProfile::Format::kJemalloc},
      {"jemalloc-lg19.heap", 95014487, HeapProfile::Format::kJemalloc},
      {"jemalloc-accum.heap", 87983916, HeapProfile::Format::kJemalloc},
      {"jemalloc-every.heap", 77720832, HeapProfile::Format::kJemalloc},
      {"jemalloc-raw.prof", 85785580, HeapProfile::Format::kJemalloc},
      {"gperftools-heapprofile.heap", 81283000, HeapProfile::Format::kGperftools},
      {"gperftools-sampled.heap", 1382992, HeapProfile::Format::kGperftools},
  };
  for (const auto& file : kFiles) {
    SCOPED_TRACE(file.file);
    const std::string text = Load(file.file);
    EXPECT_TRUE(LooksLikeHeapProfile(text));
    const HeapProfile profile = Parsed(text);
    EXPECT_EQ(profile.format, file.format);
    EXPECT_EQ(Whole(profile.live.bytes), file.live);
    EXPECT_THAT(profile.notes, IsEmpty());
    EXPECT_FALSE(profile.mappings.empty());
  }
  EXPECT_EQ(Whole(Parsed(Load("jemalloc-accum.heap")).allocated.bytes), 91540958);
  EXPECT_EQ(Whole(Parsed(Load("gperftools-heapprofile.heap")).allocated.bytes), 84699160);
  // `jeprof --text --inuse_objects`
  EXPECT_EQ(Whole(Parsed(Load("jemalloc-lg16.heap")).live.objects), 49102);
  EXPECT_EQ(Whole(Parsed(Load("jemalloc-lg19.heap")).live.objects), 55995);
}

TEST(HeapProfileTest, AJemallocDumpIsScaledStackByStack) {
  const HeapProfile profile = Parsed(kJemalloc);
  EXPECT_EQ(profile.interval, 1000);
  EXPECT_FALSE(profile.exact);
  EXPECT_FALSE(profile.has_allocated);
  ASSERT_EQ(profile.stacks.size(), 2u);
  // 1 / (1 - exp(-1)): objects of the interval's size.
  const double factor = 1 / (1 - std::exp(-1.0));
  EXPECT_DOUBLE_EQ(profile.stacks[0].live.bytes, 3000 * factor);
  EXPECT_DOUBLE_EQ(profile.stacks[0].live.objects, 3 * factor);
  EXPECT_EQ(profile.stacks[0].samples, 3);
  // Three objects that stand for w = 1000 * factor bytes each: 3 w (w - 1000).
  EXPECT_NEAR(profile.stacks[0].variance, 3 * 1000 * factor * (1000 * factor - 1000), 1e-3);
  EXPECT_DOUBLE_EQ(profile.live.bytes, 5000 * factor);
  // The call is before the return address, and both stacks share their caller.
  ASSERT_EQ(profile.locations.size(), 3u);
  EXPECT_EQ(profile.locations[0].address, 0x401000u);
  EXPECT_EQ(profile.stacks[0].locations[1], profile.stacks[1].locations[1]);
}

// The mean size alone would say that the objects of a site with small and large ones are all drawn.
TEST(HeapProfileTest, TheErrorAllowsForSizesThatSpread) {
  const double interval = 4096;
  // 1,000 to 60,999 bytes, all equally many: the true variance of drawing from them.
  double truth = 0, bytes = 0;
  for (int i = 0; i < 2000; ++i) {
    const double size = 1000 + 30.0 * i;
    truth += size * size / std::expm1(size / interval);
    bytes += size;
  }
  const double ours = VarianceOf({2000, bytes}, interval);
  EXPECT_GT(ours, truth);
  EXPECT_LT(ours, 2.5 * truth);
  // Of one size: that of the formula where the size is that of the interval or less, and next to nothing for large objects.
  EXPECT_NEAR(VarianceOf({100, 100 * 200.0}, interval),
              100 * 200.0 * 200 / std::expm1(200 / interval), 1);
  EXPECT_LT(std::sqrt(VarianceOf({20, 20 * 900000.0}, interval)), 0.0005 * 20 * 900000);
  EXPECT_EQ(VarianceOf({20, 1000}, 0), 0);
  EXPECT_EQ(VarianceOf({0, 1000}, interval), 1000 * interval);
}

TEST(HeapProfileTest, SitesHaveModuleAndOffsetWithoutSymbols) {
  const std::vector<Site> sites = SitesOf(Parsed(kJemalloc), nullptr, nullptr);
  ASSERT_EQ(sites.size(), 2u);
  EXPECT_EQ(sites[0].frames[0].function, "server+0x1000");
  EXPECT_EQ(sites[0].frames[0].module, "server");
  EXPECT_FALSE(sites[0].frames[0].named);
  EXPECT_EQ(sites[1].frames[0].function, "server+0x1050");
  EXPECT_GT(sites[0].live, sites[1].live);
  EXPECT_GT(sites[0].standard_error.count, 0);
  EXPECT_EQ(sites[0].samples, 3u);
}

TEST(HeapProfileTest, WithoutMappingsTheAddressIsTheName) {
  const std::string text(kJemalloc);
  const HeapProfile profile = Parsed(text.substr(0, text.find("\nMAPPED")));
  EXPECT_THAT(profile.mappings, IsEmpty());
  EXPECT_EQ(SitesOf(profile, nullptr, nullptr)[0].frames[0].function, "0x401000");
}

TEST(HeapProfileTest, WindowsLineEndsAreRead) {
  std::string text;
  for (const char c : std::string(kJemalloc)) text += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_DOUBLE_EQ(Parsed(text).live.bytes, Parsed(kJemalloc).live.bytes);
}

TEST(HeapProfileTest, ACutDumpIsReadAndSaysSo) {
  const std::string text(kJemalloc);
  const HeapProfile profile = Parsed(text.substr(0, text.find("@ 0x401051")));
  ASSERT_EQ(profile.notes.size(), 1u);
  EXPECT_THAT(profile.notes[0],
              HasSubstr("the stacks hold 3 live samples of 3000 bytes, the header says 5"));
}

TEST(HeapProfileTest, DamageIsAnErrorWithItsLine) {
  EXPECT_THAT(ErrorOf("heap_v2/1000\n  t*: 5: x [0: 0]\n"), HasSubstr("line 2"));
  EXPECT_THAT(ErrorOf("heap_v2/1000\nwhat is this\n"), HasSubstr("line 2"));
  EXPECT_THAT(ErrorOf("heap_v2/1000\n"), HasSubstr("has no totals"));
  EXPECT_THAT(ErrorOf("heap profile: 1: 2 [ 1: 2] @ heapprofile\n 1: 2 [1: 2] 0x4\n"),
              HasSubstr("line 2 of the gperftools profile"));
  EXPECT_THAT(ErrorOf("hello"), HasSubstr("no heap profile"));
}

TEST(HeapProfileTest, EveryAllocationCountedHasNoError) {
  const HeapProfile profile = Parsed(Load("jemalloc-every.heap"));
  EXPECT_TRUE(profile.exact);
  const HeapProfile heap_profiler = Parsed(Load("gperftools-heapprofile.heap"));
  EXPECT_TRUE(heap_profiler.exact);
  EXPECT_TRUE(heap_profiler.has_allocated);
  for (const Site& site : SitesOf(heap_profiler, nullptr, nullptr)) {
    EXPECT_EQ(site.standard_error.count, 0);
    EXPECT_EQ(site.allocated - site.freed, site.live);
  }
}

TEST(HeapProfileTest, GperftoolsKindsByWhatFollowsTheHeader) {
  const auto parsed = [](const std::string& origin) {
    return Parsed("heap profile:  2:  2000 [  2:  2000]" + origin +
                  "\n  2:  2000 [  2:  2000] @ 0x401001\n");
  };
  EXPECT_EQ(parsed(" @ heapprofile").live.bytes, 2000);
  EXPECT_DOUBLE_EQ(parsed(" @ heap_v2/1000").live.bytes, 2000 / (1 - std::exp(-1.0)));
  EXPECT_FALSE(parsed(" @ heap_v2/1000").has_allocated);
  // Gaps up to 20,000, 10,000 on average: an object of 1,000 bytes stands for 10,000.
  EXPECT_DOUBLE_EQ(parsed(" @ heap/20000").live.bytes, 20000);
  EXPECT_DOUBLE_EQ(parsed(" @ heap/1000").live.bytes, 2000);
  // Before there was a name: 128 KiB.
  EXPECT_DOUBLE_EQ(parsed("").live.bytes, 2 * 131072);
  EXPECT_THAT(ErrorOf("heap profile: 1: 1048576 [ 1: 1048576] @ growth\n"),
              HasSubstr("kind 'growth'"));
}

TEST(HeapProfileTest, AllocatorsOwnFramesAreLeftOut) {
  const std::vector<Site> sites = SitesOf(Parsed(Load("jemalloc-raw.prof")), nullptr, nullptr);
  ASSERT_GE(sites.size(), 3u);
  EXPECT_EQ(sites[0].frames[0].function, "cargo::Mixed");
  EXPECT_EQ(sites[1].frames[0].function, "cargo::Large");
  EXPECT_EQ(sites[2].frames[0].function, "cargo::Small");
  EXPECT_TRUE(sites[0].frames[0].named);
  EXPECT_EQ(sites[0].frames[0].module, "holder");
  EXPECT_EQ(sites[0].frames[1].function, "main");
  // Figures of the sites are those of jeprof's functions.
  EXPECT_EQ(sites[0].live.count, 56291608);
  EXPECT_EQ(sites[1].live.count, 18350100);
  EXPECT_EQ(sites[2].live.count, 10569334);
}

TEST(HeapProfileTest, FillsTheEvidence) {
  const std::string text = Load("jemalloc-lg16.heap");
  Evidence evidence;
  const SourceFile file{"jeprof.1.0.f.heap", text, Time{}};
  EXPECT_TRUE(IsHeapProfile(file));
  const auto clause = AddHeapProfile(file, &evidence);
  ASSERT_TRUE(clause.ok());
  EXPECT_THAT(clause.value(), HasSubstr("81.8 MiB +- "));
  EXPECT_THAT(clause.value(), HasSubstr("sampled every 64.0 KiB"));
  ASSERT_TRUE(evidence.heap_profile);
  EXPECT_EQ(evidence.heap_profile->format, "jemalloc");
  EXPECT_EQ(evidence.heap_profile->live.count, 85785580);
  EXPECT_EQ(evidence.process.sampling_interval, 64 * kKiB);
  EXPECT_EQ(evidence.process.executable, "/srv/holder/holder");
  EXPECT_FALSE(evidence.sites.empty());
}

TEST(HeapProfileTest, AReportSaysWhoseSamplesTheSitesAre) {
  const std::string text = Load("jemalloc-raw.prof"), counted = Load("gperftools-heapprofile.heap");
  Evidence evidence, exact;
  ASSERT_TRUE(AddHeapProfile({"jeprof.1.heap", text, Time{}}, &evidence).ok());
  ASSERT_TRUE(AddHeapProfile({"gp.heap", counted, Time{}}, &exact).ok());
  const report::Report report = report::BuildReport(std::move(evidence), std::nullopt);
  const std::string page = render::RenderText(report, {});
  EXPECT_THAT(page, HasSubstr("From the jemalloc heap profile jeprof.1.heap."));
  EXPECT_THAT(page, HasSubstr("estimated from samples"));
  EXPECT_THAT(page, HasSubstr("cargo::Mixed"));
  const auto json = nlohmann::json::parse(render::RenderJson(report));
  EXPECT_EQ(json["heap_profile"]["live"], 85785580);
  EXPECT_EQ(json["heap_profile"]["sampling_interval"], 65536);
  EXPECT_THAT(render::RenderText(report::BuildReport(std::move(exact), std::nullopt), {}),
              HasSubstr("every allocation counted"));
}

TEST(HeapProfileTest, TheYoungerOfTwoIsUsedAndARecordingBeforeBoth) {
  const std::string first = Load("jemalloc-lg16.heap"), second = Load("jemalloc-lg19.heap");
  const Time then{std::chrono::hours(1)}, later{std::chrono::hours(2)};
  for (const bool older_first : {true, false}) {
    Evidence evidence;
    const SourceFile old{"1.heap", first, then}, young{"2.heap", second, later};
    ASSERT_TRUE(AddHeapProfile(older_first ? old : young, &evidence).ok());
    ASSERT_TRUE(AddHeapProfile(older_first ? young : old, &evidence).ok());
    EXPECT_EQ(evidence.heap_profile->file, "2.heap");
    EXPECT_EQ(evidence.heap_profile->live.count, 95014487);
  }
  Evidence recorded;
  recorded.sites.emplace_back();
  const auto clause = AddHeapProfile({"1.heap", first, then}, &recorded);
  ASSERT_TRUE(clause.ok());
  EXPECT_THAT(clause.value(), HasSubstr("the recording's own samples are used"));
  EXPECT_EQ(recorded.sites.size(), 1u);
  EXPECT_FALSE(recorded.heap_profile);
}

TEST(HeapProfileTest, OtherFilesAreNotTaken) {
  for (const char* text : {"", "heap", "heap_v2/", "heap_v2/0\n", "heap_v2/12x\n",
                           "heap profile:", "heap profile: much\n", "# HELP heap\nheap 1\n", "\n\n",
                           "\x1f\x8b\x08", "--- symbolic\n"})
    EXPECT_FALSE(LooksLikeHeapProfile(text)) << text;
  std::ifstream scrape(WRACKLINE_TEST_DATA "/metrics/managed-1g/end.prom");
  const std::string text{std::istreambuf_iterator<char>(scrape), {}};
  ASSERT_FALSE(text.empty());
  EXPECT_FALSE(LooksLikeHeapProfile(text));
}

TEST(HeapProfileTest, AbsurdFiguresStayFigures) {
  const HeapProfile profile = Parsed(
      "heap_v2/18446744073709551615\n"
      "t*: 18446744073709551615: 18446744073709551615 [0: 0]\n"
      "@ 0x0 0xffffffffffffffff\n"
      "t*: 18446744073709551615: 18446744073709551615 [0: 0]\n"
      "@ 0x1\n"
      "t*: 5: 0 [0: 0]\n");
  const std::vector<Site> sites = SitesOf(profile, nullptr, nullptr);
  ASSERT_EQ(sites.size(), 2u);
  EXPECT_GT(sites[0].live.count, 0);
  EXPECT_EQ(sites[1].live.count, 0);
}

}  // namespace
}  // namespace wrackline::evidence
