#include "preload/hooks/mapping_hooks.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>

#include "preload/hooks/hook_section.h"
#include "preload/hooks/own_code.h"

namespace wrackline::preload {
namespace {

constexpr int kRemapDontUnmap = 4;

void* SystemMap(void* address, std::size_t length, int protection, int flags, int descriptor,
                off_t offset) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<void*>(
      syscall(SYS_mmap, address, length, protection, flags, descriptor, offset));
}
int SystemUnmap(void* at, std::size_t length) {
  return static_cast<int>(syscall(SYS_munmap, at, length));
}
void* SystemRemap(void* old, std::size_t old_length, std::size_t new_length, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  void* new_address = va_arg(more, void*);
  va_end(more);
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<void*>(
      syscall(SYS_mremap, old, old_length, new_length, flags, new_address));
}

constinit std::atomic<decltype(&SystemMap)> g_map{&SystemMap};
constinit std::atomic<decltype(&SystemUnmap)> g_unmap{&SystemUnmap};
constinit std::atomic<decltype(&SystemRemap)> g_remap{&SystemRemap};

}  // namespace

void ResolveMappingHooks() {
  const auto find = [](const char* name, auto* target) {
    using Function = std::remove_reference_t<decltype(target->load())>;
    if (void* found = dlsym(RTLD_NEXT, name))
      target->store(reinterpret_cast<Function>(found), std::memory_order_release);
  };
  find("mmap", &g_map);
  find("munmap", &g_unmap);
  find("mremap", &g_remap);
}

}  // namespace wrackline::preload

namespace hooks = wrackline::preload;

#define WRACKLINE_HOOK extern "C" __attribute__((visibility("default"))) WRACKLINE_HOOK_CODE
#define WRACKLINE_CALLER __builtin_return_address(0)

WRACKLINE_HOOK void* mmap(void* address, std::size_t length, int protection, int flags,
                          int descriptor, off_t offset) noexcept {
  const auto real = hooks::g_map.load(std::memory_order_acquire);
  if (hooks::IsOwnCode(WRACKLINE_CALLER))
    return real(address, length, protection, flags, descriptor, offset);
  return hooks::MapThrough(real, WRACKLINE_CALLER, address, length, protection, flags, descriptor,
                           offset);
}

// The same where off_t has 64 bits.
WRACKLINE_HOOK void* mmap64(void* address, std::size_t length, int protection, int flags,
                            int descriptor, off64_t offset) noexcept {
  static_assert(sizeof(off64_t) == sizeof(off_t));
  const auto real = hooks::g_map.load(std::memory_order_acquire);
  if (hooks::IsOwnCode(WRACKLINE_CALLER))
    return real(address, length, protection, flags, descriptor, offset);
  return hooks::MapThrough(real, WRACKLINE_CALLER, address, length, protection, flags, descriptor,
                           offset);
}

WRACKLINE_HOOK int munmap(void* at, std::size_t length) noexcept {
  const auto real = hooks::g_unmap.load(std::memory_order_acquire);
  if (hooks::IsOwnCode(WRACKLINE_CALLER)) return real(at, length);
  return hooks::UnmapThrough(real, at, length);
}

WRACKLINE_HOOK void* mremap(void* old, std::size_t old_length, std::size_t new_length, int flags,
                            ...) noexcept {
  void* new_address = nullptr;
  if ((flags & (MREMAP_FIXED | hooks::kRemapDontUnmap)) != 0) {
    std::va_list more;
    va_start(more, flags);
    new_address = va_arg(more, void*);
    va_end(more);
  }
  const auto real = hooks::g_remap.load(std::memory_order_acquire);
  if (hooks::IsOwnCode(WRACKLINE_CALLER))
    return real(old, old_length, new_length, flags, new_address);
  return hooks::RemapThrough(real, WRACKLINE_CALLER, old, old_length, new_length, flags,
                             new_address);
}
