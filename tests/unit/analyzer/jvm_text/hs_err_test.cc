#include "analyzer/evidence/hs_err.h"

#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

FatalError Fatal(const std::string& name) {
  const std::string text = Sample("hs_err/" + name);
  EXPECT_TRUE(IsHsErr(FileOf(name, text))) << name;
  Result<FatalError> fatal = ParseHsErr(text);
  EXPECT_TRUE(fatal.ok()) << name;
  return fatal.ok() ? std::move(fatal.value()) : FatalError{};
}

TEST(HsErr, TheSystemGaveNoMemory) {
  const FatalError fatal = Fatal("mmap_17.log");
  EXPECT_EQ(fatal.error.kind, JavaErrorKind::kNativeMemory);
  EXPECT_EQ(fatal.error.requested, 112 * kKiB);
  EXPECT_EQ(fatal.error.message,
            "Native memory allocation (mmap) failed to map 114688 bytes. Error detail: committing "
            "reserved memory");
  EXPECT_EQ(fatal.error.thread, "VM Thread");
  EXPECT_EQ(fatal.java_version, "17.0.21.1+2");
  EXPECT_EQ(fatal.collector, "Serial");
  EXPECT_EQ(fatal.max_heap, kGiB);
  EXPECT_EQ(fatal.pid, 8896u);
  EXPECT_THAT(fatal.command_line, ::testing::StartsWith("-Xmx1g -Xms16m -XX:+UseSerialGC"));
  ASSERT_TRUE(fatal.time.has_value());
  EXPECT_EQ(fatal.error.time, "Sat Nov 28 20:46:47 2026 UTC");
  EXPECT_EQ(*fatal.time, Time(std::chrono::seconds(1795898807)));
  ASSERT_TRUE(fatal.native_memory.has_value());
  EXPECT_GT(fatal.native_memory->figures.native_memory.size(), 10u);
  EXPECT_TRUE(fatal.heap.figures.heap_used.has_value());
  EXPECT_EQ(Fatal("mmap_25.log").error.requested, 64 * kMiB);
  EXPECT_EQ(Fatal("mmap_11.log").error.kind, JavaErrorKind::kNativeMemory);
}

TEST(HsErr, ACrash) {
  for (const auto& [name, version] :
       {std::pair("segv_11.log", "11.0."), std::pair("segv_17.log", "17.0.21.1+2"),
        std::pair("segv_25.log", "25.0.3+9")}) {
    const FatalError fatal = Fatal(name);
    EXPECT_EQ(fatal.error.kind, JavaErrorKind::kCrash) << name;
    EXPECT_THAT(fatal.error.message, ::testing::StartsWith("SIGSEGV (0xb) at pc=0x")) << name;
    EXPECT_THAT(fatal.error.where, ::testing::StartsWith("libc.so.6+0x")) << name;
    EXPECT_THAT(fatal.java_version, ::testing::StartsWith(version)) << name;
    EXPECT_EQ(fatal.collector, "G1") << name;
    EXPECT_EQ(fatal.max_heap, 128 * kMiB) << name;
    EXPECT_GE(*fatal.heap.figures.heap_used, 40 * kMiB) << name;
    EXPECT_TRUE(fatal.heap.figures.metaspace_committed.has_value()) << name;
    EXPECT_TRUE(fatal.native_memory.has_value()) << name;
  }
  const FatalError fatal = Fatal("segv_25.log");
  EXPECT_EQ(fatal.resident, 97124 * kKiB);
  EXPECT_EQ(fatal.resident_anonymous, 73420 * kKiB);
  EXPECT_EQ(fatal.heap.ranges.size(), 4u);
}

TEST(HsErr, AnOutOfMemoryErrorThatCrashedOnPurpose) {
  const FatalError heap = Fatal("oom_crash_25.log");
  EXPECT_EQ(heap.error.kind, JavaErrorKind::kHeap);
  EXPECT_EQ(heap.error.message, "Java heap space");
  EXPECT_EQ(heap.error.thread, "main");
  EXPECT_EQ(heap.error.where, "Sample.buildState");
  const FatalError metaspace = Fatal("meta_crash_17.log");
  EXPECT_EQ(metaspace.error.kind, JavaErrorKind::kMetaspace);
  EXPECT_EQ(metaspace.error.where, "Sample$Loader.define");
  EXPECT_EQ(metaspace.max_metaspace, 12 * kMiB);
  EXPECT_EQ(metaspace.heap.figures.metaspace_committed, 12 * kMiB);
}

TEST(HsErr, TheContainersLimit) {
  for (const char* name : {"limit_17.log", "limit_25.log"}) {
    const FatalError fatal = Fatal(name);
    EXPECT_EQ(fatal.limit, 512 * kMiB) << name;
    ASSERT_TRUE(fatal.usage.has_value()) << name;
    EXPECT_LT(*fatal.usage, *fatal.limit) << name;
    Evidence evidence;
    const std::string text = Sample(std::string("hs_err/") + name);
    const auto said = AddHsErr(FileOf("hs_err_pid1.log", text), &evidence);
    ASSERT_TRUE(said.ok());
    EXPECT_EQ(said.value(), "the VM crashed; container limit 512.0 MiB");
    EXPECT_EQ(evidence.limit->amount, 512 * kMiB);
    EXPECT_EQ(evidence.last_charge->amount, *fatal.usage);
    ASSERT_EQ(evidence.timeline.size(), 1u);
    EXPECT_EQ(evidence.timeline[0].charge, fatal.usage);
  }
  // "unlimited", "-1": no limit, which is not one of 0.
  EXPECT_FALSE(Fatal("segv_11.log").limit.has_value());
  EXPECT_FALSE(Fatal("segv_17.log").limit.has_value());
}

TEST(HsErr, FillsTheEvidence) {
  const std::string text = Sample("hs_err/segv_25.log");
  Evidence evidence;
  ASSERT_TRUE(AddHsErr(FileOf("hs_err_pid9.log", text), &evidence).ok());
  ASSERT_EQ(evidence.java_errors.size(), 1u);
  EXPECT_EQ(evidence.java_errors[0].source, "hs_err_pid9.log");
  ASSERT_TRUE(evidence.jvm.has_value());
  ASSERT_EQ(evidence.jvm->figures.size(), 1u);
  EXPECT_TRUE(evidence.jvm->Last()->heap_used && evidence.jvm->Last()->native_committed);
  EXPECT_EQ(evidence.timeline[0].resident_shared, 23704 * kKiB);
}

TEST(HsErr, TheBannerAloneIsALog) {
  EXPECT_FALSE(IsHsErr(FileOf("out", Sample("errors/crash_25.txt"))));
  EXPECT_FALSE(IsHsErr(FileOf("out", "")));
  EXPECT_FALSE(ParseHsErr("#\n# hello\n---------------  S U M M A R Y ------------\n").ok());
}

}  // namespace
}  // namespace wrackline::test
