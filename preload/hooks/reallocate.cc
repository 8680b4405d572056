#include "preload/hooks/malloc_hooks.h"

namespace wrackline::preload {

void* ReallocatePlaced(void* old, std::size_t size, const Caller& caller) {
  const NextAllocator& next = Next();
  const bool pool = IsBootstrap(old);
  if (!pool && !SampledRegion::IsSlot(old)) {  // somebody else's memory in our window
    return ReallocateUnsampled(next.realloc, old, size, size);
  }
  if (size == 0) {
    // What this allocator makes of it, with a block of its own.
    void* block = next.realloc(next.malloc(1), 0);
    FreeThrough(next.free, old);
    return block;
  }
  void* pointer = AllocateThrough(next.malloc, {size, caller}, size);
  if (pointer == nullptr) return nullptr;
  // All that it may have used; of a block from mallocx as much as nallocx says.
  const std::size_t kept = pool ? BootstrapSize(old) : SampledRegion::SlotBytes(old);
  std::memcpy(pointer, old, kept < size ? kept : size);
  FreeThrough(next.free, old);
  return pointer;
}

void* PlaceReallocated(void* old, const Request& request) {
  if (!MayPlace(request)) return nullptr;
  const NextAllocator& next = Next();
  const std::size_t kept = old == nullptr ? 0 : next.malloc_usable_size(old);
  if (old != nullptr && kept == 0) return nullptr;  // it does not say
  void* slot = PlaceSample(request);
  if (slot == nullptr || old == nullptr) return slot;
  std::memcpy(slot, old, kept < request.size ? kept : request.size);
  FreeThrough(next.free, old);
  return slot;
}

}  // namespace wrackline::preload
