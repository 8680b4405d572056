#include "preload/glibc_heaps.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/mman.h>

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace wrackline::preload {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WRACKLINE_SANITIZER_MALLOC
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WRACKLINE_SANITIZER_MALLOC
#endif

constexpr std::uint64_t kMi = 1 << 20;

// A sanitizer answers malloc itself, and its shadow is more memory than is looked through.
#if !defined(WRACKLINE_SANITIZER_MALLOC)
// What glibc says of itself, in its own way, which allocates.
struct MallocInfo {
  std::uint32_t arenas = 0, heaps = 0;
  std::uint64_t mapped = 0;  // of all arenas but the main one
};

MallocInfo AskGlibc() {
  char* text = nullptr;
  std::size_t size = 0;
  FILE* stream = open_memstream(&text, &size);
  malloc_info(0, stream);
  fclose(stream);
  MallocInfo info;
  bool main_arena = false;
  bool in_arena = false;
  for (const char* line = text; line != nullptr && *line != '\0';) {
    const char* end = std::strchr(line, '\n');
    unsigned long long number = 0;
    if (std::sscanf(line, "<heap nr=\"%llu\">", &number) == 1) {
      ++info.arenas;
      main_arena = number == 0;
      in_arena = true;
    } else if (std::strncmp(line, "</heap>", 7) == 0) {
      in_arena = false;
    } else if (in_arena && !main_arena &&
               std::sscanf(line, "<system type=\"current\" size=\"%llu\"/>", &number) == 1) {
      info.mapped += number;
    } else if (in_arena && !main_arena &&
               std::sscanf(line, "<aspace type=\"subheaps\" size=\"%llu\"/>", &number) == 1) {
      info.heaps += static_cast<std::uint32_t>(number);
    }
    line = end != nullptr ? end + 1 : nullptr;
  }
  std::free(text);
  return info;
}

TEST(GlibcHeaps, AgreeWithWhatGlibcSaysItself) {
  constexpr int kThreads = 6;
  constexpr std::size_t kBlock = 1000;
  // One thread holds more than a heap of 64 MiB.
  constexpr std::size_t kMany = 80'000, kFew = 500;
  const auto before = ReadGlibcHeaps();
  ASSERT_TRUE(before.has_value());

  std::barrier held(kThreads + 1), compared(kThreads + 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::vector<void*> blocks(i == 0 ? kMany : kFew);
      for (void*& block : blocks) {
        block = std::malloc(kBlock);
        std::memset(block, 1, kBlock);
      }
      held.arrive_and_wait();
      compared.arrive_and_wait();
      for (void* block : blocks) std::free(block);
    });
  }
  held.arrive_and_wait();
  const auto heaps = ReadGlibcHeaps();
  const MallocInfo glibc = AskGlibc();
  compared.arrive_and_wait();
  for (std::thread& thread : threads) thread.join();

  ASSERT_TRUE(heaps.has_value());
  EXPECT_EQ(heaps->arenas, glibc.arenas);
  EXPECT_EQ(heaps->heaps, glibc.heaps);
  EXPECT_EQ(heaps->mapped, glibc.mapped);
  // Threads share an arena only when there are as many as glibc makes: two a processor at least.
  EXPECT_GE(heaps->arenas, 3u);
  EXPECT_GE(heaps->heaps, heaps->arenas);  // one arena has two heaps, the main one has none
  ASSERT_TRUE(heaps->resident.has_value());
  EXPECT_LE(*heaps->resident, heaps->mapped);
  // Every page of the blocks was written. What the first thread holds is in heaps; another thread's
  // may be in the main arena.
  EXPECT_GE(*heaps->resident, kMany * kBlock);
}

TEST(GlibcHeaps, OtherMemoryIsNoHeap) {
  const auto before = ReadGlibcHeaps();
  ASSERT_TRUE(before.has_value());
  // Aligned to a heap's size, written, and almost a header: its arena lies elsewhere.
  constexpr std::size_t kHeap = 64 * kMi;
  void* reserved = mmap(nullptr, 2 * kHeap, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(reserved, MAP_FAILED);
  const auto at = (reinterpret_cast<std::uint64_t>(reserved) + kHeap - 1) & ~(kHeap - 1);
  auto* header = reinterpret_cast<GlibcHeapHeader*>(at);
  *header = {at + 4096, 0, kMi, kMi};
  auto now = ReadGlibcHeaps();
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->heaps, before->heaps);
  // And with the right words it is taken: the look goes through every such address.
  header->arena = at + 48;
  now = ReadGlibcHeaps();
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->heaps, before->heaps + 1);
  EXPECT_EQ(now->arenas, before->arenas + 1);
  EXPECT_EQ(now->mapped, before->mapped + kMi);
  EXPECT_EQ(*now->resident, *before->resident + 4096);  // its one touched page
  munmap(reserved, 2 * kHeap);
}

#endif

TEST(GlibcHeapHeader, IsTakenOnlyWhenItsWordsFit) {
  constexpr std::uint64_t kHeap = 64 * kMi, kAt = 0x7f00'0000'0000;
  const GlibcHeapHeader first{kAt + 48, 0, kMi, 2 * kMi};
  EXPECT_TRUE(IsGlibcHeap(kAt, first));
  EXPECT_TRUE(IsGlibcHeap(kAt, {kAt + 32, 0, kMi, kMi}));                    // before glibc 2.35
  EXPECT_TRUE(IsGlibcHeap(kAt, {kAt - kHeap + 48, kAt - kHeap, kMi, kMi}));  // an arena's second
  EXPECT_FALSE(IsGlibcHeap(kAt, {}));
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt, 0, kMi, kMi}));
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt + 4096, 0, kMi, kMi}));
  EXPECT_FALSE(IsGlibcHeap(kAt, {48, kAt + kHeap, kMi, kMi}));
  EXPECT_FALSE(IsGlibcHeap(kAt + kHeap, first));                      // another's, and first
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt + 48, kAt + kHeap, kMi, kMi}));  // its own, and not first
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt - kHeap + 48, kAt + 1, kMi, kMi}));
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt + 48, 0, kMi + 1, 2 * kMi}));
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt + 48, 0, 2 * kMi, kMi}));
  EXPECT_FALSE(IsGlibcHeap(kAt, {kAt + 48, 0, 65 * kMi, 65 * kMi}));
}

}  // namespace
}  // namespace wrackline::preload
