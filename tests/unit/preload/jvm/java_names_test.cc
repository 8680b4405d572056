#include "preload/jvm/java_names.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "preload/frame_names.h"
#include "preload/jvm/java_frame.h"
#include "tests/support/profiled_process.h"
#include "tests/unit/preload/written_names.h"

namespace wrackline::preload {
namespace {

std::string Name(const char* signature, const char* method, std::size_t size = 256) {
  std::string name(size, '#');
  WriteJavaName(signature, method, name.data(), size);
  EXPECT_NE(std::memchr(name.data(), '\0', size), nullptr);
  return name.c_str();
}

TEST(JavaName, IsAsJavaWritesIt) {
  EXPECT_EQ(Name("Lcom/example/Decoder;", "decode"), "com.example.Decoder.decode");
  EXPECT_EQ(Name("Lcom/example/Outer$Inner;", "<init>"), "com.example.Outer$Inner.<init>");
  EXPECT_EQ(Name("LMain;", "main"), "Main.main");
}

TEST(JavaName, LeavesOutWhatDiffersFromRunToRun) {
  // Hidden classes, as JVMTI and as stack traces have them.
  EXPECT_EQ(Name("LMain$$Lambda$14.0x0000000800c03000;", "run"), "Main$$Lambda.run");
  EXPECT_EQ(Name("LMain$$Lambda$14+0x0000000800c03000;", "run"), "Main$$Lambda.run");
  EXPECT_EQ(Name("LMain$$Lambda/0x00007f0b4c000a00;", "run"), "Main$$Lambda.run");
  EXPECT_EQ(Name("LMain$$Lambda$2/1252585652;", "run"), "Main$$Lambda.run");  // before Java 15
  EXPECT_EQ(Name("Ljava/lang/invoke/LambdaForm$MH.0x0000000800c04400;", "invoke"),
            "java.lang.invoke.LambdaForm$MH.invoke");
  EXPECT_EQ(Name("Ljdk/internal/reflect/GeneratedMethodAccessor12;", "invoke"),
            "jdk.internal.reflect.GeneratedMethodAccessor.invoke");
}

TEST(JavaName, KeepsANumberThatIsPartOfTheName) {
  EXPECT_EQ(Name("Lcom/example/Stage2;", "run"), "com.example.Stage2.run");
  EXPECT_EQ(Name("Lcom/example/Outer$1;", "run"), "com.example.Outer$1.run");
  EXPECT_EQ(Name("L123;", "run"), "123.run");
}

TEST(JavaName, IsCutWhereItDoesNotFit) {
  EXPECT_EQ(Name("Lcom/example/Decoder;", "decode", 12), "com.example");
  EXPECT_EQ(Name("Lcom/example/Decoder;", "decode", 22), "com.example.Decoder.d");
  EXPECT_EQ(Name("", "", 2), ".");
}

TEST(JavaFrame, HoldsMethodAndBytecode) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const auto method = reinterpret_cast<jmethodID>(0x7fff'1234'5678);
  const std::uint64_t frame = JavaFrame(method, 300);
  EXPECT_TRUE(IsJavaFrame(frame));
  EXPECT_EQ(MethodOf(frame), method);
  EXPECT_EQ(BytecodeOf(frame), 300u);
  EXPECT_EQ(BytecodeOf(JavaFrame(method, -3)), kNoBytecode);
  EXPECT_EQ(BytecodeOf(JavaFrame(method, 70000)), kNoBytecode);
  // No user address has so many bits.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  EXPECT_EQ(JavaFrame(reinterpret_cast<jmethodID>(std::uint64_t{1} << 47), 1), 0u);
  EXPECT_EQ(JavaFrame(nullptr, 1), 0u);
  EXPECT_EQ(MethodOf(kUnknownJavaFrame), nullptr);
}

// --- FrameNames' part

std::uint64_t Frame(std::uint64_t method, int index) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return JavaFrame(reinterpret_cast<jmethodID>(method), index);
}

// Fills the job in as the JVM thread does.
void Answer(JavaNamingJob* job, const char* name, const char* file, std::uint32_t line) {
  job->text_used = 0;
  for (std::uint32_t i = 0; i < job->count; ++i) {
    if (name == nullptr) continue;
    job->frames[i].name = static_cast<std::uint32_t>(job->text_used);
    std::strcpy(job->text + job->text_used, name);
    job->text_used += std::strlen(name) + 1;
    job->frames[i].file = static_cast<std::uint32_t>(job->text_used);
    std::strcpy(job->text + job->text_used, file);
    job->text_used += std::strlen(file) + 1;
    job->frames[i].line = line;
  }
}

class JavaFrameNames : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(names.Open(1 << 20), 0); }
  FrameNames names;
  std::unique_ptr<JavaNamingJob> job = std::make_unique<JavaNamingJob>();
};

TEST_F(JavaFrameNames, GoToTheVmAndNotToTheModules) {
  const std::uint64_t frames[] = {0x401000, Frame(0x7f0000001000, 7), Frame(0x7f0000001000, 9)};
  names.Add(frames, 3, 1);
  EXPECT_TRUE(names.waiting());
  EXPECT_TRUE(names.java_waiting());
  ASSERT_TRUE(names.MakeJavaJob(job.get()));
  EXPECT_EQ(job->count, 2u);
  Answer(job.get(), "Main.leak", "Main.java", 17);
  names.TakeJavaJob(*job);
  EXPECT_FALSE(names.java_waiting());
  EXPECT_FALSE(names.MakeJavaJob(job.get()));
  const auto written = Written(names);
  ASSERT_EQ(written.size(), 2u);
  const proto::FrameName& name = written.at(frames[1]);
  EXPECT_EQ(name.symbol(), "Main.leak");
  EXPECT_EQ(name.file(), "Main.java");
  EXPECT_EQ(name.line(), 17u);
  EXPECT_TRUE(name.java());
  EXPECT_EQ(name.module_id(), 0u);
  EXPECT_EQ(names.unnamed(), 0u);
}

TEST_F(JavaFrameNames, OfAnUnloadedClassAreCountedAsLost) {
  const std::uint64_t frames[] = {Frame(0x1000, 1), kUnknownJavaFrame};
  names.Add(frames, 2, 1);
  EXPECT_EQ(names.java_lost(false), 1u) << "a method without an id is asked for by nobody";
  EXPECT_EQ(names.java_lost(true), 2u) << "with the VM go the names that were not taken yet";
  ASSERT_TRUE(names.MakeJavaJob(job.get()));
  ASSERT_EQ(job->count, 1u);
  Answer(job.get(), nullptr, nullptr, 0);
  names.TakeJavaJob(*job);
  EXPECT_EQ(names.java_lost(false), 2u);
  EXPECT_FALSE(names.waiting()) << "the end of the process does not wait for them";
}

TEST_F(JavaFrameNames, ThatFindNoRoomInAJobAreAskedForAgain) {
  std::vector<std::uint64_t> frames;
  for (int i = 0; i < 3000; ++i)
    frames.push_back(Frame(0x1000 + 8 * static_cast<std::uint64_t>(i), 1));
  names.Add(frames.data(), static_cast<std::uint32_t>(frames.size()), 1);
  std::uint32_t jobs = 0;
  while (names.MakeJavaJob(job.get())) {
    ASSERT_LT(++jobs, 10u);
    Answer(job.get(), "Main.leak", "Main.java", 17);
    // The first job's text was full at its second half.
    if (jobs == 1) {
      for (std::uint32_t i = job->count / 2; i < job->count; ++i) {
        job->frames[i].name = JavaNamingJob::kNoRoom;
      }
    }
    names.TakeJavaJob(*job);
  }
  EXPECT_EQ(Written(names).size(), frames.size());
}

}  // namespace
}  // namespace wrackline::preload
