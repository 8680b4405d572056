// storm THREADS MILLISECONDS: the storm through the C library's names, for the preload in front of
// it. 0: every byte was right, and where the preload counts (bare_preload.cc) no sample is left over.
#include <malloc.h>
#include <stdlib.h>

#include "tests/unit/preload/programs/counts.h"
#include "tests/unit/preload/programs/storm.h"

namespace {

struct CLibrary {
  static void* Malloc(std::size_t size) { return malloc(size); }
  static void* Calloc(std::size_t count, std::size_t size) { return calloc(count, size); }
  static void* Realloc(void* old, std::size_t size) { return realloc(old, size); }
  static void* Reallocarray(void* old, std::size_t count, std::size_t size) {
    return reallocarray(old, count, size);
  }
  static void Free(void* block) { free(block); }
  static int PosixMemalign(void** out, std::size_t alignment, std::size_t size) {
    return posix_memalign(out, alignment, size);
  }
  static void* AlignedAlloc(std::size_t alignment, std::size_t size) {
    return aligned_alloc(alignment, size);
  }
  static std::size_t UsableSize(void* block) { return malloc_usable_size(block); }
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  WracklineTestCounts before = {};
  if (wrackline_test_counts != nullptr) wrackline_test_counts(&before);
  const auto result =
      wrackline::storm::Run<CLibrary>(static_cast<std::uint32_t>(atoi(arguments[1])),
                                      std::chrono::milliseconds(atoi(arguments[2])));
  if (result.wrong != 0 || result.allocations < 1000) return 1;
  if (wrackline_test_counts == nullptr) return 0;
  WracklineTestCounts after = {};
  wrackline_test_counts(&after);
  if (after.allocated_samples - after.freed_samples != after.live) {
    std::fprintf(stderr, "storm: %llu samples allocated, %llu freed, %llu alive\n",
                 static_cast<unsigned long long>(after.allocated_samples),
                 static_cast<unsigned long long>(after.freed_samples),
                 static_cast<unsigned long long>(after.live));
    return 1;
  }
  // What the runtime keeps of threads that ended.
  if (after.live > before.live + 200) {
    std::fprintf(stderr, "storm: %llu samples alive at the end\n",
                 static_cast<unsigned long long>(after.live));
    return 1;
  }
  return 0;
}
