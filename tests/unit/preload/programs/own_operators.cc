// A program with an operator new and delete, or a malloc and free, of its own, which libstdc++'s other forms must reach with the
// preload as they do without: new[] calls new, a sized delete[] calls delete[] and that delete, all of them malloc and free.
//
// Built three times: with operators of its own, with a malloc of its own, and with those of a library that it is linked to
// (own_operators_library.cc). Exit 0: every form came by as often as it was called.
#include <stdio.h>
#include <stdlib.h>

#include <cstddef>
#include <new>

extern "C" {
// Of the program, or of the library.
extern unsigned long own_news, own_deletes;
}

#if defined(WRACKLINE_OWN_OPERATORS)
extern "C" {
unsigned long own_news = 0, own_deletes = 0;
}
void* operator new(std::size_t size) {
  ++own_news;
  void* block = malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void operator delete(void* block) noexcept {
  ++own_deletes;
  free(block);
}
#elif defined(WRACKLINE_OWN_MALLOC)
extern "C" {
unsigned long own_news = 0, own_deletes = 0;
void* __libc_malloc(std::size_t size);
void __libc_free(void* block);
__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  ++own_news;
  return __libc_malloc(size);
}
__attribute__((visibility("default"))) void free(void* block) {
  if (block != nullptr) ++own_deletes;
  __libc_free(block);
}
}
#endif

namespace {

// Calls, which no compiler leaves out.
void* (*volatile g_new)(std::size_t) = &::operator new;
void* (*volatile g_new_array)(std::size_t) = &::operator new[];
void (*volatile g_delete)(void*) = &::operator delete;
void (*volatile g_delete_array)(void*) = &::operator delete[];
void (*volatile g_delete_sized)(void*, std::size_t) = &::operator delete;
void (*volatile g_delete_array_sized)(void*, std::size_t) = &::operator delete[];

}  // namespace

int main() {
  constexpr unsigned long kRounds = 200;
  for (unsigned long i = 0; i < kRounds; ++i) {
    const unsigned long news = own_news, deletes = own_deletes;
    g_delete(g_new(100));
    g_delete_array(g_new_array(100));
    g_delete_sized(g_new(100), 100);
    g_delete_array_sized(g_new_array(100), 100);
    // A first call may have the dynamic linker allocate.
    const bool all = i == 0 ? own_news - news >= 4 && own_deletes - deletes >= 4
                            : own_news - news == 4 && own_deletes - deletes == 4;
    if (!all) {
      fprintf(stderr, "own_operators: round %lu: %lu of 4 allocations, %lu of 4 frees\n", i,
              own_news - news, own_deletes - deletes);
      return 1;
    }
  }
  return 0;
}
