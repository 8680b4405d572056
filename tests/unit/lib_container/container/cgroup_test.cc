#include "lib/container/cgroup.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "fixture.h"

namespace wrackline::container {
namespace {

using Figure = std::optional<std::uint64_t>;

CgroupMemory ReadFixture(const std::string& name, Cgroup* cgroup = nullptr) {
  Cgroup own;
  if (cgroup == nullptr) cgroup = &own;
  EXPECT_TRUE(FindMemoryCgroup(Fixture(name).c_str(), "self", cgroup));
  return ReadCgroupMemory(*cgroup);
}

CgroupMemory Parse(const std::string& text, int version) {
  CgroupMemory memory;
  ParseMemoryStat(text.data(), text.size(), version, &memory);
  return memory;
}

// A TaskManager at its end, cgroup v1 (captured).
TEST(CgroupMemoryTest, V1) {
  const CgroupMemory memory = ReadFixture("v1-host");
  EXPECT_EQ(memory.charge, Figure(1073623040));
  EXPECT_EQ(memory.limit, Figure(1073741824));
  EXPECT_EQ(memory.peak, Figure(1073741824));
  EXPECT_EQ(memory.anon, Figure(684691456));
  EXPECT_EQ(memory.file, Figure(381194240));
  EXPECT_EQ(memory.shmem, Figure(0));
  EXPECT_EQ(memory.file_mapped, Figure(909312));
  EXPECT_EQ(memory.file_dirty, Figure(24576));
  EXPECT_EQ(memory.file_writeback, Figure(0));
  EXPECT_EQ(memory.inactive_file, Figure(67526656));
  EXPECT_EQ(memory.active_file, Figure(313667584));
  EXPECT_EQ(memory.inactive_anon, Figure(684687360));
  EXPECT_EQ(memory.active_anon, Figure(4096));
  EXPECT_EQ(memory.kernel, Figure(7704576));
  EXPECT_EQ(memory.anon_thp, Figure(0));
  EXPECT_EQ(memory.swap, Figure(0));
  EXPECT_EQ(memory.pgmajfault, Figure(58));
  EXPECT_EQ(memory.oom_kill, Figure(0));
  EXPECT_EQ(memory.limit_hits, Figure(141580));
  EXPECT_EQ(memory.WorkingSet(), Figure(1073623040 - 67526656));
  // v1 does not tell these apart.
  EXPECT_EQ(memory.slab, std::nullopt);
  EXPECT_EQ(memory.slab_reclaimable, std::nullopt);
  EXPECT_EQ(memory.kernel_stack, std::nullopt);
  EXPECT_EQ(memory.page_tables, std::nullopt);
  EXPECT_EQ(memory.sock, std::nullopt);
  // What is charged: anonymous memory, files (shmem included) and the kernel's. The per-CPU batches
  // of the counters leave less than 64 pages per figure.
  const auto sum = *memory.anon + *memory.file + *memory.kernel;
  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(*memory.charge), 256 * 4096.0);
}

// Linux 6.12, process paused at 120 MiB under a limit of 128 MiB (captured).
TEST(CgroupMemoryTest, V2) {
  const CgroupMemory memory = ReadFixture("v2-systemd");
  EXPECT_EQ(memory.limit, Figure(134217728));
  ASSERT_TRUE(memory.charge && memory.anon && memory.file && memory.kernel && memory.peak);
  EXPECT_GT(*memory.charge, 100u << 20);
  EXPECT_NEAR(static_cast<double>(*memory.anon + *memory.file + *memory.kernel),
              static_cast<double>(*memory.charge), 256 * 4096.0);
  for (const Figure figure :
       {memory.shmem, memory.file_mapped, memory.file_dirty, memory.file_writeback,
        memory.inactive_file, memory.active_file, memory.inactive_anon, memory.active_anon,
        memory.slab, memory.slab_reclaimable, memory.kernel_stack, memory.page_tables, memory.sock,
        memory.anon_thp, memory.swap, memory.pgmajfault, memory.oom_kill, memory.limit_hits}) {
    EXPECT_TRUE(figure.has_value());
  }
  EXPECT_EQ(memory.oom_kill, Figure(0));
}

TEST(CgroupMemoryTest, V2AfterAKill) {
  const CgroupMemory memory = ReadFixture("v2-container");
  EXPECT_EQ(memory.oom_kill, Figure(1));
  EXPECT_EQ(memory.peak, Figure(134217728));
  ASSERT_TRUE(memory.limit_hits.has_value());
  EXPECT_GT(*memory.limit_hits, 0u);
}

// Both the container (128 MiB) and its pod (160 MiB) have a limit; the container's is the lower
// one.
TEST(CgroupMemoryTest, TheLowestLimitOnTheWayUpCounts) {
  const CgroupMemory memory = ReadFixture("v2-pod");
  EXPECT_EQ(memory.limit, Figure(134217728));
  EXPECT_EQ(memory.limit_hits, Figure(0));
  EXPECT_EQ(memory.oom_kill, Figure(1));
}

TEST(CgroupMemoryTest, ALimitOnThePodAloneIsFoundWithItsHits) {
  const CgroupMemory memory = ReadFixture("v2-pod-limit-on-pod");
  EXPECT_EQ(memory.limit, Figure(167772160));
  EXPECT_EQ(memory.limit_hits, Figure(40));  // of the pod's memory.events.local
  EXPECT_EQ(memory.oom_kill, Figure(1));     // of the container's
  EXPECT_EQ(memory.charge, Figure(20480));
}

// The hits of limits below it are another's: memory.events has them too.
TEST(CgroupMemoryTest, HitsAreOfThatLimitAlone) {
  const CgroupMemory memory = ReadFixture("v2-psi");
  EXPECT_EQ(memory.limit_hits, Figure(283));  // memory.events, read a moment before, has 281
}

// hierarchical_memory_limit knows the pod's limit, which the container's mount does not show.
TEST(CgroupMemoryTest, V1KnowsTheLimitOfAnInvisiblePod) {
  const CgroupMemory memory = ReadFixture("v1-kubepods");
  EXPECT_EQ(memory.limit, Figure(1073741824));
}

TEST(CgroupMemoryTest, NoLimitIsEmpty) {
  Cgroup cgroup;
  ASSERT_TRUE(FindMemoryCgroup(Fixture("v2-psi").c_str(), "self", &cgroup));
  EXPECT_TRUE(ReadCgroupMemory(cgroup).limit.has_value());
  CgroupMemory memory = Parse("hierarchical_memory_limit 9223372036854771712\n", 1);
  EXPECT_EQ(memory.limit, std::nullopt);
  // 64 KiB pages round it further down.
  memory = Parse("hierarchical_memory_limit 9223372036854710272\n", 1);
  EXPECT_EQ(memory.limit, std::nullopt);
}

TEST(CgroupMemoryTest, ReadChargeIsTheSameFigure) {
  for (const char* name : {"v1-host", "v2-pod", "hybrid"}) {
    Cgroup cgroup;
    const CgroupMemory memory = ReadFixture(name, &cgroup);
    EXPECT_TRUE(memory.charge.has_value());
    EXPECT_EQ(ReadCharge(cgroup), memory.charge) << name;
  }
}

TEST(CgroupMemoryTest, AFolderThatIsGoneGivesNothing) {
  Cgroup cgroup;
  cgroup.version = 2;
  std::strcpy(cgroup.folder, "/nowhere/at/all");
  EXPECT_EQ(ReadCgroupMemory(cgroup).charge, std::nullopt);
  EXPECT_EQ(ReadCharge(cgroup), std::nullopt);
  cgroup.version = 0;
  EXPECT_EQ(ReadCgroupMemory(cgroup).charge, std::nullopt);
  EXPECT_EQ(ReadCharge(cgroup), std::nullopt);
}

TEST(WorkingSetTest, NeedsBothAndNeverWraps) {
  CgroupMemory memory;
  EXPECT_EQ(memory.WorkingSet(), std::nullopt);
  memory.charge = 10;
  EXPECT_EQ(memory.WorkingSet(), std::nullopt);
  memory.inactive_file = 4;
  EXPECT_EQ(memory.WorkingSet(), Figure(6));
  memory.inactive_file = 11;
  EXPECT_EQ(memory.WorkingSet(), Figure(0));
}

TEST(ParseMemoryStatTest, TotalsWinWhateverTheOrder) {
  EXPECT_EQ(Parse("cache 1\ntotal_cache 2\n", 1).file, Figure(2));
  EXPECT_EQ(Parse("total_cache 2\ncache 1\n", 1).file, Figure(2));
  EXPECT_EQ(Parse("cache 1\n", 1).file, Figure(1));
  EXPECT_EQ(Parse("total_total_cache 1\n", 1).file, std::nullopt);
  // On v2 it would be another word.
  EXPECT_EQ(Parse("total_anon 2\n", 2).anon, std::nullopt);
}

TEST(ParseMemoryStatTest, VersionsDoNotMix) {
  const CgroupMemory v1 = Parse("anon 1\nfile 2\nrss 3\n", 1);
  EXPECT_EQ(v1.anon, Figure(3));
  EXPECT_EQ(v1.file, std::nullopt);
  const CgroupMemory v2 = Parse("anon 1\nfile 2\nrss 3\ncache 4\nhierarchical_memory_limit 5\n", 2);
  EXPECT_EQ(v2.anon, Figure(1));
  EXPECT_EQ(v2.file, Figure(2));
  EXPECT_EQ(v2.limit, std::nullopt);
}

TEST(ParseMemoryStatTest, TornAndHostileLinesAreSkipped) {
  EXPECT_EQ(Parse("anon 123", 2).anon, std::nullopt);  // was it 123456?
  EXPECT_EQ(Parse("anon 7\nanon 123", 2).anon, Figure(7));
  EXPECT_EQ(Parse("anon 18446744073709551615\n", 2).anon, Figure(UINT64_MAX));
  for (const std::string text : {"anon 18446744073709551616\n", "anon 99999999999999999999999999\n",
                                 "anon -1\n", "anon 1k\n", "anon\n", "anon \n", "anon 1 2\n",
                                 "anon 0x10\n", " \n", "\n\n", "ano", "anon1\n"}) {
    EXPECT_EQ(Parse(text, 2).anon, std::nullopt) << text;
  }
  EXPECT_EQ(Parse(std::string("\0\0\0\nanon 5\n", 11), 2).anon, Figure(5));
  EXPECT_EQ(Parse(std::string(100000, 'x') + "\nanon 5\n", 2).anon, Figure(5));
  CgroupMemory untouched;
  untouched.anon = 9;
  ParseMemoryStat(nullptr, 0, 2, &untouched);
  EXPECT_EQ(untouched.anon, Figure(9));
}

TEST(ParseMemoryStatTest, EveryPrefixOfARealFileIsRead) {
  const std::string text =
      "anon 126439424\nfile 45056\nkernel 319488\nkernel_stack 0\npagetables 278528\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const CgroupMemory memory = Parse(text.substr(0, length), 2);
    if (memory.anon) {
      EXPECT_EQ(memory.anon, Figure(126439424));
    }
    if (memory.page_tables) {
      EXPECT_EQ(memory.page_tables, Figure(278528));
    }
  }
}

}  // namespace
}  // namespace wrackline::container
