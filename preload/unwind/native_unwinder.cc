#define UNW_LOCAL_ONLY
#include "preload/unwind/native_unwinder.h"

#include <libunwind.h>

#include <cstring>

#include "preload/hooks/hook_section.h"
#include "preload/unwind/code_changes.h"
#include "preload/unwind/local_objects.h"

// libunwind's own name for the fast walk that unw_backtrace begins with: return addresses from the
// cursor's frame outwards. Negative when a frame is not of the usual kinds.
extern "C" int _ULx86_64_tdep_trace(unw_cursor_t* cursor, void** addresses, int* count);
// Empties that walk's memory of frames, of the calling thread (cmake/libunwind-forget.c).
extern "C" void wrackline_unw_forget_frames();

namespace wrackline::preload {
namespace {

constexpr auto* tdep_trace = &_ULx86_64_tdep_trace;

constexpr std::uint32_t kMaxDepth = 128;
constinit thread_local SeenCodeChanges t_code_changes = {};
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

namespace {

// Copies what is the program's from `raw` behind the `depth` frames that are there already.
std::uint32_t KeepProgramFrames(void* const* raw, std::uint32_t count, std::uint32_t depth,
                                std::uint64_t* frames, std::uint32_t limit, bool* truncated) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (IsHookCode(raw[i])) continue;  // a hook that another one's allocator was called through
    if (depth == limit) {
      *truncated = true;
      break;
    }
    frames[depth++] = reinterpret_cast<std::uint64_t>(raw[i]);
  }
  return depth;
}

// From the hook's caller outwards, by libunwind's fast path alone. 0: that was not enough.
std::uint32_t WalkFromCaller(const Caller& caller, std::uint64_t* frames, std::uint32_t limit,
                             bool* truncated) {
  unw_context_t context;
  // The other registers are not known here. The fast path asks for none of them.
  std::memset(&context.uc_mcontext.gregs, 0, sizeof(context.uc_mcontext.gregs));
  context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(caller.pc);
  context.uc_mcontext.gregs[REG_RSP] = reinterpret_cast<greg_t>(caller.stack);
  context.uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(caller.rbp);
  unw_cursor_t cursor;
  void* raw[kMaxDepth];
  int count = static_cast<int>(limit);  // one more than fits behind the caller
  if (unw_init_local2(&cursor, &context, 0) < 0) return 0;
  if (tdep_trace(&cursor, raw, &count) < 0 || count < 0) return 0;
  frames[0] = reinterpret_cast<std::uint64_t>(caller.pc);
  return KeepProgramFrames(raw, static_cast<std::uint32_t>(count), 1, frames, limit, truncated);
}

}  // namespace

std::uint32_t CaptureStack(const Caller& caller, std::uint64_t* frames, std::uint32_t limit,
                           bool* truncated) {
  *truncated = false;
  if (limit > kMaxDepth) limit = kMaxDepth;
  if (limit == 0) return 0;
  if (t_code_changes.Changed()) [[unlikely]] {
    wrackline_unw_forget_frames();
  }
  if (caller.stack != nullptr) {
    const std::uint32_t depth = WalkFromCaller(caller, frames, limit, truncated);
    if (depth > 0) return depth;
    *truncated = false;
  }
  void* raw[kMaxDepth + kOwnFrames + 1];
  const std::uint32_t wanted = limit + kOwnFrames + 1;
  const int got = unw_backtrace(raw, static_cast<int>(wanted));
  if (got <= 0) return 0;
  const std::uint32_t count = static_cast<std::uint32_t>(got);

  std::uint32_t first = 0;
  while (first < count && first <= kOwnFrames && raw[first] != caller.pc) ++first;
  // Not there: the walk ended inside us. What it saw is of no use to anyone.
  if (first >= count || raw[first] != caller.pc) return 0;
  return KeepProgramFrames(raw + first, count - first, 0, frames, limit, truncated);
}

}  // namespace wrackline::preload
