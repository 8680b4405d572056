// An allocator's own functions beside malloc: jemalloc's mallocx, tcmalloc's tc_malloc, mimalloc's
// mi_malloc and theirs. Hooked because a program may mix them with malloc: the block that it passes
// to dallocx can be one that malloc's hook has placed in the region, and an allocator that is shown
// such a pointer corrupts its heap without a word.
//
// Who answers them is found on the first call of any of a family: the next object in the search
// order; else, because it may have been opened privately, what the caller can see; else the
// family's libraries by name. All functions of a family are then found in that one place.
//
// A hook is there also where no such allocator is. `if (mallocx)` then says yes, so each of them
// works: from the next malloc family, with the meaning that its documentation gives it. That answer
// is kept for the life of the process, or a block of one heap would be freed in another.
//
//   constinit Family g_family = {"tc_malloc", kLibraries};
//   constinit FamilyFunction<void*(std::size_t)> g_tc_malloc = {&g_family, "tc_malloc"};
//   WRACKLINE_HOOK void* tc_malloc(std::size_t size) {
//     return AllocateIn(g_tc_malloc, FamilyRequest{size, WRACKLINE_CALLER}, size);
//   }
//   WRACKLINE_HOOK void tc_free(void* pointer) { FreeIn(g_tc_free, WRACKLINE_CALLER, pointer); }
//
// Not for the hottest: a call more than malloc's hook. Any thread; errno is kept but for failures.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "preload/hooks/malloc_hooks.h"

namespace wrackline::preload {

// Constant-initialized, like FamilyFunction: a hook may be called before any constructor.
struct Family {
  const char* first;              // the function that every version of it has
  const char* const* libraries;   // their sonames, the last one null
  std::atomic<void*> place = {};  // what dlsym is asked; null: not searched yet
  std::atomic<bool> absent = {};
};

// The function of that name in the family, or null. `caller`: return address of the hook.
void* FindInFamily(Family* family, const char* name, const void* caller);

template <typename Function>
struct FamilyFunction {
  Family* family;
  const char* name;
  std::atomic<Function*> found = {};

  Function* Find(const void* caller) {
    Function* function = found.load(std::memory_order_acquire);
    if (function != nullptr) [[likely]] {
      return function;
    }
    function = reinterpret_cast<Function*>(FindInFamily(family, name, caller));
    if (function != nullptr) found.store(function, std::memory_order_release);
    return function;
  }
};

struct FamilyRequest {
  std::size_t size;
  const void* caller;
  std::size_t alignment = 0;  // 0: the allocator's own
  std::size_t offset = 0;     // of the byte that is to be aligned
  bool zeroed = false;
  bool placeable = true;  // may be given a slot of the region
  std::size_t slot = 0;   // of at least so many bytes
  bool counted = true;    // false: never sampled
  // Of realloc: when there is no memory, the old block is freed all the same (reallocf).
  bool drops_old = false;
};

// No slot is that large.
constexpr std::size_t kNeverPlaced = 2 * SampledRegion::kLargest;

inline Request ToRequest(const FamilyRequest& request) {
  std::size_t alignment =
      request.placeable && request.offset == 0 ? request.alignment : kNeverPlaced;
  // A slot is at least as large as its alignment.
  if (alignment == 0 && request.slot != 0) alignment = 1;
  while (alignment < request.slot && alignment < kNeverPlaced) alignment *= 2;
  return {request.size, request.caller, alignment, request.zeroed};
}

// Whether the next point lies within `size` bytes.
inline bool PointWithin(std::size_t size) { return internal::t_thread.bytes_until_sample < size; }

// What stands in for a family that is not there. Not counted: its callers do. The memory is zero up
// to its usable size where `zeroed` is set.
void* AllocateFromNext(const FamilyRequest& request);
void* ReallocateFromNext(void* old, const FamilyRequest& request);

// A block that no allocator may be shown: a slot, or a block of the static pool.
inline bool IsOurs(const void* pointer) {
  return (InRegion(pointer) && SampledRegion::IsSlot(pointer)) || IsBootstrap(pointer);
}
// All of it that the program may have used. Only of such a block.
std::size_t OurBytes(const void* pointer);

template <typename Real>
inline void* AllocateWith(const FamilyRequest& request, Real real) {
  return request.counted ? AllocateOnceThrough(real, ToRequest(request)) : real();
}

template <typename Function, typename... Arguments>
inline void* AllocateIn(FamilyFunction<Function>& function, const FamilyRequest& request,
                        Arguments... arguments) {
  Function* real = function.Find(request.caller);
  return AllocateWith(request, [&]() -> void* {
    return real != nullptr ? real(arguments...) : AllocateFromNext(request);
  });
}

template <typename Function, typename... Arguments>
inline void FreeIn(FamilyFunction<Function>& function, const void* caller, void* pointer,
                   Arguments... arguments) {
  FreeThrough(
      [&](void* block) {
        Function* real = function.Find(caller);
        if (real != nullptr) {
          real(block, arguments...);
        } else {
          Next().free(block);
        }
      },
      pointer);
}

template <typename Function, typename... Arguments>
inline std::size_t UsableSizeIn(FamilyFunction<Function>& function, const void* caller,
                                const void* pointer, Arguments... arguments) {
  if (IsBootstrap(pointer)) return BootstrapSize(pointer);
  if (IsOurs(pointer)) return PlacedUsableSize(pointer);
  auto* block = const_cast<void*>(pointer);
  Function* real = function.Find(caller);
  return real != nullptr ? real(block, arguments...) : Next().malloc_usable_size(block);
}

// How a family does what moving a block takes. real(old): resizes a block that the allocator holds.
// fresh(size): a new one like the request's. release(old), usable(old).
template <typename Real, typename Fresh, typename Release, typename Usable>
struct Resizer {
  Real real;
  Fresh fresh;
  Release release;
  Usable usable;
};
template <typename Real, typename Fresh, typename Release, typename Usable>
Resizer(Real, Fresh, Release, Usable) -> Resizer<Real, Fresh, Release, Usable>;

// The old block's sample, if the allocator holds one, is taken out; put back when nothing changed.
template <typename Real>
inline void* ResizeHeld(const FamilyRequest& request, void* old, const Real& real) {
  LiveObject taken;
  const bool was_sampled = old != nullptr && TakeSample(old, &taken);
  void* pointer = real(old);
  if (was_sampled) {
    if (pointer == nullptr && request.size != 0 && !request.drops_old) {
      PutBack(taken);
    } else {
      CountTakenAsFreed(taken);
    }
  }
  return pointer;
}

template <typename Resizer>
inline void* MoveOurs(const FamilyRequest& request, void* old, const Resizer& resizer) {
  // For size 0: what this allocator makes of it, with a block of its own.
  void* moved = request.size == 0
                    ? resizer.real(resizer.fresh(1))
                    : AllocateWith(request, [&] { return resizer.fresh(request.size); });
  if (request.size != 0) {
    if (moved == nullptr && !request.drops_old) return nullptr;
    const std::size_t kept = OurBytes(old);
    if (moved != nullptr) std::memcpy(moved, old, kept < request.size ? kept : request.size);
  }
  FreeThrough(resizer.release, old);
  return moved;
}

template <typename Resizer>
inline void* ReallocateWith(const FamilyRequest& request, void* old, const Resizer& resizer) {
  if (IsOurs(old)) [[unlikely]] {
    return MoveOurs(request, old, resizer);
  }
  if (!request.counted) return ResizeHeld(request, old, resizer.real);
  const Request wanted = ToRequest(request);
  if (PointWithin(request.size)) [[unlikely]] {
    if (!BeginSample(request.size)) return ResizeHeld(request, old, resizer.real);
    if (MayPlace(wanted)) {
      const std::size_t kept = old == nullptr ? 0 : resizer.usable(old);
      // Null where the block does not say how much of it is used.
      void* slot = old == nullptr || kept != 0 ? PlaceSample(wanted) : nullptr;
      if (slot != nullptr) {
        if (old == nullptr) return slot;
        std::memcpy(slot, old, kept < request.size ? kept : request.size);
        FreeThrough(resizer.release, old);
        return slot;
      }
    }
    const std::uint64_t left = SetCountdownAside(request.size);
    void* pointer = ResizeHeld(request, old, resizer.real);
    TakeUpCountdown(left);
    if (pointer != nullptr) RecordUnmoved(pointer, wanted);
    return pointer;
  }
  // As in AllocateOnceThrough: the allocator may get there through a function that counts.
  const ThreadState& thread = internal::t_thread;
  const std::uint64_t left = thread.bytes_until_sample;
  const std::uint64_t random = thread.random;
  void* pointer = ResizeHeld(request, old, resizer.real);
  if (thread.bytes_until_sample == left && thread.random == random) CountDown(request.size);
  return pointer;
}

}  // namespace wrackline::preload
