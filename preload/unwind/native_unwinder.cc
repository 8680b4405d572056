#define UNW_LOCAL_ONLY
#include "preload/unwind/native_unwinder.h"

#include <libunwind.h>

#include "preload/hooks/hook_section.h"
#include "preload/unwind/local_objects.h"

namespace wrackline::preload {
namespace {

constexpr std::uint32_t kMaxDepth = 128;
// Frames between unw_backtrace and the hook's caller, generously: the slow path, not inlined, is
// three.
constexpr std::uint32_t kOwnFrames = 12;

}  // namespace

void PrepareUnwinder() {
  PrepareLocalObjects();
  // libunwind's cache of parsed frames is shared by all threads behind a lock; the fast path's own,
  // per thread, is enough.
  unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_NONE);
  void* frames[16];
  unw_backtrace(frames, 16);
}

std::uint32_t CaptureStack(const void* caller, std::uint64_t* frames, std::uint32_t limit,
                           bool* truncated) {
  void* raw[kMaxDepth + kOwnFrames + 1];
  *truncated = false;
  if (limit > kMaxDepth) limit = kMaxDepth;
  const std::uint32_t wanted = limit + kOwnFrames + 1;
  const int got = unw_backtrace(raw, static_cast<int>(wanted));
  if (got <= 0) return 0;
  const std::uint32_t count = static_cast<std::uint32_t>(got);

  std::uint32_t first = 0;
  while (first < count && first <= kOwnFrames && raw[first] != caller) ++first;
  // Not there: the walk ended inside us. What it saw is of no use to anyone.
  if (first >= count || raw[first] != caller) return 0;

  std::uint32_t depth = 0;
  for (std::uint32_t i = first; i < count; ++i) {
    if (IsHookCode(raw[i]))
      continue;  // operator new's hook, on the way to a malloc that is sampled
    if (depth == limit) {
      *truncated = true;
      break;
    }
    frames[depth++] = reinterpret_cast<std::uint64_t>(raw[i]);
  }
  return depth;
}

}  // namespace wrackline::preload
