#include "analyzer/evidence/thread_groups.h"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

namespace wrackline::evidence {
namespace {

struct Row {
  const char* java_name;
  const char* comm;
  ThreadKind kind;
  const char* group;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.java_name << "|" << row.comm;
}

class ThreadGroupsTest : public testing::TestWithParam<Row> {};

TEST_P(ThreadGroupsTest, IsGrouped) {
  const GroupedThread grouped = GroupOf(GetParam().java_name, GetParam().comm);
  EXPECT_STREQ(Name(grouped.kind), Name(GetParam().kind));
  EXPECT_EQ(grouped.group, GetParam().group);
}

// Names as thread dumps of Flink 1.11 to 2.x, of HotSpot 17 and 25 and of RocksDB have them.
constexpr Row kRows[] = {
    {"Source: Custom Source (1/1)#0", "Source: Custom ", ThreadKind::kFlinkTask,
     "Source: Custom Source"},
    {"Map -> Timestamps/Watermarks -> Map (2/2)#0", "", ThreadKind::kFlinkTask,
     "Map -> Timestamps/Watermarks -> Map"},
    {"Window(TumblingEventTimeWindows(3000), EventTimeTrigger, MyJsonProcWindow) -> Map -> Sink: "
     "Print to Std. Out (1/2)#3",
     "", ThreadKind::kFlinkTask,
     "Window(TumblingEventTimeWindows(3000), EventTimeTrigger, MyJsonProcWindow) -> Map -> Sink: "
     "Print to Std. Out"},
    {"Flat Map -> Sink: Unnamed (2/8)", "", ThreadKind::kFlinkTask, "Flat Map -> Sink: Unnamed"},
    {"orders[1] -> Calc[2] -> (Sink: a, Sink: b) (3/4)#12", "", ThreadKind::kFlinkTask,
     "orders[1] -> Calc[2] -> (Sink: a, Sink: b)"},
    {"Legacy Source Thread - Source: Custom Source (1/1)#0", "", ThreadKind::kFlinkTask,
     "Source: Custom Source"},
    {"Source Data Fetcher for Source: kafka -> Map (4/4)#0", "", ThreadKind::kFlinkTask,
     "Source: kafka -> Map"},
    {"Kafka Fetcher for Source: in (1/2)#0", "", ThreadKind::kFlinkTask, "Source: in"},
    {"OutputFlusher for Source: Custom Source", "", ThreadKind::kFlinkTask,
     "Source: Custom Source"},
    {"Channel state writer Map -> Sink (1/2)#0", "", ThreadKind::kFlinkTask, "Map -> Sink"},
    {"Channel state writer ", "", ThreadKind::kFlink, "Flink channel state writers"},
    {"Canceler/Interrupts for Map (1/2)#0 (3b1f2a_90bea66de1c231edf33913ecd54406c1_0_0).", "",
     ThreadKind::kFlinkTask, "Map"},
    {"AsyncOperations-thread-1", "AsyncOperations", ThreadKind::kFlink,
     "Flink asynchronous checkpoint operations"},
    {"flink-akka.actor.default-dispatcher-4", "", ThreadKind::kFlink, "Flink RPC"},
    {"flink-pekko.remote.default-remote-dispatcher-7", "", ThreadKind::kFlink, "Flink RPC"},
    {"flink-metrics-9", "", ThreadKind::kFlink, "Flink metrics"},
    {"Flink-Metric-View-Updater-thread-1", "", ThreadKind::kFlink, "Flink metrics"},
    {"Flink Netty Server (39745) Thread 0", "", ThreadKind::kFlink, "Flink network (Netty server)"},
    {"Flink Netty Client (0) Thread 1", "", ThreadKind::kFlink, "Flink network (Netty client)"},
    {"flink-taskexecutor-io-thread-12", "", ThreadKind::kFlink, "Flink TaskExecutor I/O"},
    {"IOManager reader thread #1", "", ThreadKind::kFlink, "Flink I/O manager"},
    {"IOManager writer thread #1", "", ThreadKind::kFlink, "Flink I/O manager"},
    // The kernel's 15 characters.
    {"", "flink-taskexecu", ThreadKind::kFlink, "Flink TaskExecutor I/O"},
    {"", "IOManager reade", ThreadKind::kFlink, "Flink I/O manager"},
    {"", "rocksdb:low", ThreadKind::kRocksDb, "RocksDB compaction (low)"},
    {"Thread-7", "rocksdb:low", ThreadKind::kRocksDb, "RocksDB compaction (low)"},
    {"", "rocksdb:high", ThreadKind::kRocksDb, "RocksDB flush (high)"},
    {"", "rocksdb:bottom", ThreadKind::kRocksDb, "RocksDB compaction (bottom)"},
    {"", "rocksdb:dump_st", ThreadKind::kRocksDb, "RocksDB, other threads"},
    {"", "GC Thread#3", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "G1 Main Marker", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "G1 Conc#0", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "ZWorker#1", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "ZWorkerOld#0", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "ShenandoahGC", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "Shenandoah GC T", ThreadKind::kJvm, "JVM garbage collector"},
    {"", "C2 CompilerThre", ThreadKind::kJvm, "JVM compiler"},
    {"", "C1 CompilerThre", ThreadKind::kJvm, "JVM compiler"},
    {"", "VM Thread", ThreadKind::kJvm, "JVM VM Thread"},
    {"", "VM Periodic Tas", ThreadKind::kJvm, "JVM service threads"},
    {"", "Monitor Deflati", ThreadKind::kJvm, "JVM service threads"},
    {"Finalizer", "Finalizer", ThreadKind::kJvm, "JVM finalizers and cleaners"},
    {"Reference Handler", "Reference Handl", ThreadKind::kJvm, "JVM finalizers and cleaners"},
    {"Common-Cleaner", "Common-Cleaner", ThreadKind::kJvm, "JVM finalizers and cleaners"},
    {"main", "java", ThreadKind::kOther, "main"},
    {"pool-3-thread-12", "pool-3-thread-1", ThreadKind::kOther, "pool-*-thread-*"},
    {"ForkJoinPool.commonPool-worker-3", "", ThreadKind::kOther, "ForkJoinPool.commonPool"},
    {"ForkJoinPool-1-worker-3", "", ThreadKind::kOther, "ForkJoinPool-1-worker-*"},
    {"Thread-17", "Thread-17", ThreadKind::kOther, "Thread-*"},
    {"", "worker7", ThreadKind::kOther, "worker*"},
    {"", "17", ThreadKind::kOther, "17"},
    {"", "", ThreadKind::kUnknown, "(unnamed threads)"},
    // What looks like a subtask and is none.
    {"retry (5/4)#0", "", ThreadKind::kOther, "retry (5/4)#*"},
    {"progress (0/4)", "", ThreadKind::kOther, "progress (0/4)"},
    {" (1/2)", "", ThreadKind::kOther, " (1/2)"},
    {"a (99999999999/999999999999)", "", ThreadKind::kOther, "a (99999999999/999999999999)"},
    // Short names are no beginning of a longer rule.
    {"", "G", ThreadKind::kOther, "G"},
    {"flink-taskexecu", "", ThreadKind::kOther, "flink-taskexecu"},
};

INSTANTIATE_TEST_SUITE_P(RealNames, ThreadGroupsTest, testing::ValuesIn(kRows));

TEST(ThreadGroups, ATaskSaysItsSubtask) {
  GroupedThread task = GroupOf("Source: orders -> Map (2/4)#1", "");
  EXPECT_EQ(task.subtask, 2u);
  EXPECT_EQ(task.parallelism, 4u);
  EXPECT_EQ(task.attempt, 1u);
  task = GroupOf("Flat Map -> Sink (12/128)", "");
  EXPECT_EQ(task.subtask, 12u);
  EXPECT_EQ(task.parallelism, 128u);
  EXPECT_FALSE(task.attempt);
  EXPECT_FALSE(GroupOf("OutputFlusher for Source: Custom Source", "").subtask);
}

}  // namespace
}  // namespace wrackline::evidence
