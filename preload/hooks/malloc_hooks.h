// What the hooks of malloc and its family do, with the real function as a parameter, so that it is
// tested without interposition. The hooks themselves (malloc_hooks.cc) only say which function that
// is.
//
// `caller` is the hook's return address: where the sampled stack begins.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "preload/hooks/next_allocator.h"
#include "preload/sampling/allocation.h"

namespace wrackline::preload {

// malloc: Real(arguments...) gives a block for `size` bytes.
template <typename Real, typename... Arguments>
inline void* AllocateThrough(Real real, const void* caller, std::size_t size,
                             Arguments... arguments) {
  void* pointer = real(arguments...);
  AfterAllocation(pointer, size, caller);
  return pointer;
}

// Some allocators answer one public entry through another, whose hook then has sampled already
// (jemalloc's aligned operator new calls aligned_alloc). Seen by the thread's countdown, which only
// a hook moves, and by its random state when the countdown happens to end where it began.
class Countdown {
 public:
  Countdown() : bytes_(internal::t_thread.bytes_until_sample), random_(internal::t_thread.random) {}
  bool Moved() const {
    return internal::t_thread.bytes_until_sample != bytes_ || internal::t_thread.random != random_;
  }

 private:
  std::int64_t bytes_;
  std::uint64_t random_;
};

template <typename Real, typename... Arguments>
inline void* AllocateOnceThrough(Real real, const void* caller, std::size_t size,
                                 Arguments... arguments) {
  const Countdown countdown;
  void* pointer = real(arguments...);
  if (!countdown.Moved()) AfterAllocation(pointer, size, caller);
  return pointer;
}

template <typename Real>
inline void* CallocThrough(Real real, const void* caller, std::size_t count, std::size_t size) {
  void* pointer = real(count, size);
  AfterAllocation(pointer, count * size,
                  caller);  // it did not overflow, or the real one had failed
  return pointer;
}

template <typename Real>
inline int PosixMemalignThrough(Real real, const void* caller, void** out, std::size_t alignment,
                                std::size_t size) {
  const Countdown countdown;
  const int error = real(out, alignment, size);
  if (error == 0 && !countdown.Moved()) AfterAllocation(*out, size, caller);
  return error;
}

// realloc and reallocarray. A block that moves or grows is a free of the old and an allocation of
// the new one.
template <typename Real, typename... Arguments>
inline void* ReallocateThrough(Real real, const void* caller, void* old, std::size_t size,
                               Arguments... arguments) {
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
  AfterAllocation(pointer, size, caller);
  return pointer;
}

// A block of the static pool that grows moves to the real allocator.
[[gnu::noinline, gnu::cold]] void* ReallocateBootstrap(void* old, std::size_t size,
                                                       const void* caller);

// free, operator delete, ...
template <typename Real, typename... Arguments>
inline void FreeThrough(Real real, void* pointer, Arguments... arguments) {
  if (IsBootstrap(pointer)) [[unlikely]] {
    return;
  }
  BeforeFree(pointer);
  real(pointer, arguments...);
}

}  // namespace wrackline::preload
