// What the hooks of mmap, munmap and mremap do around the real call: tell the table of mappings.
//
//   void* at = real_mmap(...);                       // afterwards: nobody else can have it yet
//   if (at != MAP_FAILED) RecordMap(at, length, protection, flags, caller);
//
//   const std::uint64_t ticket = BeforeUnmap(at, length);
//   if (real_munmap(at, length) != 0) UnmapFailed(ticket);
//
// Any thread, at any moment, also in a signal handler, before the library's constructor and in a
// forked child. No allocation, no lock. errno is kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/sampling/profile_state.h"

namespace wrackline::preload {

void RecordMap(const void* at, std::size_t length, int protection, int flags, const void* caller);

std::uint64_t BeforeUnmap(const void* at, std::size_t length);
void UnmapFailed(std::uint64_t ticket);

// After an mremap of what BeforeUnmap took out.
void RecordRemap(std::uint64_t ticket, const void* at, std::size_t old_length,
                 std::size_t new_length, int flags, const void* caller);
// After an mremap with an old length of 0: the pages have a second place.
void RecordDuplicate(const void* from, const void* at, std::size_t length, const void* caller);

// A call that failed may have unmapped its target first (mmap with MAP_FIXED, mremap with
// MREMAP_FIXED, and the end of what an mremap was to shorten): takes the range out when the kernel
// has none of it any more. Looks at 64 pages of it at most.
void ForgetIfGone(const void* at, std::size_t length);

// Who maps `range`, and when: its stack_id, thread_id and time_ms, from the stack that goes out from
// `caller`. For hooks that bring ranges into the table by other ways.
void Sign(ProfileState* state, MappedRange* range, const void* caller);

// For StartRecording, before the state is published: what was mapped before that (an allocator's
// first extents) comes into its table, each with its caller for a stack.
void TakeEarlyMappings(ProfileState* state);

}  // namespace wrackline::preload
