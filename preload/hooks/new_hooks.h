// operator new and delete behind the shim.
//
// Who answers them is found per symbol, on first use: the next object in the search order that has
// it; else, because a C program (a JVM) may have opened a C++ library later and privately, a loaded
// libstdc++, the caller's own libraries, a loaded libc++. Until one is found they are answered
// through malloc and free.
//
// An allocation is sampled once: here when the function found is the allocator's own (jemalloc and
// tcmalloc have theirs, which never pass through malloc's hook), or libstdc++'s, which does nothing
// but ask malloc; else in malloc's hook, which the program's own operator new calls.
//
// libstdc++'s functions are not called while there is memory: its new[] calls new and that malloc,
// each through a hook again, and a delete[] goes the same way back. The hook asks malloc itself, and
// the standard function when malloc has nothing: new handlers and bad_alloc are its. Only where all
// that it would call leads here (a program may have an operator new or a malloc of its own).
#pragma once

#include <cstddef>
#include <cstdint>

#include <atomic>

namespace wrackline::preload {

// Whose the function behind a hook is.
enum class Answers : std::uint8_t {
  kOther,      // the program's, a library's: what it does is not known
  kAllocator,  // the next allocator's, which does not pass through a hook of malloc's
  kStandard,   // libstdc++'s, and what it calls would come back to a hook
};

// One symbol of the family.
struct NextOperator {
  const char* symbol;  // mangled
  // What libstdc++'s function of that name calls: `through`, or else `heap`, a function of the C
  // library. Both null: not known.
  NextOperator* through;
  const char* heap;
  bool releases;             // a form of operator delete
  std::atomic<void*> found;  // null: not yet
  std::atomic<Answers> answers;
  std::atomic<std::uint32_t> failed_searches;
};

// The function, or null while there is none; found once, it stays. `caller`: return address of the hook.
void* SearchOperator(NextOperator* next, const void* caller);

// What stands in for an operator new that cannot be found. `may_fail` (nothrow): null when memory
// is short. Otherwise the process ends with a line on stderr, as it does when nothing catches a
// bad_alloc: there is no runtime to throw it.
void* NewThroughMalloc(std::size_t size, std::size_t alignment, bool may_fail, const void* caller);

}  // namespace wrackline::preload
