// The ledger's tree: groups, parts of a line, budgets and what goes beyond them.
#include <gtest/gtest.h>

#include <algorithm>

#include "analyzer/evidence/from_recording.h"
#include "analyzer/ledger/ledger.h"
#include "analyzer/ledger/lines.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::ledger {
namespace {

using evidence::Evidence;
using testing::kMi;
using testing::RecordingBuilder;

Evidence EvidenceOf(RecordingBuilder& builder) {
  return evidence::EvidenceFromRecording(builder.recording(), std::nullopt);
}

evidence::Site JavaSite(std::initializer_list<const char*> functions, Bytes live) {
  evidence::Site site;
  for (const char* function : functions) {
    evidence::SiteFrame frame;
    frame.function = function;
    frame.java = std::string(function).find('.') != std::string::npos;
    frame.named = true;
    site.frames.push_back(frame);
  }
  site.live = live;
  site.standard_error = Bytes{live.count / 10};
  site.samples = 10;
  return site;
}

Evidence TaskManager() {
  RecordingBuilder builder;
  auto& cgroup = *builder.Charge(10, 1000 * kMi, 1024 * kMi).mutable_cgroup();
  cgroup.set_anon(900 * kMi);
  cgroup.set_file(90 * kMi);
  cgroup.set_file_mapped(10 * kMi);
  cgroup.set_shmem(5 * kMi);
  cgroup.set_kernel(10 * kMi);
  cgroup.set_slab(4 * kMi);
  cgroup.set_page_tables(3 * kMi);
  cgroup.set_kernel_stack(1 * kMi);
  Evidence evidence = EvidenceOf(builder);
  evidence.jvm.emplace();
  evidence::JvmResident resident;
  resident.time = evidence.last_record;
  resident.heap = 150 * kMiB;
  resident.metaspace = 60 * kMiB;
  resident.code_cache = 40 * kMiB;
  resident.thread_stacks = 10 * kMiB;
  evidence.jvm->resident.push_back(resident);
  evidence.sites = {
      JavaSite({"malloc", "java.nio.DirectByteBuffer.<init>", "java.nio.ByteBuffer.allocateDirect",
                "org.apache.flink.core.memory.MemorySegmentFactory.allocateDirectMemory",
                "org.apache.flink.runtime.io.network.buffer.NetworkBufferPool.<init>"},
               64 * kMiB),
      JavaSite({"malloc", "java.nio.DirectByteBuffer.<init>", "java.nio.ByteBuffer.allocateDirect",
                "com.example.Decoder.decode", "org.apache.flink.streaming.api.operators.X.process"},
               30 * kMiB),
      JavaSite({"malloc", "java.nio.DirectByteBuffer.<init>",
                "org.apache.flink.shaded.netty4.io.netty.buffer.PoolArena.allocate"},
               8 * kMiB),
      JavaSite({"inflateInit2_", "java.util.zip.Inflater.init", "com.example.Codec.open"},
               20 * kMiB),
      JavaSite({"main"}, 2 * kMiB),
  };
  return evidence;
}

const Line* Find(const Ledger& ledger, std::string_view id) {
  const auto found = std::find_if(ledger.lines.begin(), ledger.lines.end(),
                                  [id](const Line& line) { return line.id == id; });
  return found == ledger.lines.end() ? nullptr : &*found;
}

TEST(LedgerGroups, EveryLineIsInOneGroupAndGroupsAddUp) {
  const std::optional<Ledger> ledger = BuildLedger(TaskManager());
  ASSERT_TRUE(ledger.has_value());
  std::vector<int> seen(ledger->lines.size());
  Bytes sum;
  for (const Group& group : ledger->groups) {
    Bytes lines;
    for (const std::size_t line : group.lines) {
      ++seen.at(line);
      lines += ledger->lines[line].amount;
    }
    EXPECT_EQ(group.amount, lines) << group.id;
    sum += group.amount;
  }
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
  EXPECT_EQ(sum + ledger->unexplained, ledger->total);
  EXPECT_EQ(ledger->Of(Category::kKernel), 10 * kMiB);
  EXPECT_EQ(ledger->Of(Category::kFile), 85 * kMiB);
  EXPECT_EQ(ledger->Of(Category::kShared), 5 * kMiB);
  EXPECT_EQ(ledger->Of(Category::kAnonymous) + ledger->unexplained, 900 * kMiB);
}

TEST(LedgerGroups, DirectBuffersAreToldApartByWhoseTheyAre) {
  const std::optional<Ledger> ledger = BuildLedger(TaskManager());
  ASSERT_TRUE(ledger.has_value());
  ASSERT_NE(Find(*ledger, "direct.network"), nullptr);
  EXPECT_EQ(Find(*ledger, "direct.network")->amount, 64 * kMiB);
  ASSERT_NE(Find(*ledger, "direct.framework"), nullptr);
  EXPECT_EQ(Find(*ledger, "direct.framework")->amount, 8 * kMiB);
  ASSERT_NE(Find(*ledger, "direct.site"), nullptr) << "the user's own";
  EXPECT_EQ(Find(*ledger, "direct.site")->amount, 30 * kMiB);
  ASSERT_NE(ledger->Find("direct"), nullptr);
  EXPECT_EQ(ledger->Find("direct")->amount, 102 * kMiB);
  ASSERT_NE(ledger->Find("native"), nullptr);
  EXPECT_EQ(ledger->Find("native")->amount, 22 * kMiB) << "an Inflater is no direct buffer";
  // Three lines of independent samples.
  EXPECT_NEAR(static_cast<double>(ledger->Find("direct")->standard_error->count) / kMi, 7.1, 0.1);
}

TEST(LedgerGroups, KernelMemoryIsToldApartAndKeepsItsSum) {
  const std::optional<Ledger> ledger = BuildLedger(TaskManager());
  ASSERT_TRUE(ledger.has_value());
  EXPECT_EQ(Find(*ledger, "kernel.slab")->amount, 4 * kMiB);
  EXPECT_EQ(Find(*ledger, "kernel.page_tables")->amount, 3 * kMiB);
  EXPECT_EQ(Find(*ledger, "kernel.stacks")->amount, 1 * kMiB);
  EXPECT_EQ(Find(*ledger, "kernel.other")->amount, 2 * kMiB);
}

TEST(LedgerGroups, FlinksBudgetsAreWhatItsMemoryModelCountsThere) {
  Evidence evidence = TaskManager();
  evidence.flink.emplace();
  evidence.flink->budgets.emplace();
  evidence::FlinkBudgets& budgets = *evidence.flink->budgets;
  budgets.framework_heap = 128 * kMiB;
  budgets.task_heap = 26 * kMiB;
  budgets.framework_off_heap = 128 * kMiB;
  budgets.task_off_heap = Bytes{};
  budgets.network = 64 * kMiB;
  budgets.metaspace = 50 * kMiB;
  budgets.overhead = 192 * kMiB;
  budgets.origin = "tm.log";
  const std::optional<Ledger> ledger = BuildLedger(evidence);
  ASSERT_TRUE(ledger.has_value());
  EXPECT_EQ(ledger->Find("jvm.heap")->budget, 154 * kMiB);
  EXPECT_EQ(ledger->Find("jvm.heap")->Overshoot(), std::nullopt);
  EXPECT_EQ(ledger->Find("direct")->budget, 192 * kMiB);
  EXPECT_EQ(ledger->Find("jvm.metaspace")->Overshoot(), 10 * kMiB);
  EXPECT_EQ(ledger->Find("jvm.metaspace")->budget_source, "JVM metaspace (tm.log)");
  EXPECT_EQ(ledger->Find("jvm.overhead")->budget, 192 * kMiB);
  EXPECT_EQ(ledger->Find("native")->budget, std::nullopt) << "Flink has no component for it";
}

TEST(LedgerGroups, ManagedMemoryIsNoBudgetOfARocksDbThatDoesNotUseIt) {
  RecordingBuilder builder;
  builder.Charge(10, 300 * kMi, 512 * kMi);
  builder.Describe(1, 0, "default", 64 * kMi, 2, 7);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 7, 100 * kMi);
  Evidence evidence = EvidenceOf(builder);
  evidence.flink.emplace();
  evidence.flink->budgets.emplace();
  evidence.flink->budgets->managed = 60 * kMiB;
  EXPECT_EQ(BuildLedger(evidence)->Find("rocksdb")->Overshoot(), 40 * kMiB);
  evidence.flink->rocksdb_managed = false;
  EXPECT_EQ(BuildLedger(evidence)->Find("rocksdb")->budget, std::nullopt);
}

TEST(LedgerGroups, ACachesPartsAreItsAmount) {
  RecordingBuilder builder;
  builder.Charge(10, 300 * kMi, 512 * kMi);
  builder.Describe(1, 0, "default", 64 * kMi, 2, 7);
  auto& sample = builder.RocksDb(1, 10);
  RecordingBuilder::Family(sample, 0, "default", 7, kMi);
  RecordingBuilder::Cache(sample, 7, 100 * kMi, 90 * kMi);
  Evidence evidence = EvidenceOf(builder);
  ASSERT_TRUE(evidence.rocksdb.has_value());
  evidence.rocksdb->families.at(0).cached_blocks =
      evidence::RocksDbBlocks{30 * kMiB, 8 * kMiB, 2 * kMiB, {}, {}};
  evidence.rocksdb->caches.at(0).split =
      evidence::RocksDbSplit{45 * kMiB, {}, {}, {3 * kMiB, {}, {}, {}, {}}, 2 * kMiB, {}};
  const std::optional<Ledger> ledger = BuildLedger(evidence);
  const Line* cache = Find(*ledger, "rocksdb.block_cache");
  ASSERT_NE(cache, nullptr);
  Bytes sum;
  for (const Part& part : cache->parts) sum += part.amount;
  EXPECT_EQ(sum, cache->amount);
  ASSERT_GE(cache->parts.size(), 4u);
  EXPECT_EQ(cache->parts[0].label, "data blocks");
  EXPECT_EQ(cache->parts[0].amount, 66 * kMiB) << "33 of 45 when it was walked; 90 now";
}

}  // namespace
}  // namespace wrackline::ledger
