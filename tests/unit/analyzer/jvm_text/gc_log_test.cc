#include "analyzer/evidence/gc_log.h"

#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

GcLog Log(const std::string& name) {
  const std::string text = Sample("gc/" + name);
  EXPECT_TRUE(IsGcLog(FileOf(name, text))) << name;
  return ParseGcLog(text, kTaken);
}

struct Expected {
  const char* file;
  const char* collector;
  std::uint64_t collections, full;
  Bytes last;
  std::optional<Bytes> capacity;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.file; }

class OneGcLog : public ::testing::TestWithParam<Expected> {};

TEST_P(OneGcLog, IsRead) {
  const Expected& expected = GetParam();
  const GcLog log = Log(expected.file);
  EXPECT_EQ(log.collector, expected.collector);
  EXPECT_EQ(log.collections, expected.collections);
  EXPECT_EQ(log.full, expected.full);
  ASSERT_EQ(log.points.size(), expected.collections);
  EXPECT_EQ(log.points.back().after, expected.last);
  EXPECT_EQ(log.points.back().capacity, expected.capacity);
  for (const GcPoint& point : log.points) {
    EXPECT_LE(point.before, 192 * kMiB);
    EXPECT_LE(point.after, 192 * kMiB);
  }
}

INSTANTIATE_TEST_SUITE_P(
    OfRealVms, OneGcLog,
    ::testing::Values(Expected{"11_cms.log", "CMS", 1, 1, 30 * kMiB, 92 * kMiB},
                      Expected{"11_g1.log", "G1", 4, 2, 94 * kMiB, 96 * kMiB},
                      Expected{"17_g1.log", "G1", 3, 2, 93 * kMiB, 96 * kMiB},
                      Expected{"17_g1_none.log", "G1", 2, 2, 93 * kMiB, 96 * kMiB},
                      Expected{"17_parallel.log", "Parallel", 19, 15, 30 * kMiB, 92 * kMiB},
                      Expected{"17_shen.log", "Shenandoah", 7, 0, 31 * kMiB, 96 * kMiB},
                      Expected{"17_z.log", "ZGC", 2, 0, 62 * kMiB, std::nullopt},
                      Expected{"25_g1.log", "G1", 3, 2, 61 * kMiB, 96 * kMiB},
                      Expected{"25_serial.log", "Serial", 17, 15, 31 * kMiB, 92 * kMiB},
                      Expected{"25_z.log", "ZGC", 6, 0, 62 * kMiB, std::nullopt}),
    [](const auto& info) {
      std::string name = info.param.file;
      return name.substr(0, name.find('.'));
    });

TEST(GcLog, TimesOfEveryDecoration) {
  // A date.
  const Time dated = *Log("25_serial.log").points.back().time;
  EXPECT_EQ(dated, Time(std::chrono::seconds(1795899204) + std::chrono::milliseconds(325)));
  // The uptime alone: the last line is as old as the file.
  const GcLog uptime = Log("17_parallel.log");
  EXPECT_EQ(*uptime.points.back().time, kTaken);
  EXPECT_EQ(*uptime.points.back().time - *uptime.points[17].time, std::chrono::milliseconds(2));
  // None.
  EXPECT_FALSE(Log("17_g1_none.log").points.back().time.has_value());
  const auto time = [](const std::string& decoration) {
    const GcLog log = ParseGcLog(decoration + " GC(0) Pause Full (x) 3M->1M(4M) 1ms\n", kTaken);
    return log.points.empty() ? std::nullopt : log.points[0].time;
  };
  EXPECT_EQ(time("[2026-11-28T20:53:23.328+0200][info][gc]"),
            Time(std::chrono::seconds(1795899203 - 7200) + std::chrono::milliseconds(328)));
  EXPECT_EQ(time("[1795899203328ms][info]"),
            Time(std::chrono::seconds(1795899203) + std::chrono::milliseconds(328)));
  EXPECT_EQ(time("[5242000000ns]"), kTaken);
  EXPECT_EQ(time("[info][gc]"), std::nullopt);
  EXPECT_EQ(time("[2026-13-48T20:53:23.328+0200]"), std::nullopt);
}

TEST(GcLog, FactsOfTheVm) {
  const GcLog log = Log("17_g1.log");
  EXPECT_EQ(log.max_heap, 96 * kMiB);
  EXPECT_EQ(log.vm_version, "17.0.21.1+2-1-deb12u1-Debian");
  EXPECT_TRUE(log.metaspace_used.has_value());
  EXPECT_TRUE(log.metaspace_committed.has_value());
  // JDK 11 prints what is reserved in its place.
  EXPECT_EQ(Log("11_g1.log").metaspace_used, 3031 * kKiB);
  EXPECT_FALSE(Log("11_g1.log").metaspace_committed.has_value());
}

// Forms of JDK 8 with -XX:+PrintGCDetails, of every collector.
TEST(GcLog, Jdk8) {
  const std::string parallel =
      "2026-11-28T20:53:23.328+0000: 1.234: [GC (Allocation Failure) [PSYoungGen: "
      "33280K->5088K(38400K)] 33280K->20000K(125952K), 0.0123456 secs] [Times: user=0.02 sys=0.00, "
      "real=0.01 secs]\n"
      "2026-11-28T20:53:24.328+0000: 2.234: [Full GC (Ergonomics) [PSYoungGen: 5088K->0K(38400K)] "
      "[ParOldGen: 14912K->19900K(87552K)] 20000K->19900K(125952K), [Metaspace: "
      "3000K->3000K(1056768K)], 0.1 secs] [Times: user=0.2 sys=0.00, real=0.10 secs]\n";
  ASSERT_TRUE(IsGcLog(FileOf("gc.log.0.current", parallel)));
  GcLog log = ParseGcLog(parallel, kTaken);
  EXPECT_EQ(log.collector, "Parallel");
  ASSERT_EQ(log.points.size(), 2u);
  EXPECT_EQ(log.points[0].after, 20000 * kKiB);
  EXPECT_EQ(log.points[1].after, 19900 * kKiB);
  EXPECT_TRUE(log.points[1].full);
  EXPECT_EQ(log.points[1].capacity, 125952 * kKiB);
  EXPECT_EQ(log.metaspace_used, 3000 * kKiB);
  EXPECT_EQ(*log.points[1].time,
            Time(std::chrono::seconds(1795899204) + std::chrono::milliseconds(328)));

  log = ParseGcLog(
      "0.105: [GC (Allocation Failure) 0.105: [DefNew: 4416K->512K(4928K), 0.0054 secs] "
      "4416K->1500K(15872K), 0.0055 secs] [Times: user=0.00 sys=0.00, real=0.01 secs]\n",
      kTaken);
  EXPECT_EQ(log.collector, "Serial");
  ASSERT_EQ(log.points.size(), 1u);
  EXPECT_EQ(log.points[0].after, 1500 * kKiB);
  EXPECT_EQ(log.points[0].time, kTaken);

  log = ParseGcLog(
      "2.3: [GC pause (G1 Evacuation Pause) (young), 0.0111 secs]\n"
      "   [Parallel Time: 9.9 ms, GC Workers: 2]\n"
      "   [Eden: 24.0M(24.0M)->0.0B(13.0M) Survivors: 0.0B->3072.0K Heap: "
      "24.0M(256.0M)->11.5M(256.0M)]\n"
      "3.3: [Full GC (Allocation Failure)  255M->200M(256M), 0.5 secs]\n",
      kTaken);
  EXPECT_EQ(log.collector, "G1");
  ASSERT_EQ(log.points.size(), 2u);
  EXPECT_EQ(log.points[0].after, 11 * kMiB + 512 * kKiB);
  EXPECT_EQ(log.points[0].capacity, 256 * kMiB);
  EXPECT_EQ(log.points[1].after, 200 * kMiB);
  EXPECT_EQ(log.full, 1u);
}

TEST(GcLog, FillsTheEvidence) {
  Evidence evidence;
  const std::string text = Sample("gc/25_serial.log");
  const auto said = AddGcLog(FileOf("gc.log", text), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said.value(), "17 collections (15 full), 31.0 MiB left after the last of 92.0 MiB");
  ASSERT_TRUE(evidence.jvm.has_value());
  EXPECT_EQ(evidence.jvm->collector, "Serial");
  EXPECT_EQ(evidence.jvm->figures.size(), 17u);
  EXPECT_EQ(evidence.jvm->Last()->heap_used_after_collection, 31 * kMiB);
  EXPECT_EQ(evidence.jvm->Last()->collections, 17u);
  EXPECT_EQ(evidence.jvm->Last()->file, "gc.log");
  // Without times it is one moment: the file's.
  Evidence timeless;
  const std::string none = Sample("gc/17_g1_none.log");
  ASSERT_TRUE(AddGcLog(FileOf("gc.log", none), &timeless).ok());
  ASSERT_EQ(timeless.jvm->figures.size(), 1u);
  EXPECT_EQ(timeless.jvm->Last()->time, kTaken);
  // What the VM said from inside stays.
  Evidence inside;
  inside.jvm.emplace().origin = "the VM, from inside";
  inside.jvm->figures.emplace_back().heap_used = kGiB;
  ASSERT_TRUE(AddGcLog(FileOf("gc.log", text), &inside).ok());
  EXPECT_EQ(inside.jvm->figures.size(), 1u);
}

TEST(GcLog, ALongLogIsThinned) {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "[" + std::to_string(i) + ".000s][info][gc] GC(" + std::to_string(i) +
            ") Pause Young (Normal) 90M->" + std::to_string(i == 4321 ? 80 : 40) + "M(96M) 1ms\n";
  Evidence evidence;
  ASSERT_TRUE(AddGcLog(FileOf("gc.log", text), &evidence).ok());
  EXPECT_LE(evidence.jvm->figures.size(), 2001u);
  EXPECT_EQ(evidence.jvm->Last()->collections, 10'000u);
  Bytes most;
  for (const JvmFigures& figures : evidence.jvm->figures) most = std::max(most, *figures.heap_used);
  EXPECT_EQ(most, 80 * kMiB);
}

TEST(GcLog, OthersAreNotTaken) {
  for (const char* text : {"", "[INFO] building\n", "GC( is short for\n", "1->2(3)\n"}) {
    EXPECT_FALSE(IsGcLog(FileOf("a", text))) << text;
  }
  EXPECT_FALSE(IsGcLog(FileOf("a", Sample("hs_err/oom_crash_25.log"))));
  EXPECT_FALSE(IsGcLog(FileOf("a", Sample("flink/managed-1g-2slots.log"))));
  EXPECT_FALSE(IsGcLog(FileOf("a", Sample("errors/threads_v_25.txt"))));
  Evidence evidence;
  EXPECT_FALSE(AddGcLog(FileOf("a", "[0.1s][info][gc] Using G1\n"), &evidence).ok());
}

}  // namespace
}  // namespace wrackline::test
