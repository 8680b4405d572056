/* A C program, without libstdc++ until it opens a library that needs it, privately. Exit code 0:
 * all went well. */
#define _GNU_SOURCE /* RTLD_DEEPBIND */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/preload/programs/counts.h"

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) {                                                   \
      fprintf(stderr, "c_host:%d: not true: %s\n", __LINE__, #condition); \
      return 1;                                                           \
    }                                                                     \
  } while (0)

/* libstdc++ comes with a library that is opened with RTLD_DEEPBIND: what it calls malloc and free is libc's, whatever comes first.
 * A block that another library makes there must be one that it can free. */
static int DeepBound(const char* deep, const char* other) {
  void* first = dlopen(deep, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  void* second = dlopen(other, RTLD_NOW | RTLD_LOCAL);
  CHECK(first != NULL && second != NULL);
  void* (*plugin_new)(size_t);
  void (*plugin_delete)(void*);
  void (*standard_delete)(void*);
  void* (*standard_new)(size_t);
  *(void**)&plugin_new = dlsym(second, "plugin_new");
  *(void**)&plugin_delete = dlsym(second, "plugin_delete");
  *(void**)&standard_new = dlsym(first, "_Znam"); /* libstdc++'s, as its own code calls it */
  *(void**)&standard_delete = dlsym(first, "_ZdaPv");
  CHECK(plugin_new && plugin_delete && standard_new && standard_delete);
  for (int i = 0; i < 100; ++i) {
    standard_delete(plugin_new(1000));
    plugin_delete(standard_new(1000));
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 3) return DeepBound(argv[1], argv[2]);
  CHECK(argc == 2);
  /* Not counted: what the loader allocates. */
  void* handle = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) fprintf(stderr, "%s\n", dlerror());
  CHECK(handle != NULL);
  void* (*plugin_new)(size_t);
  void (*plugin_delete)(void*);
  int (*catches)(void);
  *(void**)&plugin_new = dlsym(handle, "plugin_new");
  *(void**)&plugin_delete = dlsym(handle, "plugin_delete");
  *(void**)&catches = dlsym(handle, "plugin_catches_bad_alloc");
  CHECK(plugin_new && plugin_delete && catches);

  /* The first call of each finds the real function; that search may allocate. */
  plugin_delete(plugin_new(123456)); /* too large for the region: the real functions serve it */
  CHECK(catches() == 1);

  WracklineTestCounts before = {0}, after = {0};
  if (wrackline_test_counts) wrackline_test_counts(&before);
  char* block = plugin_new(123456);
  CHECK(block != NULL);
  memset(block, 1, 123456);
  if (wrackline_test_counts) {
    wrackline_test_counts(&after);
    CHECK(after.allocated_bytes - before.allocated_bytes == 123456); /* once */
    CHECK(after.live == before.live + 1);
  }
  plugin_delete(block);
  if (wrackline_test_counts) {
    wrackline_test_counts(&after);
    CHECK(after.freed_bytes - before.freed_bytes == 123456);
    CHECK(after.live == before.live);
    CHECK(after.unwind_failed == 0);
  }
  return 0;
}
