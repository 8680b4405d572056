#include "analyzer/evidence/java_errors.h"

#include "analyzer/evidence/flink_log.h"

#include "tests/unit/analyzer/jvm_text/sample.h"

namespace wrackline::test {
namespace {

using namespace evidence;

std::vector<JavaError> Errors(const std::string& name) {
  return FindJavaErrors(Sample("errors/" + name), name);
}

struct Expected {
  const char* file;
  JavaErrorKind kind;
  const char* message;
  const char* thread;
  const char* where;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.file; }

class OneError : public ::testing::TestWithParam<Expected> {};

TEST_P(OneError, IsFound) {
  const Expected& expected = GetParam();
  const std::vector<JavaError> errors = Errors(expected.file);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].kind, expected.kind);
  EXPECT_EQ(errors[0].message, expected.message);
  EXPECT_EQ(errors[0].thread, expected.thread);
  EXPECT_EQ(errors[0].where, expected.where);
  EXPECT_EQ(errors[0].source, expected.file);
}

INSTANTIATE_TEST_SUITE_P(
    OfRealVms, OneError,
    ::testing::Values(
        Expected{"heap_17.txt", JavaErrorKind::kHeap, "Java heap space", "main",
                 "Sample.buildState"},
        Expected{"heap_25.txt", JavaErrorKind::kHeap,
                 "OutOfMemoryError thrown from the UncaughtExceptionHandler in thread", "main", ""},
        Expected{"exit_17.txt", JavaErrorKind::kHeap, "Java heap space", "", ""},
        Expected{"thread_heap_17.txt", JavaErrorKind::kHeap, "Java heap space",
                 "orders -> Map (1/2)#0", "Sample.buildState"},
        Expected{"array_17.txt", JavaErrorKind::kHeap, "Requested array size exceeds VM limit",
                 "main", "Sample.main"},
        Expected{"direct_17.txt", JavaErrorKind::kDirectBuffers,
                 "Cannot reserve 4194304 bytes of direct buffer memory (allocated: 33554432, "
                 "limit: 33554432)",
                 "main", "Sample.reserveBuffers"},
        Expected{"meta_17.txt", JavaErrorKind::kMetaspace, "Metaspace", "main", ""},
        Expected{"meta_25.txt", JavaErrorKind::kMetaspace, "Metaspace", "main",
                 "Sample$Loader.define"},
        Expected{"class_25.txt", JavaErrorKind::kClassSpace, "Compressed class space", "main",
                 "Sample$Loader.define"},
        Expected{"threads_v_25.txt", JavaErrorKind::kNativeThread,
                 "unable to create native thread: possibly out of memory or process/resource "
                 "limits reached",
                 "main", "Sample.startThreads"},
        Expected{"native_17.txt", JavaErrorKind::kNativeMemory,
                 "Could not reserve enough space for 1048576KB object heap", "", ""},
        Expected{"crash_25.txt", JavaErrorKind::kHeap, "Java heap space", "", ""},
        Expected{"flink_direct.log", JavaErrorKind::kDirectBuffers, "Direct buffer memory", "",
                 "FlinkOom.main"},
        Expected{"flink_direct_11.log", JavaErrorKind::kDirectBuffers, "Direct buffer memory", "",
                 "FlinkOom.main"},
        Expected{"flink_meta.log", JavaErrorKind::kMetaspace, "Metaspace", "", "FlinkOom.main"},
        Expected{"flink_network.log", JavaErrorKind::kDirectBuffers, "Direct buffer memory", "",
                 "org.apache.flink.core.memory.MemorySegmentFactory.allocateDirectMemory"},
        Expected{"flink_uncaught.log", JavaErrorKind::kHeap, "Java heap space",
                 "orders -> Map (1/2)#0", "FlinkOom.lambda$main$0"}),
    [](const auto& info) {
      std::string name = info.param.file;
      for (char& c : name) c = c == '.' ? '_' : c;
      return name;
    });

TEST(JavaErrors, AmountsTimesAndCounts) {
  const JavaError direct = Errors("direct_17.txt")[0];
  EXPECT_EQ(direct.requested, 4 * kMiB);
  EXPECT_EQ(direct.used, 32 * kMiB);
  EXPECT_EQ(direct.limit, 32 * kMiB);
  EXPECT_EQ(Errors("native_17.txt")[0].requested, kGiB);
  EXPECT_EQ(Errors("flink_uncaught.log")[0].time, "2026-11-28 20:28:36,508");
  EXPECT_EQ(Errors("flink_network.log")[0].time, "2026-11-28 20:29:05,697");
  EXPECT_EQ(Errors("flink_network.log")[0].count, 2u);
  // Of Flink's network buffers, which says how many it got.
  EXPECT_EQ(Errors("flink_network.log")[0].requested, std::nullopt);
  // Two warnings lead to one error: it is one.
  EXPECT_EQ(Errors("threads_v_25.txt")[0].count, 1u);
  EXPECT_EQ(Errors("threads_v_25.txt")[0].time, "0.054s");
}

JavaError Only(std::string_view text) {
  const std::vector<JavaError> errors = FindJavaErrors(text, "log");
  EXPECT_EQ(errors.size(), 1u) << text;
  return errors.empty() ? JavaError{} : errors[0];
}

TEST(JavaErrors, OfOtherKindsAndForms) {
  JavaError error = Only(
      "2023-06-27 16:28:29,146 WARN  org.apache.flink.runtime.taskmanager.Task [] - orders -> Map "
      "(1/2)#0 (1dbb2d016720c924d86dd50cff35b564_bc764cd8ddf7a0cff126f51c16239658_0_0) switched "
      "from "
      "RUNNING to FAILED with failure cause: java.lang.OutOfMemoryError: GC overhead limit "
      "exceeded\r\n"
      "\tat java.base/java.util.Arrays.copyOf(Arrays.java:3332) ~[?:?]\r\n"
      "\tat com.example.Orders.add(Orders.java:15) ~[orders.jar:?]\r\n");
  EXPECT_EQ(error.kind, JavaErrorKind::kHeap);
  EXPECT_EQ(error.message, "GC overhead limit exceeded");
  EXPECT_EQ(error.thread, "orders -> Map (1/2)#0");
  EXPECT_EQ(error.where, "com.example.Orders.add");
  EXPECT_EQ(error.time, "2023-06-27 16:28:29,146");

  error = Only(
      "Caused by: java.lang.OutOfMemoryError: Could not allocate enough memory segments for "
      "NetworkBufferPool (required (Mb): 5120, allocated (Mb): 1965, missing (Mb): 3155). Cause: "
      "Direct buffer memory. The direct out-of-memory error has occurred. This can mean two\n");
  EXPECT_EQ(error.kind, JavaErrorKind::kDirectBuffers);
  EXPECT_EQ(error.requested, 5 * kGiB);
  EXPECT_EQ(error.used, 1965 * kMiB);

  error = Only(
      "io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16777216 byte(s) of "
      "direct memory (used: 419430407, max: 429916160)\n"
      "\tat io.netty.util.internal.PlatformDependent.incrementMemoryCounter(P.java:754)\n");
  EXPECT_EQ(error.kind, JavaErrorKind::kDirectBuffers);
  EXPECT_EQ(error.requested, 16 * kMiB);
  EXPECT_EQ(error.limit, Bytes{429916160});

  // A log in JSON, and Kubernetes' time.
  error = Only(
      R"({"@timestamp":"2026-11-28T20:28:36.508Z","message":"x","thrown":"java.lang.OutOfMemoryError: Metaspace\n\tat java.base/java.lang.ClassLoader.defineClass1(Native Method)\n\tat com.example.Job.load(Job.java:7)\n"})"
      "\n");
  EXPECT_EQ(error.message, "Metaspace");
  EXPECT_EQ(error.where, "com.example.Job.load");
  error = Only(
      "2026-11-28T20:28:36.508123456Z stdout F java.lang.OutOfMemoryError: unable to create new "
      "native thread\n");
  EXPECT_EQ(error.kind, JavaErrorKind::kNativeThread);
  EXPECT_EQ(error.time, "2026-11-28T20:28:36.508123456Z");

  EXPECT_EQ(Only("java.lang.OutOfMemoryError: Unable to allocate 1048576 bytes\n").kind,
            JavaErrorKind::kNativeMemory);
  EXPECT_EQ(
      Only("java.lang.OutOfMemoryError\n\tat java.io.ByteArrayOutputStream.hugeCapacity(B)\n").kind,
      JavaErrorKind::kHeap);
  EXPECT_EQ(
      Only("OpenJDK 64-Bit Server VM warning: CodeCache is full. Compiler has been disabled.\n")
          .kind,
      JavaErrorKind::kCodeCache);
  error = Only(
      "#\n# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) "
      "at pc=0x00007f3b1c0d5e10, pid=1, tid=75\n#\n");
  EXPECT_EQ(error.kind, JavaErrorKind::kCrash);
  EXPECT_EQ(error.message, "SIGSEGV (0xb) at pc=0x00007f3b1c0d5e10");
  error = Only(
      "#\n# There is insufficient memory for the Java Runtime Environment to continue.\n# Native "
      "memory allocation (mmap) failed to map 65536 bytes. Error detail: committing\n");
  EXPECT_EQ(error.kind, JavaErrorKind::kNativeMemory);
  EXPECT_EQ(error.requested, 64 * kKiB);
}

TEST(JavaErrors, SeveralKindsAreSeveralErrors) {
  const std::vector<JavaError> errors = FindJavaErrors(
      "java.lang.OutOfMemoryError: Java heap space\njava.lang.OutOfMemoryError: Metaspace\n"
      "java.lang.OutOfMemoryError: Java heap space\n",
      "log");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].count, 2u);
  EXPECT_EQ(Summary(errors), "the Java heap ran out, 2 times; metaspace ran out");
}

TEST(JavaErrors, OptionsAndTalkAreNone) {
  for (const char* text : {"-XX:+ExitOnOutOfMemoryError -XX:+HeapDumpOnOutOfMemoryError\n",
                           "catch (java.lang.OutOfMemoryError error) {\n",
                           "java.lang.OutOfMemoryErrorHandler: Metaspace\n",
                           "java.lang.OutOfMemoryError: what is this\n", ""}) {
    EXPECT_TRUE(FindJavaErrors(text, "log").empty()) << text;
    EXPECT_FALSE(IsJavaErrors(FileOf("log", text)));
  }
  const std::string dump =
      std::string("JAVA PROFILE 1.0.2\0", 19) + "java.lang.OutOfMemoryError: Metaspace";
  EXPECT_FALSE(IsJavaErrors(FileOf("heap.hprof", dump)));
  Evidence evidence;
  EXPECT_FALSE(AddJavaErrors(FileOf("log", "nothing"), &evidence).ok());
}

TEST(JavaErrors, FillsTheEvidence) {
  const std::string text = Sample("errors/direct_17.txt");
  ASSERT_TRUE(IsJavaErrors(FileOf("tm.out", text)));
  Evidence evidence;
  const auto said = AddJavaErrors(FileOf("tm.out", text), &evidence);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said.value(), "direct buffers reached their limit");
  ASSERT_EQ(evidence.java_errors.size(), 1u);
  EXPECT_EQ(evidence.java_errors[0].source, "tm.out");
}

// Whatever the order in which the readers of one file are asked, an error is one.
TEST(JavaErrors, OtherReadersTakeTheirOwn) {
  const std::string log =
      Sample("flink/managed-1g-2slots.log") + Sample("errors/flink_uncaught.log");
  const SourceFile file = FileOf("tm.log", log);
  ASSERT_TRUE(IsFlinkLog(file));
  EXPECT_FALSE(IsJavaErrors(file));
  Evidence evidence;
  ASSERT_TRUE(AddJavaErrors(file, &evidence).ok());
  ASSERT_TRUE(AddFlinkLog(file, &evidence).ok());
  EXPECT_EQ(evidence.java_errors.size(), 1u);
  EXPECT_FALSE(IsJavaErrors(FileOf("hs_err_pid1.log", Sample("hs_err/mmap_17.log"))));
  EXPECT_TRUE(IsJavaErrors(FileOf("tm.out", Sample("errors/crash_25.txt"))));
}

}  // namespace
}  // namespace wrackline::test
