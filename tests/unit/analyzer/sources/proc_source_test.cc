#include "analyzer/evidence/proc_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/evidence_folder.h"
#include "analyzer/evidence/proc_text.h"
#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

using ::testing::HasSubstr;

constexpr Bytes Kib(std::int64_t count) { return Bytes{count * 1024}; }

struct Texts {
  std::string status = Slurp(kCaptures + "managed-1g/status-end.txt");
  std::string rollup = Slurp(kCaptures + "managed-1g/smaps_rollup-end.txt");
  std::string smaps = Slurp(kCaptures + "managed-1g/smaps-end.txt");
};

TEST(ProcSource, EachTextIsTakenByItsReaderAlone) {
  const Texts texts;
  const std::string maps =
      "55650111f000-556501120000 r--p 00000000 fe:00 314792 /bin/java\n"
      "556501120000-556501121000 r-xp 00001000 fe:00 314792 /bin/java\n";
  const auto taken = [](std::string_view text) {
    const SourceFile file = Source("x", text);
    return std::string(IsProcStatus(file) ? "S" : "") + (IsSmapsRollup(file) ? "R" : "") +
           (IsSmaps(file) ? "s" : "") + (IsMaps(file) ? "m" : "");
  };
  EXPECT_EQ(taken(texts.status), "S");
  EXPECT_EQ(taken(texts.rollup), "R");
  EXPECT_EQ(taken(texts.smaps), "s");
  EXPECT_EQ(taken(maps), "m");
  EXPECT_EQ(taken("Name: notes\nnothing\n"), "");
  EXPECT_EQ(taken(""), "");
}

TEST(ProcSource, StatusSaysHowMuchIsResidentAndOfWhat) {
  const Texts texts;
  const ProcStatus status = ParseProcStatus(texts.status);
  EXPECT_EQ(status.name, "java");
  EXPECT_EQ(status.pid, 27921u);
  EXPECT_EQ(status.threads, 72u);
  EXPECT_EQ(status.resident, Kib(588'788));
  EXPECT_EQ(status.anon, Kib(562'348));
  EXPECT_EQ(status.peak, Kib(595'328));
  Evidence evidence = FromFilesOnly("x");
  const auto gave = AddProcStatus(Source("status", texts.status), &evidence);
  ASSERT_TRUE(gave.ok());
  EXPECT_THAT(gave.value(), HasSubstr("java (pid 27921), resident 575.0 MiB"));
  ASSERT_EQ(evidence.timeline.size(), 1u);
  EXPECT_EQ(evidence.timeline[0].ProcessAnonymous(), Kib(562'348));
  EXPECT_EQ(evidence.process.executable, "java");
}

TEST(ProcSource, FilesOfOneMomentAreOnePoint) {
  const Texts texts;
  Evidence evidence = FromFilesOnly("x");
  ASSERT_TRUE(AddProcStatus(Source("status", texts.status, 0), &evidence).ok());
  ASSERT_TRUE(AddSmapsRollup(Source("rollup", texts.rollup, 5), &evidence).ok());
  ASSERT_TRUE(AddSmaps(Source("smaps", texts.smaps, 9), &evidence).ok());
  ASSERT_TRUE(AddProcStatus(Source("status-2", texts.status, 600), &evidence).ok());
  ASSERT_EQ(evidence.timeline.size(), 2u);
  EXPECT_EQ(evidence.timeline[0].time, At(0));
  EXPECT_EQ(evidence.timeline[1].time, At(600));
  // The first that said it: the smaps are of seconds later.
  EXPECT_EQ(evidence.timeline[0].resident, Kib(588'788));
  EXPECT_EQ(evidence.timeline[0].huge_pages, Bytes{});
}

TEST(ProcSource, SmapsGiveTheVmsMemoryAndTheArenas) {
  const Texts texts;
  Evidence evidence = FromFilesOnly("x");
  ASSERT_TRUE(AddSmaps(Source("smaps", texts.smaps), &evidence).ok());
  ASSERT_TRUE(evidence.jvm);
  ASSERT_EQ(evidence.jvm->resident.size(), 1u);
  EXPECT_TRUE(evidence.jvm->resident[0].by_shape);
  EXPECT_EQ(evidence.jvm->resident[0].heap, Kib(124'964));
  ASSERT_TRUE(evidence.allocator);
  EXPECT_EQ(evidence.process.allocator, "glibc");
  EXPECT_EQ(evidence.allocator->heaps, 18u);
  EXPECT_FALSE(evidence.allocator->in_use);
}

TEST(ProcSource, ARecordingIsNearerThanAnySnapshot) {
  const Texts texts;
  Evidence recorded;
  EXPECT_FALSE(AddProcStatus(Source("status", texts.status), &recorded).ok());
  EXPECT_FALSE(AddSmaps(Source("smaps", texts.smaps), &recorded).ok());
  EXPECT_FALSE(AddSmapsRollup(Source("rollup", texts.rollup), &recorded).ok());
  EXPECT_TRUE(recorded.timeline.empty());
  EXPECT_FALSE(recorded.jvm);
}

TEST(ProcSource, AnotherProcessIsRefused) {
  const Texts texts;
  Evidence evidence = FromFilesOnly("x");
  evidence.process.pid = 7;
  const auto gave = AddProcStatus(Source("status", texts.status), &evidence);
  ASSERT_FALSE(gave.ok());
  EXPECT_THAT(gave.error().message, HasSubstr("27921"));
  EXPECT_TRUE(evidence.timeline.empty());
}

TEST(ProcSource, ATornEndCountsForNothing) {
  EXPECT_FALSE(ParseProcStatus("Name:\tx\nVmRSS:\t  12").resident);
  EXPECT_FALSE(ParseProcStatus("Name:\tx\nVmRSS:\t  12 MB\n").resident);
  const Smaps smaps = ParseSmaps("7f0000000000-7f0000100000 rw-p 00000000 00:00 0 \nRss: 10");
  ASSERT_EQ(smaps.mappings.size(), 1u);
  EXPECT_EQ(smaps.mappings[0].resident, Bytes{});
}

}  // namespace
}  // namespace wrackline::evidence
