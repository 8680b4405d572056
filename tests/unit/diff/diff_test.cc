#include "analyzer/diff/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "analyzer/diff/sections.h"
#include "analyzer/evidence/from_recording.h"
#include "analyzer/evidence/heap_profile.h"
#include "analyzer/evidence/sites.h"
#include "analyzer/render/diff.h"
#include "lib/recorder/past.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::diff {
namespace {

namespace fs = std::filesystem;
using evidence::Evidence;
using evidence::Site;
using evidence::SiteFrame;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

SiteFrame Frame(const std::string& function, const std::string& module = "app") {
  return {function, module, true, false, false, 0, ""};
}

Site MakeSite(std::vector<SiteFrame> frames, Bytes live, Bytes error) {
  Site site;
  site.frames = std::move(frames);
  site.live = live;
  site.standard_error = error;
  site.samples = 100;
  return site;
}

const Section* Find(const Diff& diff, const std::string& id) {
  for (const Section& section : diff.sections) {
    if (section.id == id) return &section;
  }
  return nullptr;
}

const Row* Find(const Section* section, const std::string& id) {
  if (section == nullptr) return nullptr;
  for (const Row& row : section->rows) {
    if (row.id == id) return &row;
  }
  return nullptr;
}

TEST(DiffTest, SitesMatchByFunctionsAcrossBuildsAndRuns) {
  Evidence before, after;
  Site old = MakeSite({Frame("malloc", "libc.so.6"), Frame("Grow", "app-1.so"), Frame("main"),
                       Frame("__libc_start_call_main", "libc.so.6")},
                      100 * kMiB, 2 * kMiB);
  old.frames[1].line = 10;
  Site young = MakeSite({Frame("Grow", "app-2.so"), Frame("main"),
                         SiteFrame{"libc.so.6+0x2724a", "libc.so.6", false, false, false, 0, ""}},
                        150 * kMiB, 2 * kMiB);
  before.sites = {old};
  after.sites = {young};
  const Diff diff = Compare(before, after, {});
  const Row* row = Find(Find(diff, "sites"), "Grow\nmain");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->Change(), 50.0 * kMiB.count);
  EXPECT_EQ(row->verdict.confidence, Confidence::kCertain);
  EXPECT_TRUE(row->grown);
  EXPECT_TRUE(diff.grew);
  EXPECT_EQ(Find(diff, "sites")->rows.size(), 2u);  // and all together
}

TEST(DiffTest, NumbersOfOneRunAreNoPartOfASite) {
  Site site;
  SiteFrame lambda = Frame("com.acme.Job$$Lambda$14/0x0000000800c03000.apply", "");
  lambda.java = true;
  SiteFrame form = Frame("java.lang.invoke.LambdaForm$MH/0x00007f12.invoke", "");
  form.java = true;
  site.frames = {Frame("os::malloc", "libjvm.so"), lambda, form};
  EXPECT_EQ(SiteKey(site),
            "os::malloc\ncom.acme.Job$$Lambda.apply\njava.lang.invoke.LambdaForm$MH.invoke");
  site.frames[1].function = "com.acme.Job$$Lambda/0x00007f3e.apply";  // JDK 21's way
  EXPECT_THAT(SiteKey(site), HasSubstr("com.acme.Job$$Lambda.apply"));
  site.frames = {Frame("malloc")};
  EXPECT_EQ(SiteKey(site), "malloc");
  site.frames = {};
  EXPECT_EQ(SiteKey(site), "(stack not recorded)");
}

TEST(DiffTest, SmallOrUnsureGrowthIsNoGrowth) {
  const auto grew = [](Bytes from, Bytes to, Bytes error, Options options) {
    Evidence before, after;
    before.sites = {MakeSite({Frame("f")}, from, error)};
    after.sites = {MakeSite({Frame("f")}, to, error)};
    return Compare(before, after, options).grew;
  };
  EXPECT_TRUE(grew(100 * kMiB, 120 * kMiB, kMiB, {}));
  EXPECT_FALSE(grew(100 * kMiB, 120 * kMiB, 20 * kMiB, {}));   // chance
  EXPECT_FALSE(grew(100 * kMiB, 109 * kMiB, 100 * kKiB, {}));  // less than 10 %
  EXPECT_TRUE(grew(100 * kMiB, 109 * kMiB, 100 * kKiB, {kMiB, 5, false}));
  EXPECT_FALSE(grew(Bytes{}, 900 * kKiB, kKiB, {}));     // less than 1 MiB
  EXPECT_FALSE(grew(120 * kMiB, 100 * kMiB, kMiB, {}));  // it shrank
}

TEST(DiffTest, ASiteThatOneSideHasNotIsZeroThere) {
  Evidence before, after;
  before.sites = {MakeSite({Frame("old")}, 10 * kMiB, kMiB)};
  after.sites = {MakeSite({Frame("new")}, 30 * kMiB, kMiB)};
  const Diff diff = Compare(before, after, {});
  const Row* row = Find(Find(diff, "sites"), "new");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->before, 0.0);
  EXPECT_FALSE(row->Percent());
  EXPECT_TRUE(row->grown);
  EXPECT_EQ(Find(diff, "sites")->rows[0].id, "(all)");
  EXPECT_EQ(Find(diff, "sites")->rows[1].id, "new");  // what grew comes first
}

TEST(DiffTest, WithoutSamplesOnOneSideNothingIsZero) {
  Evidence before, after;
  after.sites = {MakeSite({Frame("new")}, 30 * kMiB, kMiB)};
  const Diff diff = Compare(before, after, {});
  ASSERT_NE(Find(diff, "sites"), nullptr);
  EXPECT_TRUE(Find(diff, "sites")->rows.empty());
  EXPECT_THAT(Find(diff, "sites")->notes, Contains(HasSubstr("A has no samples")));
  EXPECT_FALSE(diff.grew);
}

TEST(DiffTest, CountedProfilesHaveNoNoise) {
  const auto profile = [](const char* bytes) {
    const std::string counts = std::string("1: ") + bytes + " [1: " + bytes + "] @ ";
    const std::string text = "heap profile: " + counts + "heapprofile\n" + counts + "0x401000\n";
    Evidence evidence;
    EXPECT_TRUE(evidence::AddHeapProfile({"gp.heap", text, {}}, &evidence).ok());
    return evidence;
  };
  const Diff diff = Compare(profile("10485760"), profile("12582912"), {});
  const Row* row = Find(Find(diff, "sites"), "0x400fff");
  ASSERT_NE(row, nullptr);
  EXPECT_FALSE(row->sampled);
  EXPECT_TRUE(row->grown);
  EXPECT_THAT(render::RenderDiffText(diff, 10, {}), HasSubstr("counted"));
}

TEST(DiffTest, UnnamedStacksAreSaid) {
  Evidence before, after;
  SiteFrame unnamed{"libacme.so+0x10", "libacme.so", false, false, false, 0, ""};
  before.sites = after.sites = {MakeSite({unnamed, Frame("main")}, 10 * kMiB, kMiB)};
  EXPECT_THAT(Find(Compare(before, after, {}), "sites")->notes,
              Contains(HasSubstr("100 % of the live bytes")));
}

// Two recordings: ledger lines by id, and per hour of uptime.
Evidence Recorded(std::uint64_t charge_mib, std::uint64_t kernel_mib, std::uint64_t seconds) {
  wrackline::testing::RecordingBuilder builder;
  auto& tick = builder.Charge(seconds, charge_mib * wrackline::testing::kMi);
  tick.mutable_cgroup()->set_kernel(kernel_mib * wrackline::testing::kMi);
  builder.recording().last_time_ns =
      wrackline::testing::kEpoch + seconds * wrackline::testing::kSecond;
  return evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
}

TEST(DiffTest, LedgerLinesAreComparedAndJudged) {
  const Diff diff = Compare(Recorded(100, 10, 10), Recorded(200, 20, 10), {});
  const Section* ledger = Find(diff, "ledger");
  ASSERT_NE(ledger, nullptr);
  EXPECT_EQ(ledger->rows[0].id, "total");
  EXPECT_EQ(ledger->rows[0].Change(), 100.0 * kMiB.count);
  EXPECT_FALSE(ledger->rows[0].judged);  // page cache is in it
  const Row* kernel = Find(ledger, "kernel.memory");
  ASSERT_NE(kernel, nullptr);
  EXPECT_TRUE(kernel->grown);
  EXPECT_EQ(*kernel->Percent(), 100);
  const Row* unexplained = Find(ledger, "unexplained");
  ASSERT_NE(unexplained, nullptr);
  EXPECT_FALSE(unexplained->judged);
  EXPECT_TRUE(diff.same_process);
}

// Files in a tmpfs are no page cache: the kernel can give back none of it.
TEST(DiffTest, SharedMemoryIsJudged) {
  const auto with = [](std::int64_t shmem_mib) {
    Evidence evidence = Recorded(2000, 10, 10);
    evidence.timeline.back().shmem = shmem_mib * kMiB;
    evidence.timeline.back().file = 1300 * kMiB;
    return evidence;
  };
  const Diff diff = Compare(with(20), with(1200), {});
  const Row* shmem = Find(Find(diff, "ledger"), "file.shmem");
  ASSERT_NE(shmem, nullptr);
  EXPECT_TRUE(shmem->grown);
  EXPECT_TRUE(diff.grew);
}

TEST(DiffTest, PerHourDividesByEachSidesUptime) {
  Options options;
  options.per_hour = true;
  // Twice the memory in twice the time is the same growth per hour.
  const Diff diff = Compare(Recorded(100, 10, 1800), Recorded(200, 20, 3600), options);
  const Row* kernel = Find(Find(diff, "ledger"), "kernel.memory");
  ASSERT_NE(kernel, nullptr);
  EXPECT_NEAR(*kernel->before, 20.0 * kMiB.count, 1);
  EXPECT_NEAR(*kernel->after, 20.0 * kMiB.count, 1);
  EXPECT_FALSE(diff.grew);
}

// Held from the start on, and no leak: a short run of it is not one that leaks ten times as fast, nor a long one that stopped.
TEST(DiffTest, PerHourTakesAStockForNoGrowth) {
  Options options;
  options.per_hour = true;
  for (const auto& [before, after] : {std::pair(36000, 3600), std::pair(3600, 36000)}) {
    const Diff diff = Compare(Recorded(100, 50, before), Recorded(100, 50, after), options);
    EXPECT_FALSE(diff.grew);
    // A rate that falls in a run that holds no more is no finding either way, and stays judged.
    EXPECT_EQ(!diff.notes.empty(), before > after);
  }
  // Lengths that differ by less than a tenth explain growth by less than a tenth.
  options.least_percent = 5;
  EXPECT_FALSE(Compare(Recorded(600, 500, 36000), Recorded(600, 500, 33120), options).grew);
  options.least_percent = 10;
  // As much in a tenth of the time as in the whole of it, and more of it: that is growth, however it is looked at.
  EXPECT_TRUE(Compare(Recorded(100, 10, 36000), Recorded(200, 40, 3600), options).grew);
}

TEST(DiffTest, RocksDbFamiliesMatchByOperatorAcrossRestarts) {
  const auto with = [](const std::string& job, Bytes memtables) {
    Evidence evidence;
    evidence::RocksDbFamily family;
    family.database = "/tmp/job_" + job +
                      "_op_WindowOperator_90bea66de1c231edf33913ecd54406c1__1_4__uuid_" +
                      "3f1f2f3f-1111-2222-3333-444455556666/db";
    family.name = "window-contents";
    family.all_memtables = memtables;
    evidence.rocksdb.emplace().families = {family};
    evidence.rocksdb->databases = 1;
    return evidence;
  };
  const Diff diff = Compare(with("5f2a90c15f2a90c15f2a90c15f2a90c1", 10 * kMiB),
                            with("00000000000000000000000000000001", 64 * kMiB), {});
  const Row* row = Find(Find(diff, "rocksdb"), "memtables:WindowOperator 1/4, window-contents");
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->Change(), 54.0 * kMiB.count);
  EXPECT_FALSE(row->judged);  // memtables fill and are flushed
  EXPECT_FALSE(diff.grew);
}

TEST(DiffTest, ASourceThatOneSideLacksIsANote) {
  Evidence before, after;
  after.rocksdb.emplace().databases = 1;
  const Diff diff = Compare(before, after, {});
  ASSERT_NE(Find(diff, "rocksdb"), nullptr);
  EXPECT_THAT(Find(diff, "rocksdb")->notes, ElementsAre("A has no figures of RocksDB."));
}

TEST(DiffTest, JsonHasTheWholeTable) {
  Evidence before, after;
  before.sites = {MakeSite({Frame("f\x1b[31m\xff")}, 10 * kMiB, kMiB)};
  after.sites = {MakeSite({Frame("f\x1b[31m\xff")}, 30 * kMiB, kMiB)};
  const Diff diff = Compare(before, after, {});
  const auto json = nlohmann::json::parse(render::RenderDiffJson(diff));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["grew"], true);
  const auto& row = json["sections"][0]["rows"][1];
  EXPECT_EQ(row["before"], 10 << 20);
  EXPECT_EQ(row["change"], 20 << 20);
  EXPECT_EQ(row["confidence"], "certain");
  EXPECT_EQ(row["frames"].size(), 1u);
  // And the text has nothing that a terminal obeys, and keeps to its width.
  const std::string text = render::RenderDiffText(diff, 10, {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  std::size_t longest = 0;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    longest = std::max(longest, end - at);
  EXPECT_LE(longest, 80u);
}

// What is known of an earlier moment, and what is not.
TEST(DiffTest, MomentsOfOneRecording) {
  wrackline::testing::RecordingBuilder builder;
  builder.Charge(1, 50 * wrackline::testing::kMi).mutable_cgroup()->set_kernel(5 << 20);
  builder.Charge(5, 80 * wrackline::testing::kMi).mutable_cgroup()->set_kernel(9 << 20);
  builder.Live({"malloc", "Grow"}, 1000, 30 << 20, 4000);
  const evidence::Time start{std::chrono::nanoseconds(wrackline::testing::kEpoch)};
  EXPECT_FALSE(evidence::EvidenceAt(builder.recording(), start));
  const auto then = evidence::EvidenceAt(builder.recording(), start + std::chrono::seconds(2));
  ASSERT_TRUE(then);
  EXPECT_EQ(then->timeline.size(), 1u);
  EXPECT_TRUE(then->sites.empty());
  EXPECT_EQ(then->last_record, start + std::chrono::seconds(1));
  const auto end = evidence::EvidenceAt(builder.recording(), start + std::chrono::seconds(9));
  ASSERT_TRUE(end);
  const auto compared = Compare(*then, *end, {});
  const Row* kernel = Find(Find(compared, "ledger"), "kernel.memory");
  ASSERT_NE(kernel, nullptr);
  EXPECT_EQ(kernel->Change(), 4.0 * kMiB.count);
  // Where the past's samples are not known: what is new since then is.
  const Evidence whole = evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
  const auto since =
      evidence::SitesFromRecording(builder.recording(), whole.last_record - then->last_record);
  const Section section = NewSitesSection(since);
  ASSERT_EQ(section.rows.size(), 1u);
  EXPECT_EQ(section.rows[0].after, 30.0 * kMiB.count);
  EXPECT_FALSE(section.rows[0].judged);
}

// The file holds what was freed since: sites of an earlier moment are those that were live then.
TEST(DiffTest, SitesOfAnEarlierMomentAreThoseThatWereLiveThen) {
  const std::string path =
      std::string(WRACKLINE_TEST_DATA) + "/recordings/four_states_killed.wrackpack";
  const auto recording = recorder::ReadRecording(path);
  ASSERT_TRUE(recording.ok());
  const std::uint64_t end = recording.value().last_time_ns;
  const auto live = [&](std::uint64_t time_ns) {
    const auto past = recorder::ReadPast(path, time_ns);
    EXPECT_TRUE(past.ok());
    EXPECT_TRUE(past.value().state_known);
    double sum = 0;
    for (const Site& site : evidence::SitesFromRecording(past.value().recording, {}))
      sum += static_cast<double>(site.live.count);
    return sum;
  };
  double whole = 0;
  for (const Site& site : evidence::SitesFromRecording(recording.value(), {}))
    whole += static_cast<double>(site.live.count);
  EXPECT_EQ(live(end), whole);
  EXPECT_EQ(live(UINT64_MAX), whole);
  // Nearly all that the process has is sampled memory: at each moment about what the kernel counted then. It rose and fell by a third.
  const Evidence evidence = evidence::EvidenceFromRecording(recording.value(), std::nullopt);
  int compared = 0;
  for (const evidence::TimelinePoint& point : evidence.timeline) {
    if (!point.anon || *point.anon < 100 * kMiB) continue;
    ++compared;
    const double anon = static_cast<double>(point.anon->count);
    const auto time_ns = static_cast<std::uint64_t>(point.time.time_since_epoch().count());
    EXPECT_NEAR(live(time_ns), anon, anon / 4) << "at " << time_ns;
  }
  EXPECT_GT(compared, 20);
  const auto before = recorder::ReadPast(path, 1);
  ASSERT_TRUE(before.ok());
  EXPECT_FALSE(before.value().state_known);
}

struct Done {
  int status = -1;
  std::string output;  // both streams
};
Done Shell(const std::string& command) {
  Done done;
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t length = std::fread(buffer.data(), 1, buffer.size(), pipe))
    done.output.append(buffer.data(), length);
  done.status = WEXITSTATUS(pclose(pipe));
  return done;
}
Done DiffOf(const std::string& arguments) {
  return Shell(std::string(WRACKLINE_BINARY) + " diff " + arguments);
}

const std::string kData = WRACKLINE_TEST_DATA;
const std::string kStates = kData + "/recordings/four_states_killed.wrackpack";

class DiffCommandTest : public ::testing::Test {
 protected:
  DiffCommandTest() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-diff-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~DiffCommandTest() override { fs::remove_all(folder_); }
  std::string Dump(const std::string& name, const std::string& small) {
    const std::string path = (folder_ / name).string();
    const Done done = Shell("MALLOC_CONF=prof:true,lg_prof_sample:12 LD_PRELOAD=libjemalloc.so.2 " +
                            std::string(WRACKLINE_HEAP_HOLDER) + " " + path + " " + small);
    EXPECT_EQ(done.status, 0) << done.output;
    return path;
  }
  fs::path folder_;
};

TEST_F(DiffCommandTest, ExitStatusesAreThoseOfTheManual) {
  EXPECT_EQ(DiffOf(kStates + " " + kStates).status, 0);
  EXPECT_EQ(DiffOf(kData + "/recordings/grower_killed_v2.wrackpack " + kStates).status, 1);
  EXPECT_EQ(DiffOf("--help").status, 0);
  // Figures of no common kind: that nothing grew is not known.
  const std::string unlike =
      kData + "/profiles/jemalloc-lg16.heap " + kData + "/metrics/managed-1g/end.prom";
  EXPECT_THAT(DiffOf(unlike).output, HasSubstr("nothing to compare"));
  for (const std::string& wrong :
       {unlike, kStates, std::string(), kStates + " /nonexistent",
        kStates + " " + kStates + " --at +1s", "--at noon " + kStates, "--at +1h " + kStates,
        "--at +3s --to +1s " + kStates,
        "--per-hour " + kData + "/profiles/jemalloc-lg16.heap " + kData +
            "/profiles/jemalloc-lg16.heap",
        "--symbols /nonexistent " + kStates + " " + kStates,
        kStates + " " + kData + "/metrics/managed-1g/end.prom --min-percent -1"}) {
    const Done done = DiffOf(wrong);
    EXPECT_EQ(done.status, 2) << wrong << "\n" << done.output;
    EXPECT_EQ(done.output.rfind("wrackline: ", 0), 0u) << done.output;
  }
}

TEST_F(DiffCommandTest, ARealGrowthOfAFifthIsSeenAndEqualRunsAreEqual) {
  const std::string a = Dump("a.heap", "200000"), same = Dump("same.heap", "200000"),
                    grown = Dump("grown.heap", "240000");
  fs::create_directories(folder_ / "symbols");
  fs::copy_file(WRACKLINE_HEAP_HOLDER, folder_ / "symbols" / "heap_holder");
  const std::string symbols = " --symbols " + (folder_ / "symbols").string() + " ";
  const Done equal = DiffOf(symbols + a + " " + same);
  EXPECT_EQ(equal.status, 0) << equal.output;
  EXPECT_THAT(equal.output, HasSubstr("Nothing grew"));
  const Done done = DiffOf(symbols + a + " " + grown);
  EXPECT_EQ(done.status, 1) << done.output;
  EXPECT_THAT(done.output, HasSubstr("1 figure grew"));
  EXPECT_THAT(done.output, HasSubstr("cargo::Small"));
  EXPECT_EQ(DiffOf(symbols + grown + " " + a).status, 0);
}

TEST_F(DiffCommandTest, ScrapesFoldersAndMomentsAreRead) {
  const Done scrapes =
      DiffOf(kData + "/metrics/managed-1g/end.prom " + kData + "/metrics/unmanaged-1g/end.prom");
  EXPECT_THAT(scrapes.output, HasSubstr("RocksDB")) << scrapes.output;
  EXPECT_NE(scrapes.status, 2);
  fs::copy_file(kStates, folder_ / "a.wrackpack");
  EXPECT_EQ(DiffOf(folder_.string() + " " + kStates).status, 0);
  const Done moments = DiffOf("--at +2s " + kStates);
  EXPECT_EQ(moments.status, 1);
  EXPECT_THAT(moments.output, HasSubstr("RocksDB memtables"));
  EXPECT_THAT(moments.output, HasSubstr("rocksdb::MemTable::Add"));
  const Done json = DiffOf("--format json --at +2s --to +5s " + kStates);
  EXPECT_EQ(nlohmann::json::parse(json.output)["same_process"], true);
}

TEST_F(DiffCommandTest, DifferentToolsCanBeCompared) {
  const Done done = DiffOf(kData + "/profiles/gperftools-heapprofile.heap " + kData +
                           "/profiles/jemalloc-raw.prof");
  EXPECT_NE(done.status, 2) << done.output;
  EXPECT_THAT(done.output, HasSubstr("gperftools heap profile"));
  EXPECT_THAT(done.output, HasSubstr("jemalloc heap profile"));
}

}  // namespace
}  // namespace wrackline::diff
