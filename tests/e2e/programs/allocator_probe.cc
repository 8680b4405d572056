// Asks the allocator in front of which it was started for its statistics, without the shim.
//
//   allocator_probe quiet   asks many times: nothing may be allocated by that, and nothing change
//   allocator_probe fork    asks without a pause while three threads allocate and the main thread
//                           forks: every child must be able to allocate, and end
//   allocator_probe cost    prints what one reading costs with 64 threads that hold memory
//
// Exit code 0 when all went well; else the first thing that did not is on stderr. Every call of
// malloc, calloc, realloc, also the allocator's own, goes through the functions below, which count.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "preload/allocator_statistics.h"

namespace {

using wrackline::preload::Allocator;
using wrackline::preload::AllocatorStatistics;

thread_local bool counting = false;
std::atomic<int> counted{0};

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void Count() {
  if (counting) counted.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  static const auto next = Next<void* (*)(std::size_t)>("malloc");
  Count();
  return next(size);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t size) {
  static const auto next = Next<void* (*)(std::size_t, std::size_t)>("calloc");
  Count();
  return next(count, size);
}
__attribute__((visibility("default"))) void* realloc(void* pointer, std::size_t size) {
  static const auto next = Next<void* (*)(void*, std::size_t)>("realloc");
  Count();
  return next(pointer, size);
}
}

namespace {

Allocator allocator;
std::atomic<bool> stop{false};

void Fail(const char* what) {
  std::fprintf(stderr, "%s (%s)\n", what, allocator.name());
  _exit(1);
}

bool Same(const AllocatorStatistics& a, const AllocatorStatistics& b) {
  return a.in_use == b.in_use && a.committed == b.committed && a.mmapped == b.mmapped &&
         a.heap_size == b.heap_size && a.mapped == b.mapped && a.arenas_made == b.arenas_made &&
         a.heaps == b.heaps && a.thread_caches == b.thread_caches;
}

// On a thread that asks for nothing else, as the shim's assistant thread.
void* AskQuietly(void*) {
  AllocatorStatistics first, next;
  // The first calls of a thread may set the thread itself up.
  allocator.Read(&first);
  allocator.Read(&first);
  counting = true;
  for (int i = 0; i < 100; ++i) {
    allocator.Read(&next);
    if (!Same(first, next)) Fail("asking changed what is held");
  }
  counting = false;
  if (counted.load() != 0) Fail("asking called the allocator");
  if (!first.in_use && !first.committed) Fail("there is no figure");
  return nullptr;
}

void* AskWithoutPause(void*) {
  AllocatorStatistics statistics;
  while (!stop.load()) allocator.Read(&statistics);
  return nullptr;
}

void* AllocateWithoutPause(void*) {
  void* held[64] = {};
  for (unsigned i = 0; !stop.load(); ++i) {
    void*& block = held[i % 64];
    std::free(block);
    block = std::malloc(16u << i % 12);
  }
  for (void* block : held) std::free(block);
  return nullptr;
}

void Fork() {
  constexpr int kForks = 150;
  pthread_t threads[4];
  for (int i = 0; i < 4; ++i)
    pthread_create(&threads[i], nullptr, i == 0 ? AskWithoutPause : AllocateWithoutPause, nullptr);
  for (int i = 0; i < kForks; ++i) {
    const pid_t child = fork();
    if (child < 0) Fail("cannot fork");
    if (child == 0) {
      alarm(20);
      for (unsigned j = 0; j < 200; ++j) {
        // Volatile, or the pair is nothing to the compiler.
        void* volatile block = std::malloc(16u << j % 16);
        std::free(block);
      }
      _exit(0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) Fail("a forked child did not end well");
  }
  stop = true;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

std::atomic<int> ready{0};

void* HoldSome(void*) {
  static thread_local void* held[2000];
  for (void*& block : held) {
    block = std::malloc(1000);
    std::memset(block, 1, 1000);
  }
  ready.fetch_add(1);
  while (!stop.load()) usleep(1000);
  for (void* block : held) std::free(block);
  return nullptr;
}

void Cost() {
  pthread_t threads[64];
  for (pthread_t& thread : threads) pthread_create(&thread, nullptr, HoldSome, nullptr);
  while (ready.load() < 64) usleep(1000);
  AllocatorStatistics statistics;
  unsigned long long least = ~0ull;
  for (int i = 0; i < 20; ++i) {
    const unsigned long long cost = allocator.Read(&statistics);
    if (cost < least) least = cost;
  }
  std::printf("%s: %llu us a reading; arenas %u made %u heaps %u\n", allocator.name(), least / 1000,
              statistics.arenas.value_or(0), statistics.arenas_made.value_or(0),
              statistics.heaps.value_or(0));
  stop = true;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

}  // namespace

int main(int count, char** arguments) {
  allocator.Identify(dlsym(RTLD_NEXT, "malloc"));
  if (!allocator.available()) Fail("not known");
  const char* mode = count > 1 ? arguments[1] : "";
  if (std::strcmp(mode, "quiet") == 0) {
    pthread_t thread;
    pthread_create(&thread, nullptr, AskQuietly, nullptr);
    pthread_join(thread, nullptr);
  } else if (std::strcmp(mode, "fork") == 0) {
    Fork();
  } else if (std::strcmp(mode, "cost") == 0) {
    Cost();
  } else {
    Fail("quiet, fork or cost");
  }
  return 0;
}
