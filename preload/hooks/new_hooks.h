// operator new and delete behind the shim.
//
// Who answers them is found per symbol, on first use: the next object in the search order that has
// it; else, because a C program (a JVM) may have opened a C++ library later and privately, a loaded
// libstdc++, the caller's own libraries, a loaded libc++. Until one is found they are answered
// through malloc and free.
//
// An allocation is sampled once: here when the function found is the allocator's own (jemalloc and
// tcmalloc have theirs, which never pass through malloc's hook), else in malloc's hook, which
// libstdc++'s and the program's own operator new call.
#pragma once

#include <cstddef>
#include <cstdint>

#include <atomic>

namespace wrackline::preload {

// One symbol of the family.
struct NextOperator {
  const char* symbol;  // mangled
  std::atomic<std::uint32_t> failed_searches;
};

// The function, or null while there is none. `caller`: return address of the hook. `*own`: the
// allocator's own, which does not pass through a hook of malloc's.
void* SearchOperator(NextOperator* next, const void* caller, bool* own);

// What stands in for an operator new that cannot be found. `may_fail` (nothrow): null when memory
// is short. Otherwise the process ends with a line on stderr, as it does when nothing catches a
// bad_alloc: there is no runtime to throw it.
void* NewThroughMalloc(std::size_t size, std::size_t alignment, bool may_fail, const void* caller);

}  // namespace wrackline::preload
