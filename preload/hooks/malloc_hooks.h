// What the hooks of malloc and its family do, with the real function as a parameter, so that it is
// tested without interposition. The hooks themselves (malloc_hooks.cc) only say which function that
// is.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "preload/hooks/hook_section.h"
#include "preload/hooks/next_allocator.h"
#include "preload/sampling/allocation.h"

namespace wrackline::preload {

// The countdown ended within `request`. Real(arguments...) gives a block for it. kMayNest: it may
// call another hook on the way.
template <bool kMayNest, typename Real, typename... Arguments>
[[gnu::noinline]] WRACKLINE_HOOK_CODE void* AllocateCrossing(const Request& request, Real real,
                                                             Arguments... arguments) {
  if (!BeginSample(request.size)) return real(arguments...);
  if (void* slot = PlaceSample(request)) return slot;
  const std::uint64_t left = kMayNest ? SetCountdownAside(request.size) : 0;
  void* pointer = real(arguments...);
  if (kMayNest) TakeUpCountdown(left);
  if (pointer != nullptr) RecordUnmoved(pointer, request);
  return pointer;
}

// malloc: nothing but a count where no sample point is near.
template <typename Real, typename... Arguments>
inline void* AllocateThrough(Real real, const Request& request, Arguments... arguments) {
  if (CountDown(request.size)) [[likely]] {
    return real(arguments...);
  }
  return AllocateCrossing<false>(request, real, arguments...);
}

// Some allocators answer one public entry through another, whose hook then has counted already
// (jemalloc's aligned operator new calls aligned_alloc). Seen by the thread's countdown, which only
// a hook moves, and by its random state when the countdown happens to end where it began.
template <typename Real, typename... Arguments>
inline void* AllocateOnceThrough(Real real, const Request& request, Arguments... arguments) {
  const ThreadState& thread = internal::t_thread;
  const std::uint64_t left = thread.bytes_until_sample;
  const std::uint64_t random = thread.random;
  if (left < request.size) [[unlikely]] {
    return AllocateCrossing<true>(request, real, arguments...);
  }
  void* pointer = real(arguments...);
  if (thread.bytes_until_sample == left && thread.random == random) CountDown(request.size);
  return pointer;
}

template <typename Real>
inline int PosixMemalignThrough(Real real, const void* caller, void** out, std::size_t alignment,
                                std::size_t size) {
  // An alignment that is refused must be refused also where the request would be sampled.
  const bool valid = alignment % sizeof(void*) == 0 && (alignment & (alignment - 1)) == 0;
  if (!valid || alignment == 0) return real(out, alignment, size);
  const int saved_errno = errno;
  int error = 0;
  void* pointer = AllocateOnceThrough(
      [&error, real](std::size_t wanted_alignment, std::size_t wanted_size) -> void* {
        void* block = nullptr;
        error = real(&block, wanted_alignment, wanted_size);
        return error == 0 ? block : nullptr;
      },
      Request{size, caller, alignment}, alignment, size);
  errno = saved_errno;
  if (error == 0) *out = pointer;
  return error;
}

// realloc and reallocarray of a block that the allocator holds, when its new size is not sampled.
template <typename Real, typename... Arguments>
inline void* ReallocateUnsampled(Real real, void* old, std::size_t size, Arguments... arguments) {
  LiveObject taken;
  const bool was_sampled = old != nullptr && TakeSample(old, &taken);
  void* pointer = real(old, arguments...);
  if (was_sampled) {
    // Null for size 0 means freed (glibc), for any other that the old block is still there.
    if (pointer == nullptr && size != 0) {
      PutBack(taken);
    } else {
      CountTakenAsFreed(taken);
    }
  }
  return pointer;
}

// The block is in the region, or of the static pool: what it holds moves to a new one. Uses the
// next allocator's entries.
[[gnu::noinline, gnu::cold]] void* ReallocatePlaced(void* old, std::size_t size,
                                                    const Caller& caller);
// The countdown ended within `size`: the new block is placed, if that is possible. Null: not; then
// nothing happened to `old`.
[[gnu::noinline, gnu::cold]] void* PlaceReallocated(void* old, const Request& request);

// A block that moves or grows is a free of the old and an allocation of the new one.
template <typename Real, typename... Arguments>
inline void* ReallocateThrough(Real real, const Caller& caller, void* old, std::size_t size,
                               Arguments... arguments) {
  if (InRegion(old) || IsBootstrap(old)) [[unlikely]] {
    return ReallocatePlaced(old, size, caller);
  }
  if (CountDown(size)) [[likely]] {
    return ReallocateUnsampled(real, old, size, arguments...);
  }
  if (!BeginSample(size)) return ReallocateUnsampled(real, old, size, arguments...);
  const Request request = {size, caller};
  if (void* slot = PlaceReallocated(old, request)) return slot;
  void* pointer = ReallocateUnsampled(real, old, size, arguments...);
  if (pointer != nullptr) RecordUnmoved(pointer, request);
  return pointer;
}

// free, operator delete, ... of entries that are rare enough to look at everything each time.
template <typename Real, typename... Arguments>
inline void FreeThrough(Real real, void* pointer, Arguments... arguments) {
  if (InRegion(pointer)) [[unlikely]] {
    if (ReleasePlaced(pointer)) return;
  } else if (IsBootstrap(pointer)) [[unlikely]] {
    return;
  }
  BeforeFree(pointer);
  real(pointer, arguments...);
}

}  // namespace wrackline::preload
