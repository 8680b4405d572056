#include "preload/hooks/family.h"

#include <dlfcn.h>
#include <errno.h>

#include "preload/hooks/hook_section.h"

namespace wrackline::preload {
namespace {

// This thread is searching: the dynamic linker may allocate, and an allocator may answer that
// through a function of its family. The allocator is the process's then, and Next() is right.
constinit thread_local int t_searching_family = 0;

// Never one of ours.
void* LookFor(void* place, const char* name) {
  void* function = dlsym(place, name);
  return function != nullptr && !IsHookCode(static_cast<const char*>(function) + 1) ? function
                                                                                    : nullptr;
}

// Only in libraries that are loaded already; the handle is kept, so that the functions stay.
void* PlaceInLoaded(const char* library, const char* name) {
  void* handle = dlopen(library, RTLD_NOLOAD | RTLD_LAZY);
  if (handle == nullptr) return nullptr;
  if (LookFor(handle, name) != nullptr) return handle;
  dlclose(handle);
  return nullptr;
}

void* SearchPlace(const Family& family, const void* caller) {
  if (LookFor(RTLD_NEXT, family.first) != nullptr) return RTLD_NEXT;
  Dl_info info;
  if (dladdr(caller, &info) != 0 && info.dli_fname != nullptr && info.dli_fname[0] != '\0') {
    void* place = PlaceInLoaded(info.dli_fname, family.first);
    if (place != nullptr) return place;
  }
  for (const char* const* library = family.libraries; *library != nullptr; ++library) {
    void* place = PlaceInLoaded(*library, family.first);
    if (place != nullptr) return place;
  }
  return nullptr;
}

}  // namespace

[[gnu::noinline, gnu::cold]] void* FindInFamily(Family* family, const char* name,
                                                const void* caller) {
  if (family->absent.load(std::memory_order_acquire) || t_searching_family != 0) return nullptr;
  const int saved_errno = errno;
  t_searching_family = 1;
  void* place = family->place.load(std::memory_order_acquire);
  if (place == nullptr) {
    place = SearchPlace(*family, caller);
    if (place != nullptr) {
      family->place.store(place, std::memory_order_release);
    } else {
      family->absent.store(true, std::memory_order_release);
    }
  }
  void* function = place != nullptr ? LookFor(place, name) : nullptr;
  t_searching_family = 0;
  errno = saved_errno;
  return function;
}

void* AllocateFromNext(const FamilyRequest& request) {
  const NextAllocator& next = Next();
  const std::size_t alignment = request.alignment;
  if ((alignment & (alignment - 1)) != 0 ||
      (alignment != 0 && (request.offset & (alignment - 1)) != 0)) {
    errno = EINVAL;  // no allocator can free what starts in the middle of a block
    return nullptr;
  }
  if (MallocAligns(alignment, request.size)) {
    return request.zeroed ? next.calloc(1, request.size) : next.malloc(request.size);
  }
  void* pointer = next.memalign(alignment, request.size);
  if (pointer != nullptr && request.zeroed) {
    const std::size_t usable = next.malloc_usable_size(pointer);
    std::memset(pointer, 0, usable > request.size ? usable : request.size);
  }
  return pointer;
}

void* ReallocateFromNext(void* old, const FamilyRequest& request) {
  if (old == nullptr) return AllocateFromNext(request);
  const NextAllocator& next = Next();
  const std::size_t before = request.zeroed ? next.malloc_usable_size(old) : 0;
  void* aligned = nullptr;
  if (!MallocAligns(request.alignment, request.size) && request.size != 0) {
    // First what can fail: the old block must then be as it was.
    aligned = AllocateFromNext(request);
    if (aligned == nullptr) {
      if (request.drops_old) next.free(old);
      return nullptr;
    }
  }
  void* pointer = next.realloc(old, request.size);
  if (pointer == nullptr) {
    if (aligned != nullptr) next.free(aligned);
    if (request.drops_old && request.size != 0) next.free(old);
    return nullptr;
  }
  if (request.zeroed) {
    const std::size_t after = next.malloc_usable_size(pointer);
    if (after > before) std::memset(static_cast<char*>(pointer) + before, 0, after - before);
  }
  if (aligned == nullptr) return pointer;
  std::memcpy(aligned, pointer, request.size);
  next.free(pointer);
  return aligned;
}

std::size_t OurBytes(const void* pointer) {
  return IsBootstrap(pointer) ? BootstrapSize(pointer) : SampledRegion::SlotBytes(pointer);
}

}  // namespace wrackline::preload
