// jemalloc's functions beside malloc, jemalloc(3). nallocx is not hooked: it gives out no block and
// takes none. So a program that asks for the complete set before it believes in jemalloc (RocksDB,
// folly: these here, nallocx and mallctl) believes what it would without us.
#include "preload/hooks/family.h"

namespace wrackline::preload {
namespace {

constexpr const char* kLibraries[] = {"libjemalloc.so.2", nullptr};
constinit Family g_jemalloc = {"mallocx", kLibraries};
constinit FamilyFunction<void*(std::size_t, int)> g_mallocx = {&g_jemalloc, "mallocx"};
constinit FamilyFunction<void*(void*, std::size_t, int)> g_rallocx = {&g_jemalloc, "rallocx"};
constinit FamilyFunction<std::size_t(void*, std::size_t, std::size_t, int)> g_xallocx = {
    &g_jemalloc, "xallocx"};
constinit FamilyFunction<std::size_t(const void*, int)> g_sallocx = {&g_jemalloc, "sallocx"};
constinit FamilyFunction<void(void*, int)> g_dallocx = {&g_jemalloc, "dallocx"};
constinit FamilyFunction<void(void*, std::size_t, int)> g_sdallocx = {&g_jemalloc, "sdallocx"};
constinit FamilyFunction<std::size_t(std::size_t, int)> g_nallocx = {&g_jemalloc, "nallocx"};

// Flags: the lower 6 bits are the logarithm of the alignment, then these, from bit 8 on a cache and
// from bit 20 on an arena.
constexpr int kLogAlignment = 0x3f;
constexpr int kZero = 0x40;
constexpr int kFirstOfCacheAndArena = 8;

FamilyRequest Describe(std::size_t size, int flags, const void* caller) {
  FamilyRequest request = {size, caller};
  request.alignment = std::size_t{1} << (flags & kLogAlignment);
  request.zeroed = (flags & kZero) != 0;
  // An arena can be reset or destroyed with all that is in it, and nobody frees the blocks.
  request.placeable = (static_cast<unsigned>(flags) >> kFirstOfCacheAndArena) == 0;
  if (request.placeable && PointWithin(size)) {
    // The program may use as much as nallocx says.
    const auto nallocx = g_nallocx.Find(caller);
    if (nallocx != nullptr) request.slot = nallocx(size, flags);
  }
  return request;
}

// The real size of a block of ours.
std::size_t PlacedSize(const void* pointer, const void* caller) {
  if (IsBootstrap(pointer)) return BootstrapSize(pointer);
  const ProfileState* state = State();
  const std::size_t slot = SampledRegion::SlotBytes(pointer);
  const std::size_t size = state != nullptr ? state->region.SizeOf(pointer) : slot;
  const auto nallocx = g_nallocx.Find(caller);
  const std::size_t used = nallocx != nullptr && size != 0 ? nallocx(size, 0) : size;
  return used < slot ? used : slot;
}

std::size_t RealSize(const void* pointer, int flags, const void* caller) {
  if (IsOurs(pointer)) return PlacedSize(pointer, caller);
  const auto real = g_sallocx.Find(caller);
  return real != nullptr ? real(pointer, flags)
                         : Next().malloc_usable_size(const_cast<void*>(pointer));
}

}  // namespace
}  // namespace wrackline::preload

using namespace wrackline::preload;  // NOLINT(google-build-using-namespace)

// NOLINTBEGIN(misc-definitions-in-headers)
#define WRACKLINE_HOOK extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)

WRACKLINE_HOOK void* mallocx(std::size_t size, int flags) {
  return AllocateIn(g_mallocx, Describe(size, flags, WRACKLINE_CALLER), size, flags);
}

WRACKLINE_HOOK void* rallocx(void* old, std::size_t size, int flags) {
  const void* caller = WRACKLINE_CALLER;
  const FamilyRequest request = Describe(size, flags, caller);
  return ReallocateWith(request, old,
                        Resizer{[&](void* block) -> void* {
                                  const auto real = g_rallocx.Find(caller);
                                  return real != nullptr ? real(block, size, flags)
                                                         : ReallocateFromNext(block, request);
                                },
                                [&](std::size_t wanted) -> void* {
                                  const auto real = g_mallocx.Find(caller);
                                  FamilyRequest fresh = request;
                                  fresh.size = wanted;
                                  return real != nullptr ? real(wanted, flags)
                                                         : AllocateFromNext(fresh);
                                },
                                [&](void* block) {
                                  const auto real = g_dallocx.Find(caller);
                                  real != nullptr ? real(block, flags) : Next().free(block);
                                },
                                [&](void* block) { return RealSize(block, flags, caller); }});
}

// A block that is resized where it is stays the sample that it was, or none.
WRACKLINE_HOOK std::size_t xallocx(void* pointer, std::size_t size, std::size_t extra, int flags) {
  const void* caller = WRACKLINE_CALLER;
  const auto real = IsOurs(pointer) ? nullptr : g_xallocx.Find(caller);
  // "Could not be resized": its size as it is.
  return real != nullptr ? real(pointer, size, extra, flags) : RealSize(pointer, flags, caller);
}

WRACKLINE_HOOK std::size_t sallocx(const void* pointer, int flags) {
  return RealSize(pointer, flags, WRACKLINE_CALLER);
}

WRACKLINE_HOOK void dallocx(void* pointer, int flags) {
  FreeIn(g_dallocx, WRACKLINE_CALLER, pointer, flags);
}

WRACKLINE_HOOK void sdallocx(void* pointer, std::size_t size, int flags) {
  FreeIn(g_sdallocx, WRACKLINE_CALLER, pointer, size, flags);
}
// NOLINTEND(misc-definitions-in-headers)
