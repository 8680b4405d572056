#include "preload/sampling/thread_start.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

#include "preload/hooks/thread_hooks.h"
#include "tests/unit/preload/test_state.h"

#ifdef __SANITIZE_ADDRESS__
extern "C" void __asan_handle_no_return();
#endif

namespace wrackline::preload {
namespace {

// AddressSanitizer keeps marks on the stack for frames that the C library's unwinding passes over.
void ForgetFrames() {
#ifdef __SANITIZE_ADDRESS__
  __asan_handle_no_return();
#endif
}

struct Block {
  std::uint64_t start, end;
};

// What a thread says of itself, and what it waits for.
struct Thread {
  std::atomic<bool> runs{false};
  std::atomic<bool> go_on{false};
  std::uint32_t id = 0;
  Block stack{};
  void (*end)() = nullptr;

  void WaitUntilItRuns() const {
    while (!runs.load()) std::this_thread::yield();
  }
};

void* Body(void* given) {
  auto* self = static_cast<Thread*>(given);
  self->id = static_cast<std::uint32_t>(syscall(SYS_gettid));
  pthread_attr_t attributes;
  pthread_getattr_np(pthread_self(), &attributes);
  void* lowest = nullptr;
  std::size_t bytes = 0;
  pthread_attr_getstack(&attributes, &lowest, &bytes);
  pthread_attr_destroy(&attributes);
  self->stack = {reinterpret_cast<std::uint64_t>(lowest),
                 reinterpret_cast<std::uint64_t>(lowest) + bytes};
  self->runs.store(true);
  while (!self->go_on.load()) std::this_thread::yield();
  if (self->end != nullptr) self->end();
  return given;
}

class ThreadStarts : public testing::Test {
 protected:
  void SetUp() override {
    static const bool noted = NoteThreads();
    ASSERT_TRUE(noted);
    state_->mappings.Enable();
  }

  [[gnu::noinline]] int Create(pthread_t* thread, const pthread_attr_t* attributes,
                               void* argument) {
    return CreateThrough(::pthread_create, __builtin_return_address(0), thread, attributes, Body,
                         argument);
  }

  std::vector<MappedRange> Stacks() {
    state_->mappings.Settle();
    std::vector<MappedRange> stacks;
    for (std::uint32_t slot = 0; slot < MappingTable::kSlots; ++slot) {
      MappedRange range;
      if (state_->mappings.Read(slot, &range) != MappingTable::SlotState::kOccupied) continue;
      EXPECT_EQ(range.flags, MappedRange::kThread);
      stacks.push_back(range);
    }
    return stacks;
  }

  // One thread in its whole life; what the table says of it meanwhile.
  MappedRange Live(const pthread_attr_t* attributes, void (*end)() = nullptr,
                   Block* stack = nullptr) {
    Thread thread;
    thread.end = end;
    pthread_t handle;
    EXPECT_EQ(Create(&handle, attributes, &thread), 0);
    thread.WaitUntilItRuns();
    const std::vector<MappedRange> stacks = Stacks();
    thread.go_on.store(true);
    void* result = nullptr;
    EXPECT_EQ(pthread_join(handle, &result), 0);
    if (end == nullptr) {
      EXPECT_EQ(result, &thread);
    }
    EXPECT_EQ(Stacks().size(), 0u);
    if (stack != nullptr) *stack = thread.stack;
    if (stacks.size() != 1) {
      ADD_FAILURE() << stacks.size() << " stacks";
      return {};
    }
    EXPECT_EQ(stacks[0].thread_id, thread.id);
    EXPECT_EQ(stacks[0].end(), thread.stack.end);
    EXPECT_GE(stacks[0].start, thread.stack.start);
    return stacks[0];
  }

  TestState state_{1 << 20};
};

class Attributes {
 public:
  explicit Attributes(std::size_t stack_bytes) {
    pthread_attr_init(&attributes_);
    EXPECT_EQ(pthread_attr_setstacksize(&attributes_, stack_bytes), 0);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { pthread_attr_destroy(&attributes_); }
  pthread_attr_t* get() { return &attributes_; }

 private:
  pthread_attr_t attributes_;
};

TEST_F(ThreadStarts, AStackIsThereWhileItsThreadLives) {
  Attributes small(1 << 20);
  Block block{};
  const MappedRange stack = Live(small.get(), nullptr, &block);
  EXPECT_EQ(stack.start, block.start);
  EXPECT_EQ(stack.length, 1u << 20);
  const std::uint64_t* frames = nullptr;
  std::uint32_t depth = 0;
  bool truncated = false;
  ASSERT_TRUE(state_->stacks.Frames(stack.stack_id, &frames, &depth, &truncated));
  EXPECT_GT(depth, 1u);
}

TEST_F(ThreadStarts, WithoutAttributesTheStackHasTheUsualSize) {
  pthread_attr_t usual;
  std::size_t bytes = 0;
  ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
  pthread_attr_getstacksize(&usual, &bytes);
  pthread_attr_destroy(&usual);
  EXPECT_EQ(Live(nullptr).length, bytes);
}

TEST_F(ThreadStarts, EveryWayToEndIsSeen) {
  Attributes small(1 << 20);
  Live(small.get(), [] {
    ForgetFrames();
    pthread_exit(nullptr);
  });
  Live(small.get(), [] {
    pthread_cancel(pthread_self());
    ForgetFrames();
    pthread_testcancel();
  });
  EXPECT_EQ(state_->mappings.losses().missed, 0u);
}

TEST_F(ThreadStarts, ADetachedThreadEndsUnwatched) {
  Attributes small(1 << 20);
  pthread_attr_setdetachstate(small.get(), PTHREAD_CREATE_DETACHED);
  Thread thread;
  pthread_t handle;
  ASSERT_EQ(Create(&handle, small.get(), &thread), 0);
  thread.WaitUntilItRuns();
  EXPECT_EQ(Stacks().size(), 1u);
  thread.go_on.store(true);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!Stacks().empty() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_EQ(Stacks().size(), 0u);
}

// glibc gives the stack of an ended thread to the next one, up to four times larger than was asked for.
TEST_F(ThreadStarts, StacksThatAreUsedAgainAreTheNewThreads) {
  Attributes large(2 << 20), small(1 << 20);  // (ThreadSanitizer enlarges smaller ones)
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(Live(large.get()).length, 2u << 20);
    EXPECT_EQ(Live(small.get()).length, 1u << 20);
  }
  EXPECT_EQ(state_->mappings.losses().missed, 0u);
}

TEST_F(ThreadStarts, NeighboursStayApart) {
  Attributes small(1 << 20);
  pthread_attr_setguardsize(small.get(), 0);
  constexpr int kThreads = 20;
  Thread threads[kThreads];
  pthread_t handles[kThreads];
  for (int i = 0; i < kThreads; ++i) ASSERT_EQ(Create(&handles[i], small.get(), &threads[i]), 0);
  for (const Thread& thread : threads) thread.WaitUntilItRuns();
  EXPECT_EQ(Stacks().size(), std::size_t{kThreads});
  for (Thread& thread : threads) thread.go_on.store(true);
  for (const pthread_t handle : handles) pthread_join(handle, nullptr);
  EXPECT_EQ(Stacks().size(), 0u);
}

TEST_F(ThreadStarts, AStackOfTheProgramsIsLeftAlone) {
  constexpr std::size_t kBytes = 1 << 20;
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstack(&attributes, memory, kBytes), 0);
  Thread thread;
  pthread_t handle;
  ASSERT_EQ(Create(&handle, &attributes, &thread), 0);
  pthread_attr_destroy(&attributes);
  thread.WaitUntilItRuns();
  EXPECT_EQ(Stacks().size(), 0u);
  thread.go_on.store(true);
  pthread_join(handle, nullptr);
  munmap(memory, kBytes);
}

TEST_F(ThreadStarts, AThreadThatCannotBeMadeLeavesNothing) {
  const auto refuse = [](pthread_t*, const pthread_attr_t*, ThreadRoutine, void*) {
    return EAGAIN;
  };
  pthread_t handle;
  for (int i = 0; i < 5000; ++i)
    ASSERT_EQ(CreateThrough(refuse, __builtin_return_address(0), &handle, nullptr, Body, nullptr),
              EAGAIN);
  EXPECT_EQ(state_->mappings.losses().missed, 0u);
  Live(nullptr);
}

struct Call {
  ThreadRoutine routine;
  void* argument;
};
std::vector<Call> g_calls;

TEST_F(ThreadStarts, ThoseThatFindNoRoomRunUncounted) {
  const auto keep = [](pthread_t*, const pthread_attr_t*, ThreadRoutine routine, void* argument) {
    g_calls.push_back({routine, argument});
    return 0;
  };
  std::atomic<int> ran{0};
  const ThreadRoutine count = [](void* given) -> void* {
    static_cast<std::atomic<int>*>(given)->fetch_add(1);
    return nullptr;
  };
  constexpr int kThreads = 1100;
  for (int i = 0; i < kThreads; ++i) {
    pthread_t handle;
    ASSERT_EQ(CreateThrough(keep, __builtin_return_address(0), &handle, nullptr, count, &ran), 0);
  }
  EXPECT_EQ(state_->mappings.losses().missed, 76u);
  for (const Call& call : g_calls) {
    pthread_t handle;
    ASSERT_EQ(pthread_create(&handle, nullptr, call.routine, call.argument), 0);
    pthread_join(handle, nullptr);
  }
  EXPECT_EQ(ran.load(), kThreads);
  EXPECT_EQ(Stacks().size(), 0u);
  g_calls.clear();
  Live(nullptr);
}

TEST_F(ThreadStarts, InAForkedChildNothingIsNoted) {
  const pid_t child = fork();
  if (child == 0) {
    Thread thread;
    thread.go_on.store(true);
    pthread_t handle;
    const bool made = Create(&handle, nullptr, &thread) == 0 && pthread_join(handle, nullptr) == 0;
    _exit(made && state_->mappings.size() == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace wrackline::preload
