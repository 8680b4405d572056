// entries_storm THREADS MILLISECONDS: the storm on every entry point that the process has, for the preload in
// front of it. 0: every byte was right, and where the preload counts (bare_preload.cc) every sample is
// accounted for.
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "tests/unit/preload/programs/counts.h"
#include "tests/unit/preload/programs/entries_storm.h"

namespace {

void* Map(void* at, std::size_t length, int protection, int flags) {
  return mmap(at, length, protection, flags, -1, 0);
}
void* Remap(void* old, std::size_t old_length, std::size_t length, int flags, void* at) {
  return mremap(old, old_length, length, flags, at);
}
unsigned long long Long(std::uint64_t number) { return number; }

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  wrackline::storm::Entries entries = wrackline::storm::FindEntries("");
  const char* preload = getenv("LD_PRELOAD");
  entries.mimalloc_behind = preload != nullptr && strstr(preload, "libmimalloc") != nullptr;
  wrackline::storm::EntriesStorm storm(std::move(entries),
                                       wrackline::storm::Mapper{Map, munmap, Remap});
  WracklineTestCounts before = {};
  if (wrackline_test_counts != nullptr) wrackline_test_counts(&before);
  storm.Run(static_cast<std::uint32_t>(atoi(arguments[1])),
            std::chrono::milliseconds(atoi(arguments[2])));
  storm.UnmapAll();
  const wrackline::storm::EntriesResult& result = storm.result();
  WracklineTestCounts after = {};
  if (wrackline_test_counts != nullptr) wrackline_test_counts(&after);
  std::printf(
      "%llu operations, %llu allocations, %llu threads; %llu samples, "
      "%llu live before, %llu after\n",
      Long(result.operations), Long(result.allocations), Long(result.threads),
      Long(after.allocated_samples - before.allocated_samples), Long(before.live),
      Long(after.live));
  if (result.wrong != 0) return 1;
  if (wrackline_test_counts == nullptr) return 0;
  if (after.allocated_samples - after.freed_samples != after.live) {
    std::fprintf(stderr, "storm: %llu samples allocated, %llu freed, %llu alive\n",
                 Long(after.allocated_samples), Long(after.freed_samples), Long(after.live));
    return 1;
  }
  // What the storm itself keeps, and the runtime of threads that ended.
  if (after.live > before.live + 1000) {
    std::fprintf(stderr, "storm: %llu samples alive at the end\n", Long(after.live));
    return 1;
  }
  return 0;
}
