#include "preload/sampling/mapping.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "preload/hooks/next_allocator.h"
#include "preload/jvm/java_stack.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/sampling/allocation.h"
#include "preload/unwind/native_unwinder.h"

namespace wrackline::preload {
namespace {

using internal::t_thread;

// Linux; old headers lack them.
constexpr int kMapHuge = 0x40000;
constexpr int kHugeShift = 26;
constexpr int kHugeMask = 63;
constexpr int kRemapDontUnmap = 4;
constexpr std::uint64_t kHugePage = 2 << 20;

// What the kernel makes of a length.
std::uint64_t Rounded(std::uint64_t length, int flags) {
  std::uint64_t page = getauxval(AT_PAGESZ);
  if (page == 0) page = 4096;
  if ((flags & kMapHuge) != 0) {
    const int shift = static_cast<int>(static_cast<unsigned>(flags) >> kHugeShift) & kHugeMask;
    page = shift != 0 ? std::uint64_t{1} << shift : kHugePage;
  }
  return (length + page - 1) & ~(page - 1);
}

std::uint64_t Address(const void* at) { return reinterpret_cast<std::uint64_t>(at); }

// The table, when there is one that is kept.
MappingTable* Table(ProfileState* state) {
  if (state == nullptr || !state->mappings.enabled() ||
      state->active.load(std::memory_order_acquire) == 0) {
    return nullptr;
  }
  return &state->mappings;
}

// --- before there is a state
struct EarlyCall {
  std::atomic<std::uint32_t> written;
  bool unmapped;
  MappedRange range;
  std::uint64_t pc;
};
constexpr std::uint32_t kEarlyCalls = 256;
constinit EarlyCall g_early[kEarlyCalls] = {};
constinit std::atomic<std::uint32_t> g_early_count{0};

void KeepEarly(const MappedRange& range, bool unmapped, const void* caller) {
  // Looked at first: in a program that is never recorded this would count for ever.
  if (g_early_count.load(std::memory_order_relaxed) >= kEarlyCalls) return;
  const std::uint32_t index = g_early_count.fetch_add(1, std::memory_order_relaxed);
  if (index >= kEarlyCalls) return;
  EarlyCall& call = g_early[index];
  call.unmapped = unmapped;
  call.range = range;
  call.pc = Address(caller);
  call.written.store(1, std::memory_order_release);
}

std::uint32_t FlagsOf(int protection, int flags, const void* caller) {
  std::uint32_t bits = 0;
  if ((flags & MAP_ANONYMOUS) == 0) bits |= MappedRange::kFile;
  if (protection == PROT_NONE) bits |= MappedRange::kReserved;
  if ((flags & MAP_SHARED) != 0) bits |= MappedRange::kShared;
  if ((flags & MAP_STACK) != 0) bits |= MappedRange::kStack;
  if (BelongsToNextAllocator(caller)) bits |= MappedRange::kAllocator;
  return bits;
}

}  // namespace

void Sign(ProfileState* state, MappedRange* range, const void* caller) {
  const int saved_errno = errno;
  std::uint64_t frames[StackTable::kMaxDepth];
  bool truncated = false;
  std::uint32_t depth = 0;
  // Not for a signal handler that interrupts a walk of this thread.
  if (t_thread.depth == 0) {
    t_thread.depth = 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    depth = CaptureStack(caller, frames, state->max_depth, &truncated);
    depth = ContinueInJava(&state->losses, caller, frames, depth, state->max_depth, &truncated);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    t_thread.depth = 0;
  }
  if (depth == 0) {
    frames[0] = Address(caller);
    depth = 1;
    state->losses.unwind_failed.fetch_add(1, std::memory_order_relaxed);
  }
  if (truncated) state->losses.stacks_truncated.fetch_add(1, std::memory_order_relaxed);
  bool full = false;
  range->stack_id = state->stacks.Intern(frames, depth, truncated, &full);
  if (full) state->losses.stack_table_full.fetch_add(1, std::memory_order_relaxed);
  if (t_thread.thread_id == 0) {
    t_thread.thread_id = static_cast<std::uint32_t>(syscall(SYS_gettid));
  }
  range->thread_id = t_thread.thread_id;
  EnterThread(state, t_thread.thread_id);
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const std::uint64_t now_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
                               static_cast<std::uint64_t>(now.tv_nsec);
  const std::uint64_t epoch = state->epoch_monotonic_ns;
  range->time_ms = static_cast<std::uint32_t>(now_ns > epoch ? (now_ns - epoch) / 1'000'000 : 0);
  errno = saved_errno;
}

void RecordMap(const void* at, std::size_t length, int protection, int flags, const void* caller) {
  ProfileState* state = State();
  MappedRange range = {Address(at), Rounded(length, flags), 0, 0, 0, 0};
  range.flags = FlagsOf(protection, flags, caller);
  if (state == nullptr) return KeepEarly(range, false, caller);
  NoticeMapper(caller);
  MappingTable* table = Table(state);
  if (table == nullptr) return;
  Sign(state, &range, caller);
  table->Map(range);
}

std::uint64_t BeforeUnmap(const void* at, std::size_t length) {
  ProfileState* state = State();
  const MappedRange range = {Address(at), Rounded(length, 0), 0, 0, 0, 0};
  // What the kernel will refuse.
  if (range.length == 0 || Rounded(range.start, 0) != range.start) return 0;
  if (state == nullptr) {
    KeepEarly(range, true, nullptr);
    return 0;
  }
  MappingTable* table = Table(state);
  return table == nullptr ? 0 : table->Unmap(range.start, range.length);
}

void UnmapFailed(std::uint64_t ticket) {
  ProfileState* state = State();
  if (state != nullptr && ticket != 0) state->mappings.UnmapFailed(ticket);
}

void RecordRemap(std::uint64_t ticket, const void* at, std::size_t old_length,
                 std::size_t new_length, int flags, const void* caller) {
  MappingTable* table = Table(State());
  if (table == nullptr || ticket == 0) return;
  MappedRange range = {Address(at), Rounded(new_length, 0), 0, 0, 0, 0};
  const bool grew = range.length > Rounded(old_length, 0);
  if (grew) Sign(State(), &range, caller);
  table->Remapped(ticket, range, grew, (flags & kRemapDontUnmap) != 0);
}

void RecordDuplicate(const void* from, const void* at, std::size_t length, const void* caller) {
  MappingTable* table = Table(State());
  if (table == nullptr) return;
  MappedRange range = {Address(at), Rounded(length, 0), 0, 0, 0, 0};
  Sign(State(), &range, caller);
  table->Duplicated(Address(from), range);
}

void ForgetIfGone(const void* at, std::size_t length) {
  MappingTable* table = Table(State());
  const std::uint64_t start = Address(at);
  const std::uint64_t bytes = Rounded(length, 0);
  if (table == nullptr || bytes == 0 || Rounded(start, 0) != start) return;
  const int saved_errno = errno;
  const std::uint64_t page = Rounded(1, 0);
  constexpr std::uint64_t kProbes = 64;
  const std::uint64_t pages = bytes / page;
  const std::uint64_t step = pages / kProbes + 1;
  bool gone = true;
  for (std::uint64_t i = 0; gone && i < pages; i += step) {
    // ENOMEM: nothing is mapped there. The system call itself: msync may be cancelled.
    gone = syscall(SYS_msync, start + i * page, page, MS_ASYNC) != 0 && errno == ENOMEM;
  }
  if (gone) table->Unmap(start, bytes);
  errno = saved_errno;
}

void TakeEarlyMappings(ProfileState* state) {
  std::uint32_t count = g_early_count.load(std::memory_order_acquire);
  if (count > kEarlyCalls) count = kEarlyCalls;
  for (std::uint32_t i = 0; i < count; ++i) {
    EarlyCall& call = g_early[i];
    if (call.written.load(std::memory_order_acquire) == 0) continue;
    if (call.unmapped) {
      state->mappings.Unmap(call.range.start, call.range.length);
      continue;
    }
    MappedRange range = call.range;
    // Known only now, where the allocator was still being looked for.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (BelongsToNextAllocator(reinterpret_cast<const void*>(call.pc)))
      range.flags |= MappedRange::kAllocator;
    bool full = false;
    range.stack_id = state->stacks.Intern(&call.pc, 1, false, &full);
    range.thread_id = static_cast<std::uint32_t>(syscall(SYS_gettid));
    state->mappings.Map(range);
  }
}

}  // namespace wrackline::preload
