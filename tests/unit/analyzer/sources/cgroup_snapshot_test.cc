#include "analyzer/evidence/cgroup_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analyzer/evidence/cgroup_choice.h"
#include "analyzer/evidence/evidence_folder.h"
#include "analyzer/evidence/folder_files.h"
#include "tests/unit/analyzer/sources/test_folder.h"

namespace wrackline::evidence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A folder of the kernel's files as one text, as EvidenceFolder reads it.
std::string Joined(const std::string& folder) {
  const auto listing = ListFolder(kCaptures + "cgroup-v2/" + folder);
  EXPECT_TRUE(listing.ok());
  return LoadFile(listing.value().files.at(0)).value();
}

TEST(CgroupSnapshot, OfV1WithSections) {
  const std::string text = Slurp(kCaptures + "managed-1g/cgroup-end.txt");
  ASSERT_TRUE(IsCgroupSnapshot(Source("cgroup-end.txt", text)));
  const auto snapshot = ParseCgroupSnapshot(text);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->version, 1);
  EXPECT_EQ(snapshot->memory.charge, 1'073'741'824u);
  EXPECT_EQ(snapshot->memory.limit, 1'073'741'824u);
  EXPECT_EQ(snapshot->memory.anon, 576'098'304u);
  EXPECT_EQ(snapshot->memory.inactive_file, 143'204'352u);
  EXPECT_EQ(snapshot->memory.kernel, 17'014'784u);
  EXPECT_EQ(snapshot->memory.limit_hits, 9237u);
  EXPECT_EQ(snapshot->memory.oom_kill, 0u);
  EXPECT_FALSE(snapshot->AfterKill());
}

TEST(CgroupSnapshot, OfV2BeforeAndAfterTheKill) {
  const auto before = ParseCgroupSnapshot(Joined("single/before"));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->version, 2);
  EXPECT_EQ(before->memory.charge, 127'127'552u);
  EXPECT_EQ(before->memory.limit, 134'217'728u);
  EXPECT_EQ(before->memory.oom_kill, 0u);
  EXPECT_FALSE(before->AfterKill());
  const auto after = ParseCgroupSnapshot(Joined("single/after"));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->memory.charge, 28'672u);
  EXPECT_EQ(after->memory.peak, 134'217'728u);
  EXPECT_EQ(after->memory.oom_kill, 1u);
  EXPECT_TRUE(after->AfterKill());
}

TEST(CgroupSnapshot, AfterTheKillOnlyTheCountersAreTaken) {
  const std::string before = Joined("single/before"), after = Joined("single/after");
  Evidence evidence = FromFilesOnly("x");
  ASSERT_TRUE(AddCgroupSnapshot(Source("before", before, 0), &evidence).ok());
  const auto gave = AddCgroupSnapshot(Source("after", after, 9), &evidence);
  ASSERT_TRUE(gave.ok());
  EXPECT_THAT(gave.value(), HasSubstr("taken after the kill"));
  ASSERT_EQ(evidence.timeline.size(), 1u);
  EXPECT_EQ(evidence.timeline[0].charge, Bytes{127'127'552});
  EXPECT_EQ(evidence.ending.oom_kill_before, 0u);
  EXPECT_EQ(evidence.ending.oom_kill_after, 1u);
  EXPECT_EQ(evidence.peak_charge->amount, Bytes{134'217'728});
  EXPECT_EQ(evidence.limit->amount, Bytes{134'217'728});
}

// Another process lives on in it: the charge alone does not tell, the counter does.
TEST(CgroupSnapshot, ACounterThatMovedIsAKillToo) {
  Evidence evidence = FromFilesOnly("x");
  const std::string before = Joined("pod/pod.before"), after = Joined("pod/pod.after");
  EXPECT_FALSE(ParseCgroupSnapshot(after)->AfterKill());
  ASSERT_TRUE(AddCgroupSnapshot(Source("pod.before", before, 0), &evidence).ok());
  ASSERT_TRUE(AddCgroupSnapshot(Source("pod.after", after, 300), &evidence).ok());
  EXPECT_EQ(evidence.timeline.size(), 1u);
  EXPECT_EQ(evidence.ending.oom_kill_after, 1u);
}

TEST(CgroupSnapshot, OfAV1CgroupThatWasKilledNoCounterWasSavedBefore) {
  Evidence evidence = FromFilesOnly("x");
  const std::string text = Slurp(kCaptures + "unmanaged-1g-2slots/cgroup-end.txt");
  ASSERT_TRUE(AddCgroupSnapshot(Source("cgroup-end.txt", text), &evidence).ok());
  EXPECT_TRUE(evidence.timeline.empty());
  EXPECT_EQ(evidence.ending.oom_kill_before, 0u);
  EXPECT_EQ(evidence.ending.oom_kill_after, 1u);
  EXPECT_EQ(evidence.peak_charge->amount, Bytes{1'073'741'824});
}

TEST(CgroupSnapshot, ARecordingTakesTheCountersOfAfterItsEndOnly) {
  const std::string before = Joined("single/before"), after = Joined("single/after");
  Evidence recorded;
  EXPECT_FALSE(AddCgroupSnapshot(Source("before", before), &recorded).ok());
  EXPECT_TRUE(AddCgroupSnapshot(Source("after", after), &recorded).ok());
  EXPECT_EQ(recorded.ending.oom_kill_after, 1u);
  EXPECT_TRUE(recorded.timeline.empty());
  EXPECT_FALSE(recorded.limit);
}

TEST(CgroupSnapshot, MemoryStatAlone) {
  const std::string stat = Slurp(kCaptures + "cgroup-v2/single/before/memory.stat");
  ASSERT_TRUE(IsCgroupSnapshot(Source("memory.stat.txt", stat)));
  const auto snapshot = ParseCgroupSnapshot(stat);
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->version, 2);
  EXPECT_FALSE(snapshot->memory.charge);
  EXPECT_TRUE(snapshot->memory.anon);
}

TEST(CgroupSnapshot, OtherTextsAreNone) {
  EXPECT_FALSE(IsCgroupSnapshot(Source("x", "")));
  EXPECT_FALSE(IsCgroupSnapshot(Source("x", "cache me if you can\n")));
  EXPECT_FALSE(IsCgroupSnapshot(Source("x", "== memory.stat\nnothing of the kind\n")));
  EXPECT_FALSE(IsCgroupSnapshot(Source("x", "anon 12\n")));
}

TEST(CgroupSnapshot, NoLimitIsNone) {
  const auto snapshot = ParseCgroupSnapshot(
      "== /sys/fs/cgroup/memory.current\n4096\n== /sys/fs/cgroup/memory.max\nmax\n"
      "== cpu.max\n150000 100000\n");
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot->memory.charge, 4096u);
  EXPECT_FALSE(snapshot->memory.limit);
  EXPECT_EQ(snapshot->cpu_quota_thousandths, 1500u);
  const auto v1 = ParseCgroupSnapshot(
      "== memory.usage_in_bytes\n4096\n== memory.limit_in_bytes\n9223372036854771712\n");
  ASSERT_TRUE(v1);
  EXPECT_FALSE(v1->memory.limit);
}

TEST(CgroupChoice, TheOneWhoseLimitRanOut) {
  std::vector<NamedCgroup> cgroups;
  for (const char* name : {"container-a.before", "container-a.after", "container-b.before",
                           "container-b.after", "pod.before", "pod.after"})
    cgroups.push_back({name, *ParseCgroupSnapshot(Joined(std::string("pod/") + name))});
  EXPECT_THAT(ChooseCgroups(cgroups), ElementsAre(false, false, false, false, true, true));
  EXPECT_THAT(OtherCgroup(cgroups[2].snapshot), HasSubstr("charge 90.9 MiB, limit 128.0 MiB"));
}

TEST(CgroupChoice, SeveralMomentsOfOneAreAllUsed) {
  std::vector<NamedCgroup> cgroups;
  for (const char* name : {"t3", "t4", "after"})
    cgroups.push_back({name, *ParseCgroupSnapshot(Joined(std::string("psi/") + name))});
  EXPECT_THAT(ChooseCgroups(cgroups), ElementsAre(true, true, true));
}

}  // namespace
}  // namespace wrackline::evidence
