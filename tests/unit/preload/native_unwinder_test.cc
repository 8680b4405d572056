#include "preload/unwind/native_unwinder.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "preload/unwind/code_changes.h"
#include "preload/unwind/local_objects.h"

namespace wrackline::preload {
namespace {

struct Captured {
  std::vector<std::uint64_t> frames;
  bool truncated;
};

[[gnu::noinline]] void CaptureHere(std::uint32_t limit, Captured* out) {
  std::uint64_t frames[128];
  const std::uint32_t depth =
      CaptureStack(__builtin_return_address(0), frames, limit, &out->truncated);
  out->frames.assign(frames, frames + depth);
}

bool IsIn(std::uint64_t pc, void (*function)(int, Captured*)) {
  const auto start = reinterpret_cast<std::uint64_t>(function);
  return pc > start && pc < start + 200;
}

[[gnu::noinline]] void Recurse(int levels, Captured* out) {
  if (levels == 0) {
    CaptureHere(64, out);
  } else {
    Recurse(levels - 1, out);
  }
  asm volatile("" ::: "memory");
}

class NativeUnwinder : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    PrepareUnwinder();
    internal::UseSnapshotOnly(GetParam());
  }
  void TearDown() override { internal::UseSnapshotOnly(false); }
  // In a thread of its own: what libunwind remembers of frames is kept per thread.
  template <typename Body>
  Captured Capture(Body body) {
    Captured captured = {};
    std::thread thread([&] { body(&captured); });
    thread.join();
    return captured;
  }
};

TEST_P(NativeUnwinder, WalksFromTheCallerToTheThreadsStart) {
  const Captured captured = Capture([](Captured* out) { Recurse(5, out); });
  ASSERT_GT(captured.frames.size(), 7u);
  // The innermost call of CaptureHere, five returns to the one place where Recurse calls itself, and
  // then its caller: another place.
  EXPECT_TRUE(IsIn(captured.frames[0], Recurse));
  EXPECT_TRUE(IsIn(captured.frames[1], Recurse));
  for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(captured.frames[i], captured.frames[1]) << i;
  EXPECT_NE(captured.frames[6], captured.frames[1]);
  EXPECT_FALSE(captured.truncated);
  // The outermost frame is libc's clone.
  Dl_info info = {};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(captured.frames.back()), &info), 0);
  EXPECT_NE(std::string(info.dli_fname).find("libc.so"), std::string::npos) << info.dli_fname;
}

TEST_P(NativeUnwinder, TheSameStackGivesTheSameFrames) {
  std::vector<Captured> captured(3);
  Capture([&](Captured*) {
    for (auto& one : captured) Recurse(10, &one);
  });
  EXPECT_EQ(captured[1].frames, captured[2].frames);
  EXPECT_EQ(captured[0].frames, captured[1].frames);
}

TEST_P(NativeUnwinder, CutsAtTheLimit) {
  const Captured captured = Capture([](Captured* out) { Recurse(200, out); });
  EXPECT_EQ(captured.frames.size(), 64u);
  EXPECT_TRUE(captured.truncated);
}

TEST_P(NativeUnwinder, TheLargestLimitIsKept) {
  const Captured captured = Capture([](Captured* out) { CaptureHere(100'000, out); });
  EXPECT_GT(captured.frames.size(), 1u);
  EXPECT_LE(captured.frames.size(), 128u);
}

#if defined(__x86_64__)
// A library takes the place of another, whose frames are 256 KiB larger.
Captured g_reloaded;
void CaptureInStep() {
  CaptureHere(64, &g_reloaded);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] Captured CaptureThrough(const char* path, void** place) {
  char room[512 << 10] = {};  // where a wrong step ends
  asm volatile("" ::"r"(room) : "memory");
  void* library = dlopen(path, RTLD_NOW);
  if (library == nullptr) return {};
  PublishLocalObjects();
  *place = dlsym(library, "wrackline_test_step");
  reinterpret_cast<void (*)(void (*)())> (*place)(CaptureInStep);
  dlclose(library);
  return g_reloaded;
}

TEST_P(NativeUnwinder, AReloadedPlaceIsWalkedRightOnceItIsSaid) {
  Capture([](Captured*) {
    void* first = nullptr;
    void* second = nullptr;
    const Captured large = CaptureThrough(WRACKLINE_LARGE_FRAME, &first);
    const Captured unsaid = CaptureThrough(WRACKLINE_SMALL_FRAME, &second);
    ASSERT_EQ(first, second) << "not at the same place: this run has shown nothing";
    BeginUnload();
    EndUnload();
    const Captured said = CaptureThrough(WRACKLINE_SMALL_FRAME, &second);
    ASSERT_EQ(first, second);
    ASSERT_GT(large.frames.size(), 4u);
    EXPECT_EQ(said.frames.size(), large.frames.size());
    // The snapshot's renewal has said it itself; without it this is what the test is about.
    if (GetParam()) {
      EXPECT_EQ(unsaid.frames.size(), large.frames.size());
    } else {
      EXPECT_LT(unsaid.frames.size(), large.frames.size());
    }
  });
}

// Code made at run time, in the shape that misleads a guess: rbp points to no frame.
//   push rbp; mov rbp, <argument 2>; call <argument 1>; pop rbp; ret
Captured g_captured;

[[gnu::noinline]] void CaptureFromMadeUpCode() {
  CaptureHere(64, &g_captured);
  asm volatile("" ::: "memory");
}

TEST_P(NativeUnwinder, StopsAtCodeOutsideEveryObject) {
  static const unsigned char kCode[] = {0x55, 0x48, 0x89, 0xf5, 0xff, 0xd7, 0x5d, 0xc3};
  void* page =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  std::memcpy(page, kCode, sizeof kCode);
  const Captured& captured = g_captured;
  for (const std::uint64_t rbp :
       {std::uint64_t{0}, std::uint64_t{8}, std::uint64_t{0x4141414141414141},
        reinterpret_cast<std::uint64_t>(page)}) {
    for (int round = 0; round < 2; ++round) {
      Capture([&](Captured*) {
        reinterpret_cast<void (*)(void (*)(), std::uint64_t)>(page)(CaptureFromMadeUpCode, rbp);
      });
      ASSERT_EQ(captured.frames.size(), 2u) << std::hex << rbp;
      EXPECT_EQ(captured.frames[1], reinterpret_cast<std::uint64_t>(page) + 6);
      EXPECT_FALSE(captured.truncated);
    }
  }
  munmap(page, 4096);
}
#endif

TEST_P(NativeUnwinder, FindsTheObjectOfAnAddress) {
  LocalObject object;
  ASSERT_TRUE(FindLocalObject(reinterpret_cast<std::uint64_t>(&FindLocalObject), &object));
  EXPECT_LE(object.start, reinterpret_cast<std::uint64_t>(&FindLocalObject));
  EXPECT_GT(object.end, reinterpret_cast<std::uint64_t>(&FindLocalObject));
  EXPECT_NE(object.eh_frame_header, 0u);
  ASSERT_TRUE(
      FindLocalObject(reinterpret_cast<std::uint64_t>(dlsym(RTLD_DEFAULT, "strlen")), &object));
  EXPECT_FALSE(FindLocalObject(0, &object));
  int on_stack = 0;
  EXPECT_FALSE(FindLocalObject(reinterpret_cast<std::uint64_t>(&on_stack), &object));
}

// The table of an object that is gone may be anything by the time that it is read.
TEST(NativeUnwinderSnapshot, SaysNothingBetweenAnUnloadAndItsRenewal) {
  internal::UseSnapshotOnly(true);
  const auto pc = reinterpret_cast<std::uint64_t>(&FindLocalObject);
  LocalObject object;
  EXPECT_TRUE(FindLocalObject(pc, &object));
  BeginUnload();
  EXPECT_FALSE(FindLocalObject(pc, &object));
  PublishLocalObjects();
  EXPECT_FALSE(FindLocalObject(pc, &object)) << "it is still under way";
  EndUnload();
  EXPECT_FALSE(FindLocalObject(pc, &object));
  PublishLocalObjects();
  EXPECT_TRUE(FindLocalObject(pc, &object));
  // A thread that met the end of a stack there meanwhile forgets it.
  SeenCodeChanges seen = {};
  seen.Changed();
  BeginUnload();
  EndUnload();
  EXPECT_TRUE(seen.Changed());
  EXPECT_FALSE(seen.Changed());
  PublishLocalObjects();
  EXPECT_TRUE(seen.Changed());
  PublishLocalObjects();
  EXPECT_FALSE(seen.Changed()) << "nothing came or went";
  internal::UseSnapshotOnly(false);
}

TEST(NativeUnwinderSnapshot, IsNotRenewedDuringAFork) {
  internal::UseSnapshotOnly(true);
  const auto pc = reinterpret_cast<std::uint64_t>(&FindLocalObject);
  LocalObject object;
  BeginUnload();
  EndUnload();
  HoldRenewals();
  PublishLocalObjects();
  EXPECT_FALSE(FindLocalObject(pc, &object));
  AllowRenewals();
  PublishLocalObjects();
  EXPECT_TRUE(FindLocalObject(pc, &object));
  internal::UseSnapshotOnly(false);
}

TEST_P(NativeUnwinder, AnObjectThatComesAndGoesIsFollowed) {
  void* handle = dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) handle = dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr);
  void* inside = dlsym(handle, "ZSTD_versionNumber");
  if (inside == nullptr) inside = dlsym(handle, "zlibVersion");
  ASSERT_NE(inside, nullptr);
  PublishLocalObjects();
  LocalObject object;
  EXPECT_TRUE(FindLocalObject(reinterpret_cast<std::uint64_t>(inside), &object));
  void* still_loaded = nullptr;
  dlclose(handle);
  PublishLocalObjects();
  Dl_info info;
  if (dladdr(inside, &info) != 0) still_loaded = info.dli_fbase;  // a sanitizer's runtime keeps it
  EXPECT_EQ(FindLocalObject(reinterpret_cast<std::uint64_t>(inside), &object),
            still_loaded != nullptr);
}

INSTANTIATE_TEST_SUITE_P(Lookup, NativeUnwinder, testing::Bool(),
                         [](const auto& info) { return info.param ? "Snapshot" : "DlFindObject"; });

}  // namespace
}  // namespace wrackline::preload
