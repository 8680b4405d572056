// The floor: a preload that does nothing. Each entry point is one indirect jump to the next definition of its name, which is looked
// up at the first call. Whatever interposes an allocator pays this; what wrackline adds is compared with it.
//
// No state, no counter, no guard: dlsym must not allocate (glibc's does not when the name exists), else this recurses.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#pragma GCC diagnostic ignored "-Wpedantic"  // dlsym's result becomes a function pointer

// FORWARD(result, name, symbol, parameters, arguments): `next_<name>` first points to code that looks the symbol up, then to the
// allocator. Two threads may look it up at once; both find the same.
#define FORWARD(result, name, symbol, parameters, arguments)                               \
  static result first_##name parameters;                                                   \
  static result(*next_##name) parameters = first_##name;                                   \
  __attribute__((noinline, cold)) static result first_##name parameters {                  \
    next_##name = (result(*) parameters)dlsym(RTLD_NEXT, symbol);                          \
    return next_##name arguments;                                                          \
  }                                                                                        \
  __attribute__((visibility("default"))) result forward_##name parameters __asm__(symbol); \
  result forward_##name parameters { return next_##name arguments; }

FORWARD(void*, malloc, "malloc", (size_t n), (n))
FORWARD(void*, calloc, "calloc", (size_t n, size_t m), (n, m))
FORWARD(void*, realloc, "realloc", (void* p, size_t n), (p, n))
FORWARD(void*, reallocarray, "reallocarray", (void* p, size_t n, size_t m), (p, n, m))
FORWARD(void, free, "free", (void* p), (p))
FORWARD(int, posix_memalign, "posix_memalign", (void** p, size_t a, size_t n), (p, a, n))
FORWARD(void*, aligned_alloc, "aligned_alloc", (size_t a, size_t n), (a, n))
FORWARD(void*, memalign, "memalign", (size_t a, size_t n), (a, n))
FORWARD(void*, valloc, "valloc", (size_t n), (n))
FORWARD(void*, pvalloc, "pvalloc", (size_t n), (n))
FORWARD(size_t, usable, "malloc_usable_size", (void* p), (p))

// operator new and new[], plain, nothrow, aligned, aligned nothrow
FORWARD(void*, new, "_Znwm", (size_t n), (n))
FORWARD(void*, new_array, "_Znam", (size_t n), (n))
FORWARD(void*, new_nothrow, "_ZnwmRKSt9nothrow_t", (size_t n, void* t), (n, t))
FORWARD(void*, new_array_nothrow, "_ZnamRKSt9nothrow_t", (size_t n, void* t), (n, t))
FORWARD(void*, new_aligned, "_ZnwmSt11align_val_t", (size_t n, size_t a), (n, a))
FORWARD(void*, new_array_aligned, "_ZnamSt11align_val_t", (size_t n, size_t a), (n, a))
FORWARD(void*, new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t",
        (size_t n, size_t a, void* t), (n, a, t))
FORWARD(void*, new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t",
        (size_t n, size_t a, void* t), (n, a, t))

// operator delete and delete[]: plain, sized, nothrow, aligned, aligned and sized, aligned nothrow
FORWARD(void, delete, "_ZdlPv", (void* p), (p))
FORWARD(void, delete_array, "_ZdaPv", (void* p), (p))
FORWARD(void, delete_sized, "_ZdlPvm", (void* p, size_t n), (p, n))
FORWARD(void, delete_array_sized, "_ZdaPvm", (void* p, size_t n), (p, n))
FORWARD(void, delete_nothrow, "_ZdlPvRKSt9nothrow_t", (void* p, void* t), (p, t))
FORWARD(void, delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", (void* p, void* t), (p, t))
FORWARD(void, delete_aligned, "_ZdlPvSt11align_val_t", (void* p, size_t a), (p, a))
FORWARD(void, delete_array_aligned, "_ZdaPvSt11align_val_t", (void* p, size_t a), (p, a))
FORWARD(void, delete_sized_aligned, "_ZdlPvmSt11align_val_t", (void* p, size_t n, size_t a),
        (p, n, a))
FORWARD(void, delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", (void* p, size_t n, size_t a),
        (p, n, a))
FORWARD(void, delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t",
        (void* p, size_t a, void* t), (p, a, t))
FORWARD(void, delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t",
        (void* p, size_t a, void* t), (p, a, t))
