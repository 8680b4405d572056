#include "lib/container/process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "fixture.h"

namespace wrackline::container {
namespace {

using Figure = std::optional<std::uint64_t>;
const std::string kTaskManager = Fixture("proc/taskmanager");

// The kB fields of a captured /proc/PID file, read the slow way.
std::map<std::string, std::uint64_t> SlowFields(const std::string& path) {
  std::map<std::string, std::uint64_t> fields;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos || line.find(" kB") == std::string::npos) continue;
    fields[line.substr(0, colon)] = std::stoull(line.substr(colon + 1)) * 1024;
  }
  return fields;
}

TEST(SmapsRollupTest, OfATaskManager) {
  const auto expected = SlowFields(kTaskManager + "/proc/self/smaps_rollup");
  const SmapsRollup rollup = ReadSmapsRollup(kTaskManager.c_str(), "self");
  EXPECT_EQ(rollup.rss, Figure(expected.at("Rss")));
  EXPECT_EQ(rollup.pss, Figure(expected.at("Pss")));
  EXPECT_EQ(rollup.anonymous, Figure(expected.at("Anonymous")));
  EXPECT_EQ(rollup.anon_huge_pages, Figure(expected.at("AnonHugePages")));
  EXPECT_EQ(rollup.swap, Figure(expected.at("Swap")));
  EXPECT_EQ(rollup.shared_clean, Figure(expected.at("Shared_Clean")));
  EXPECT_EQ(rollup.private_clean, Figure(expected.at("Private_Clean")));
  EXPECT_EQ(rollup.private_dirty, Figure(expected.at("Private_Dirty")));
  // Two kernel files of the same moment agree on what matters.
  const auto status = SlowFields(kTaskManager + "/proc/self/status");
  EXPECT_NEAR(static_cast<double>(*rollup.anonymous), static_cast<double>(status.at("RssAnon")),
              1 << 20);
}

TEST(SmapsRollupTest, TornAndHostile) {
  const auto parse = [](const std::string& text) {
    return ParseSmapsRollup(text.data(), text.size()).rss;
  };
  EXPECT_EQ(parse("Rss: 12 kB\n"), Figure(12288));
  for (const std::string text :
       {"Rss: 12 kB", "Rss: 12\n", "Rss: 12 MB\n", "Rss 12 kB\n", "Rss: kB\n", "Rss: -1 kB\n",
        "Rss: 18014398509481984 kB\n", "Rss: 99999999999999999999999 kB\n", ":\n", "Rss:\n"}) {
    EXPECT_EQ(parse(text), std::nullopt) << text;
  }
}

TEST(SmapsRollupTest, SeesMemoryThatWeTouch) {
  constexpr std::size_t kSize = 16 << 20;
  const SmapsRollup before = ReadSmapsRollup("", "self");
  void* const memory =
      mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memset(memory, 1, kSize);
  const SmapsRollup after = ReadSmapsRollup("", "self");
  munmap(memory, kSize);
  ASSERT_TRUE(before.anonymous && after.anonymous && after.rss);
  EXPECT_GE(*after.anonymous - *before.anonymous, kSize);
  EXPECT_GE(*after.rss, *after.anonymous);
}

TEST(StatmTest, OfATaskManagerAndOfUs) {
  const Statm statm = ReadStatm(kTaskManager.c_str(), "self");
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(statm.virtual_bytes, Figure(1187392 * page));
  EXPECT_EQ(statm.resident, Figure(173448 * page));
  EXPECT_EQ(statm.shared, Figure(6346 * page));
  const Statm own = ReadStatm("", std::to_string(getpid()).c_str());
  ASSERT_TRUE(own.resident && own.virtual_bytes && own.shared);
  EXPECT_GT(*own.resident, 1u << 20);
  EXPECT_GE(*own.virtual_bytes, *own.resident);
}

TEST(StatmTest, TornAndHostile) {
  const auto parse = [](const std::string& text) {
    return ParseStatm(text.data(), text.size(), 4096);
  };
  EXPECT_EQ(parse("").virtual_bytes, std::nullopt);
  EXPECT_EQ(parse("12").virtual_bytes, std::nullopt);
  const Statm torn = parse("1 2 3");
  EXPECT_EQ(torn.resident, Figure(8192));
  EXPECT_EQ(torn.shared, std::nullopt);
  EXPECT_EQ(parse("4503599627370496 2 3\n").virtual_bytes, std::nullopt);  // 2^64 bytes
  EXPECT_EQ(parse("x 2 3\n").resident, std::nullopt);
}

TEST(ProcessStatTest, CopesWithANameThatLies) {
  const ProcessStat stat = ReadProcessStat(kTaskManager.c_str(), "self");
  EXPECT_EQ(stat.parent_pid, 17u);
  EXPECT_EQ(stat.major_faults, Figure(58));
  EXPECT_EQ(stat.threads, 113u);
  EXPECT_EQ(stat.start_ticks, Figure(176601));
  EXPECT_EQ(stat.state, 'S');
  const std::string liar = "1 () R 1 ) S 7 1 1 0 -1 0 0 0 3 0 0 0 0 0 0 0 4 0 99 0 0\n";
  const ProcessStat parsed = ParseProcessStat(liar.data(), liar.size());
  EXPECT_EQ(parsed.parent_pid, 7u);
  EXPECT_EQ(parsed.threads, 4u);
  EXPECT_EQ(parsed.start_ticks, Figure(99));
}

TEST(ProcessStatTest, EveryPrefixGivesTheTruthOrNothing) {
  const std::string text = "42 (a) S 17 1 1 0 -1 0 0 0 58 0 0 0 0 0 0 0 113 0 176601 5\n";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const ProcessStat stat = ParseProcessStat(text.data(), length);
    if (stat.parent_pid) {
      EXPECT_EQ(stat.parent_pid, 17u);
    }
    if (stat.threads) {
      EXPECT_EQ(stat.threads, 113u);
    }
    if (stat.start_ticks) {
      EXPECT_EQ(stat.start_ticks, Figure(176601));
    }
  }
  const std::string overlong = "42 (a) S 4294967296 1 1 0 -1 0 0 0 58 0\n";
  EXPECT_EQ(ParseProcessStat(overlong.data(), overlong.size()).parent_pid, std::nullopt);
}

TEST(ProcessStatTest, KnowsTheDeadThatNobodyCollected) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(IsZombie(ReadProcessStat("", std::to_string(child).c_str())));
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(IsZombie(ReadProcessStat("", std::to_string(child).c_str())));
  EXPECT_FALSE(IsZombie(ReadProcessStat("", "self")));
}

TEST(ProcessStatTest, OfUs) {
  const ProcessStat stat = ReadProcessStat("", "self");
  EXPECT_EQ(stat.parent_pid, static_cast<std::uint32_t>(getppid()));
  EXPECT_EQ(stat.threads, std::filesystem::directory_iterator("/proc/self/task") ==
                                  std::filesystem::directory_iterator()
                              ? 0u
                              : static_cast<std::uint32_t>(std::distance(
                                    std::filesystem::directory_iterator("/proc/self/task"),
                                    std::filesystem::directory_iterator())));
}

TEST(StartTimeTest, IsBootTimePlusTicks) {
  const auto ticks_per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  // The btime line of the fixture follows an interrupt line of 6 KB.
  EXPECT_EQ(ReadStartTime(kTaskManager.c_str(), "self"),
            Figure((1795232854 * ticks_per_second + 176601) * (1'000'000'000 / ticks_per_second)));
  EXPECT_EQ(ReadStartTime(Fixture("v1-host").c_str(), "self"), std::nullopt);
}

TEST(StartTimeTest, OursIsAMomentAgo) {
  using namespace std::chrono;
  const auto now = static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
  const Figure start = ReadStartTime("", "self");
  ASSERT_TRUE(start.has_value());
  // btime has whole seconds only.
  EXPECT_LE(*start, now + 2'000'000'000);
  EXPECT_GE(*start, now - 120'000'000'000);
}

TEST(ReadSmallFileTest, CutsEndsAndFails) {
  char buffer[16];
  EXPECT_EQ(ReadSmallFile("/nowhere/at/all", buffer, sizeof(buffer)), -1);
  EXPECT_EQ(ReadSmallFile("/", buffer, sizeof(buffer)), -1);  // a folder
  EXPECT_EQ(ReadSmallFile("/proc/self/stat", buffer, 0), -1);
  std::memset(buffer, 'x', sizeof(buffer));
  EXPECT_EQ(ReadSmallFile("/proc/self/stat", buffer, sizeof(buffer)), 15);
  EXPECT_EQ(std::strlen(buffer), 15u);
  EXPECT_EQ(ReadSmallFile("/dev/null", buffer, sizeof(buffer)), 0);
  EXPECT_STREQ(buffer, "");
}

TEST(MappingLineTest, EveryLineOfATaskManagersMaps) {
  std::ifstream file(kTaskManager + "/proc/self/maps");
  std::uint64_t last_end = 0;
  int count = 0;
  bool saw_stack = false;
  for (std::string line; std::getline(file, line); ++count) {
    Mapping mapping;
    ASSERT_TRUE(ParseMappingLine(line.data(), line.size(), &mapping)) << line;
    EXPECT_LE(last_end, mapping.start);
    EXPECT_LT(mapping.start, mapping.end);
    last_end = mapping.end;
    saw_stack = saw_stack || std::strcmp(mapping.name, "[stack]") == 0;
  }
  EXPECT_GT(count, 300);
  EXPECT_TRUE(saw_stack);
}

TEST(ReadMapsTest, SeesEveryMappingOfATaskManager) {
  std::ifstream file(kTaskManager + "/proc/self/maps");
  std::vector<std::uint64_t> starts;
  for (std::string line; std::getline(file, line);) {
    Mapping mapping;
    ASSERT_TRUE(ParseMappingLine(line.data(), line.size(), &mapping));
    starts.push_back(mapping.start);
  }
  std::vector<std::uint64_t> seen;
  ASSERT_TRUE(ReadMaps(
      kTaskManager.c_str(), "self",
      [](void* context, const Mapping& mapping) {
        static_cast<std::vector<std::uint64_t>*>(context)->push_back(mapping.start);
      },
      &seen));
  EXPECT_EQ(seen, starts);
  EXPECT_FALSE(ReadMaps(
      "/nowhere", "self", [](void*, const Mapping&) {}, nullptr));
}

TEST(MappingLineTest, Fields) {
  const std::string line =
      "7f22f812d000-7f22f812f000 rw-p 00033000 fe:00 325835                     /a path/lib.so "
      "(deleted)\n";
  Mapping mapping;
  ASSERT_TRUE(ParseMappingLine(line.data(), line.size(), &mapping));
  EXPECT_EQ(mapping.start, 0x7f22f812d000u);
  EXPECT_EQ(mapping.end, 0x7f22f812f000u);
  EXPECT_EQ(mapping.offset, 0x33000u);
  EXPECT_EQ(mapping.inode, 325835u);
  EXPECT_STREQ(mapping.permissions, "rw-p");
  EXPECT_STREQ(mapping.name, "/a path/lib.so (deleted)");
  const std::string anonymous = "1000-2000 ---s 00000000 00:00 0 ";
  ASSERT_TRUE(ParseMappingLine(anonymous.data(), anonymous.size(), &mapping));
  EXPECT_STREQ(mapping.name, "");
  EXPECT_STREQ(mapping.permissions, "---s");
}

TEST(MappingLineTest, ALongNameIsCut) {
  const std::string line = "1000-2000 r-xp 0 00:00 5 /" + std::string(2000, 'n');
  Mapping mapping;
  ASSERT_TRUE(ParseMappingLine(line.data(), line.size(), &mapping));
  EXPECT_EQ(std::strlen(mapping.name), sizeof(mapping.name) - 1);
}

TEST(MappingLineTest, OtherLinesAreNone) {
  Mapping mapping;
  for (const std::string line :
       {"", "Rss:  12 kB", "Anonymous: 4 kB", "VmFlags: rd ex mr", "1000", "1000-", "1000-2000",
        "2000-1000 r-xp 0 00:00 0", "1000-2000 r-x 0 00:00 0", "1000-2000 qwer 0 00:00 0",
        "1000-2000 r-xp z 00:00 0", "1000-2000 r-xp 0 0000 0", "1000-2000 r-xp 0 00:00",
        "1000-2000 r-xp 0 00:00 x", "11111111111111111-2 r-xp 0 00:00 0"}) {
    EXPECT_FALSE(ParseMappingLine(line.data(), line.size(), &mapping)) << line;
  }
}

}  // namespace
}  // namespace wrackline::container
