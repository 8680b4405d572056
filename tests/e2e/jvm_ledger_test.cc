// A JVM under the shim, killed: its recording has what the VM said of itself, and the ledger a line for each part of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/ledger/ledger.h"
#include "lib/recorder/reader.h"
#include "tests/support/java_home.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using namespace std::chrono_literals;

std::int64_t Mebibytes(const ledger::Ledger& ledger, const std::string& id) {
  for (const ledger::Line& line : ledger.lines) {
    if (line.id == id) return line.amount.count >> 20;
  }
  return -1;
}

class JvmLedger : public ::testing::TestWithParam<const char*> {};

TEST_P(JvmLedger, AKilledVmsMemoryHasLinesThatAddUp) {
  const std::string home = JavaHome(GetParam());
  ASSERT_NE(home, "") << NoJava(GetParam());
  TemporaryFolder folder;
  ProcessOptions options;
  options.command = {home + "/bin/java",
                     "-XX:+UseG1GC",
                     "-Xmx256m",
                     "-Xms256m",
                     "-XX:+AlwaysPreTouch",
                     "-cp",
                     WRACKLINE_JVM_EVIDENCE_CLASSES,
                     "JvmHolder"};
  options.environment["LD_PRELOAD"] = WRACKLINE_PRELOAD_LIBRARY;
  options.environment["WRACKLINE_OUT"] = folder.path();
  ChildProcess vm(options);
  // Until a sample has seen all that the program holds, and its resident bytes with it.
  const auto complete = [&]() -> std::optional<evidence::Evidence> {
    const std::vector<std::string> files = RecorderFiles(folder.path());
    if (files.empty()) return std::nullopt;
    const Result<recorder::Recording> recording = recorder::ReadRecording(files.front());
    if (!recording.ok()) return std::nullopt;
    // A limit that is only assumed: the ledger is then of the process, not of the machine's cgroup.
    evidence::Evidence evidence = evidence::EvidenceFromRecording(recording.value(), 1024 * kMiB);
    if (!evidence.jvm || evidence.jvm->resident.empty()) return std::nullopt;
    const auto holds = std::find_if(
        evidence.jvm->figures.begin(), evidence.jvm->figures.end(), [](const auto& figures) {
          return figures.direct_used == 24 * kMiB && figures.threads.value_or(0) >= 30;
        });
    if (holds == evidence.jvm->figures.end() ||
        evidence.jvm->resident.back().time < holds->time + std::chrono::nanoseconds(0))
      return std::nullopt;
    return evidence;
  };
  ASSERT_TRUE(WaitFor([&] { return complete().has_value() || vm.Ended(); }, 60s));
  vm.Kill(SIGKILL);
  const ProcessEnd end = vm.Wait();
  ASSERT_TRUE(end.killed(SIGKILL)) << end.err;
  const std::optional<evidence::Evidence> evidence = complete();
  ASSERT_TRUE(evidence.has_value());

  const evidence::Jvm& jvm = *evidence->jvm;
  EXPECT_EQ(jvm.collector, "G1");
  EXPECT_EQ(jvm.max_heap, 256 * kMiB);
  EXPECT_EQ(jvm.attached_by, "preload");
  EXPECT_EQ(jvm.Last()->heap_committed, 256 * kMiB);
  EXPECT_GE(*jvm.Last()->heap_used, 30 * kMiB);

  const std::optional<ledger::Ledger> ledger = ledger::BuildLedger(*evidence);
  ASSERT_TRUE(ledger.has_value());
  ASSERT_EQ(ledger->basis, ledger::Basis::kResident);
  EXPECT_EQ(ledger->Sum() + ledger->unexplained, ledger->total);
  // All of it was touched at the start.
  EXPECT_GE(Mebibytes(*ledger, "jvm.heap"), 250);
  EXPECT_LE(Mebibytes(*ledger, "jvm.heap"), 256);
  EXPECT_GE(Mebibytes(*ledger, "jvm.thread_stacks"), 1);
  EXPECT_LT(Mebibytes(*ledger, "jvm.thread_stacks"), 40);
  EXPECT_GE(Mebibytes(*ledger, "jvm.metaspace"), 0);
  EXPECT_GE(Mebibytes(*ledger, "jvm.code_cache"), 0);
  // The card table and the bitmap of G1 are a thirtieth of its heap at least.
  EXPECT_GE(Mebibytes(*ledger, "jvm.other"), 4);
  EXPECT_LT(Mebibytes(*ledger, "jvm.other"), 64);
  // Direct buffers are malloc's, and in the sum once.
  EXPECT_GE(ledger->Of(ledger::Holder::kNative), 20 * kMiB);
  EXPECT_LT(ledger->Of(ledger::Holder::kNative), 60 * kMiB);
  EXPECT_LT(ledger->unexplained, 48 * kMiB);
  EXPECT_GT(ledger->unexplained, -32 * kMiB);
}

INSTANTIATE_TEST_SUITE_P(Vms, JvmLedger, ::testing::Values("17", "25"),
                         [](const auto& info) { return info.index == 0 ? "jdk17" : "jdk25"; });

}  // namespace
}  // namespace wrackline::test
