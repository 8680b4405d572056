// mmap, munmap and mremap as the hooks serve them, with the real function as a parameter.
//
// Order against the real call: what is taken away is accounted before it, because an instant later
// the kernel may give the addresses to another thread, and put back when the call fails; what is
// got is accounted after it. Callers are the program's: the hooks pass wrackline's own calls on.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "preload/sampling/mapping.h"

namespace wrackline::preload {

template <typename Real>
void* MapThrough(Real real, const void* caller, void* address, std::size_t length, int protection,
                 int flags, int descriptor, off_t offset) {
  void* at = real(address, length, protection, flags, descriptor, offset);
  if (at != MAP_FAILED) {
    RecordMap(at, length, protection, flags, caller);
  } else if ((flags & MAP_FIXED) != 0) {
    ForgetIfGone(address, length);
  }
  return at;
}

template <typename Real>
int UnmapThrough(Real real, void* at, std::size_t length) {
  const std::uint64_t ticket = BeforeUnmap(at, length);
  const int result = real(at, length);
  if (result != 0) UnmapFailed(ticket);
  return result;
}

template <typename Real>
void* RemapThrough(Real real, const void* caller, void* old, std::size_t old_length,
                   std::size_t new_length, int flags, void* new_address) {
  if (old_length == 0) {
    void* at = real(old, old_length, new_length, flags, new_address);
    if (at != MAP_FAILED) RecordDuplicate(old, at, new_length, caller);
    return at;
  }
  const std::uint64_t ticket = BeforeUnmap(old, old_length);
  void* at = real(old, old_length, new_length, flags, new_address);
  if (at == MAP_FAILED) {
    UnmapFailed(ticket);
    if ((flags & MREMAP_FIXED) != 0) {
      ForgetIfGone(new_address, new_length);
      if (new_length < old_length)
        ForgetIfGone(static_cast<char*>(old) + new_length, old_length - new_length);
    }
  } else {
    RecordRemap(ticket, at, old_length, new_length, flags, caller);
  }
  return at;
}

// Finds the functions behind ours, which are libc's or another library's that is in front of it.
// Until then, and where there are none, the system calls themselves serve: so a hook never asks the
// dynamic linker. Called by the library's constructor.
void ResolveMappingHooks();

}  // namespace wrackline::preload
