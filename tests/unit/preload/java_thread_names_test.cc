#include "preload/jvm/thread_names.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "preload/sampling/allocation.h"
#include "tests/unit/preload/test_state.h"

namespace wrackline::preload {
namespace {

// A VM in this process, made once: there can be no second one. This thread is its main thread.
const JvmContext& Machine() {
  static const JvmContext context = [] {
    JvmContext jvm{};
    void* const library = dlopen(WRACKLINE_LIBJVM, RTLD_NOW | RTLD_GLOBAL);
    using Create = jint (*)(JavaVM**, void**, void*);
    const auto create =
        library != nullptr ? reinterpret_cast<Create>(dlsym(library, "JNI_CreateJavaVM")) : nullptr;
    if (create == nullptr) return jvm;
    char heap[] = "-Xmx32m", collector[] = "-XX:+UseSerialGC", share[] = "-Xshare:auto";
    JavaVMOption options[] = {{heap, nullptr}, {collector, nullptr}, {share, nullptr}};
    JavaVMInitArgs arguments = {JNI_VERSION_1_8, 3, options, JNI_FALSE};
    if (create(&jvm.vm, reinterpret_cast<void**>(&jvm.env), &arguments) != JNI_OK) return jvm;
    jvm.vm->GetEnv(reinterpret_cast<void**>(&jvm.jvmti), JVMTI_VERSION_1_2);
    return jvm;
  }();
  return context;
}

// Attaches the calling thread to the VM for as long as it lives.
class Attached {
 public:
  explicit Attached(const char* name) {
    JavaVMAttachArgs arguments = {JNI_VERSION_1_8, const_cast<char*>(name), nullptr};
    Machine().vm->AttachCurrentThread(reinterpret_cast<void**>(&env_), &arguments);
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() { Machine().vm->DetachCurrentThread(); }
  JNIEnv* env() const { return env_; }

 private:
  JNIEnv* env_ = nullptr;
};

void EnterTable(const void* env) {
  EnterThread(State(), static_cast<std::uint32_t>(syscall(SYS_gettid)));
  if (env != nullptr) NoteJavaThread(State(), env);
}

class JavaThreadNames : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(Machine().jvmti, nullptr);
    internal::t_thread = {};
  }
  std::string NameOf(std::uint32_t slot) {
    ThreadEntry entry = {};
    EXPECT_TRUE(state_->threads.Read(slot, &entry)) << slot;
    return entry.java_name;
  }
  // Runs `during` while a thread of that name is in the table, at `slot`.
  template <typename During>
  void With(const char* name, During during) {
    std::atomic<int> step{0};
    std::thread thread([&] {
      const Attached attached(name);
      EnterTable(attached.env());
      step = 1;
      step.notify_one();
      step.wait(1);
    });
    step.wait(0);
    during();
    step = 2;
    step.notify_one();
    thread.join();
  }

  TestState state_{std::uint64_t{1} << 40};
};

TEST_F(JavaThreadNames, AThreadIsNamedWholeByTheVmAndFoundByItsJniEnv) {
  EnterTable(Machine().env);
  constexpr char kTask[] = "Source: orders -> Map -> Sink: Print to Std. Out (1/4)#0";
  With(kTask, [&] {
    NameJavaThreads(Machine(), State());
    EXPECT_EQ(NameOf(0), "main");
    EXPECT_EQ(NameOf(1), kTask);
  });
}

TEST_F(JavaThreadNames, AThreadThatEndsBetweenTwoLooksIsNamedAtItsEnd) {
  NameJavaThreads(Machine(), State());  // nothing to name yet, but it begins to watch
  With("pool-1-thread-7", [] {});
  EXPECT_EQ(NameOf(0), "pool-1-thread-7");
  // One without a sample stays out; one whose hook never saw the VM is named all the same.
  std::thread([] { const Attached attached("silent"); }).join();
  std::thread([] {
    const Attached attached("native only");
    EnterTable(nullptr);
  }).join();
  EXPECT_EQ(NameOf(1), "native only");
  // A later thread may get the same JNIEnv: the name of the first stays.
  With("another", [&] { NameJavaThreads(Machine(), State()); });
  EXPECT_EQ(NameOf(0), "pool-1-thread-7");
  EXPECT_EQ(NameOf(2), "another");
}

TEST_F(JavaThreadNames, TheMainThreadKeepsItsNameWhenItWaitsForTheEnd) {
  NameJavaThreads(Machine(), State());
  With("DestroyJavaVM", [&] {
    ThreadEntry entry = {};
    ASSERT_TRUE(state_->threads.Read(0, &entry));
    ASSERT_TRUE(state_->threads.SetJavaName(0, entry, "main"));
  });
  EXPECT_EQ(NameOf(0), "main");
}

TEST_F(JavaThreadNames, OfManyShortThreadsEachIsNamed) {
  NameJavaThreads(Machine(), State());
  constexpr std::uint32_t kThreads = 300;
  for (std::uint32_t i = 0; i < kThreads; ++i) {
    std::thread([i] {
      const Attached attached(("short-" + std::to_string(i)).c_str());
      EnterTable(attached.env());
    }).join();
    if (i % 50 == 0) NameJavaThreads(Machine(), State());
  }
  for (std::uint32_t i = 0; i < kThreads; ++i) EXPECT_EQ(NameOf(i), "short-" + std::to_string(i));
}

std::string Copied(const std::string& name, std::size_t size = 256) {
  std::string out(size, 'x');
  CopyJavaName(name.c_str(), out.data(), size);
  return out.c_str();
}

TEST(CopyJavaName, IsUtf8AndKeepsTheEndOfALongName) {
  EXPECT_EQ(Copied("plain"), "plain");
  EXPECT_EQ(Copied("\xC3\xBC\xE2\x82\xAC"), "\xC3\xBC\xE2\x82\xAC");
  EXPECT_EQ(Copied("a\xC0\x80z"), "a?z");                   // a zero
  EXPECT_EQ(Copied("a\xED\xA0\xBD\xED\xB8\x80z"), "a??z");  // a pair
  EXPECT_EQ(Copied("a\xE2\x82"), "a?");
  const std::string full(255, 'n');
  EXPECT_EQ(Copied(full), full);
  const std::string name = Copied(std::string(400, 'n') + " (1/4)#0");
  EXPECT_EQ(name.size(), 255u);
  EXPECT_EQ(name.substr(name.size() - 8), " (1/4)#0");
  EXPECT_NE(name.find("n...n"), std::string::npos);
  for (std::size_t pad = 0; pad < 3; ++pad) {
    const std::string cut = Copied(std::string(pad, 'a') + [] {
      std::string text;
      for (int i = 0; i < 200; ++i) text += "\xE2\x82\xAC";
      return text;
    }());
    EXPECT_LE(cut.size(), 255u);
  }
}

}  // namespace
}  // namespace wrackline::preload
