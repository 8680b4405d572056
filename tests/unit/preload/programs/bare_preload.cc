// A preload without the recorder thread: samples from its constructor on, and tells the profiled
// program what it counted.
#include <stdlib.h>
#include <sys/mman.h>

#include "preload/sampling/allocation.h"
#include "preload/unwind/native_unwinder.h"
#include "tests/unit/preload/programs/counts.h"

using namespace wrackline::preload;

namespace {

__attribute__((constructor)) void Start() {
  void* pages = mmap(nullptr, sizeof(ProfileState), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || madvise(pages, sizeof(ProfileState), MADV_WIPEONFORK) != 0) return;
  auto* state = static_cast<ProfileState*>(pages);
  const char* interval = getenv("WRACKLINE_INTERVAL");
  state->interval = interval == nullptr ? 1 : strtoull(interval, nullptr, 10);
  state->max_depth = 64;
  const char* region = getenv("WRACKLINE_REGION");
  state->place = region == nullptr || region[0] != 'o' ? 1 : 0;
  PrepareUnwinder();
  internal::g_state = state;
  state->active.store(1, std::memory_order_release);
  SampleThisThreadFromNow();
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int wrackline_test_counts(
    WracklineTestCounts* out) {
  ProfileState* state = State();
  if (state == nullptr) return -1;
  *out = {};
  for (std::uint32_t id = 0; id < StackTable::kSlots; ++id) {
    const StackSnapshot one = state->stacks.Counters(id);
    out->allocated_samples += one.allocated_samples;
    out->allocated_bytes += one.allocated_bytes;
    out->freed_samples += one.freed_samples;
    out->freed_bytes += one.freed_bytes;
  }
  out->live = state->live.size() + state->region.Count().objects;
  out->active = state->active.load() != 0;
  out->reentrant = state->losses.reentrant.load();
  out->unwind_failed = state->losses.unwind_failed.load();
  return 0;
}
