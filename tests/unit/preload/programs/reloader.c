// reloader LIBRARY LIBRARY: opens the first, allocates through it, closes it, does the same with the
// second, and again, on a stack behind which nothing can be read. Whoever walks the stack through
// the second library by what it knows of the first dies of SIGSEGV. 0: all went well, and the
// libraries came to lie at the same place at least once; 3: they never did; 2: something failed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { kStackBytes = 4 << 20, kBehindBytes = 4 << 20 };

static void Allocate(void) {
  for (int i = 0; i < 4; ++i) {
    void* volatile block = malloc(100);
    free(block);
  }
}

static void* Through(const char* path) {
  void* library = dlopen(path, RTLD_NOW);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(2);
  }
  void (*step)(void (*)(void));
  *(void**)&step = dlsym(library, "wrackline_test_step");
  step(Allocate);
  if (dlclose(library) != 0) exit(2);
  return *(void**)&step;
}

static void* Run(void* arguments) {
  char** paths = arguments;
  int same = 0;
  for (int i = 0; i < 20; ++i) {
    void* first = Through(paths[1]);
    same += Through(paths[2]) == first;
  }
  exit(same > 0 ? 0 : 3);
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  char* memory =
      mmap(NULL, kStackBytes + kBehindBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kStackBytes, PROT_READ | PROT_WRITE) != 0) return 2;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_t thread;
  if (pthread_attr_setstack(&attributes, memory, kStackBytes) != 0 ||
      pthread_create(&thread, &attributes, Run, arguments) != 0) {
    return 2;
  }
  pthread_join(thread, NULL);
  return 2;
}
