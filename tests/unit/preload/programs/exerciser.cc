// Every entry point of the allocator, in a program of its own: run plain, with the shim, with
// another allocator behind it. exerciser MODE: exit code 0 when all went well; else the first thing
// that did not is on stderr.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/unit/preload/programs/counts.h"

extern "C" {
void cfree(void*) __attribute__((weak));
void free_sized(void*, size_t) __attribute__((weak));
void free_aligned_sized(void*, size_t, size_t) __attribute__((weak));
}
extern char** environ;

namespace {

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "exerciser:%d: not true: %s\n", __LINE__, #condition); \
      exit(1);                                                               \
    }                                                                        \
  } while (0)

bool Profiled() { return wrackline_test_counts != nullptr; }
WracklineTestCounts Counts() {
  WracklineTestCounts counts = {};
  if (Profiled()) CHECK(wrackline_test_counts(&counts) == 0);
  return counts;
}

// A block of `size` bytes was just made by `make`: aligned, writable, of that size, counted once,
// live; then `drop` frees it.
template <typename Make, typename Drop>
void RoundTrip(std::size_t size, std::size_t alignment, Make make, Drop drop) {
  drop(make());  // the first call finds the real function, which may allocate
  const WracklineTestCounts before = Counts();
  void* block = make();
  CHECK(block != nullptr);
  CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
  CHECK(malloc_usable_size(block) >= size);
  memset(block, 0xa5, size);
  if (Profiled()) {
    const WracklineTestCounts during = Counts();
    CHECK(during.allocated_bytes - before.allocated_bytes == size);
    CHECK(during.live == before.live + 1);
  }
  drop(block);
  if (Profiled()) {
    const WracklineTestCounts after = Counts();
    CHECK(after.freed_bytes - before.freed_bytes == size);
    CHECK(after.live == before.live);
    CHECK(after.unwind_failed == 0);
  }
}

// tcmalloc's calloc leaves errno as it is when the product overflows, mimalloc's says EOVERFLOW.
bool ErrnoIsItsOwn() {
  return dlsym(RTLD_DEFAULT, "tc_version") != nullptr ||
         dlsym(RTLD_DEFAULT, "mi_version") != nullptr;
}

int EntryPoints() {
  for (std::size_t size : {64u, 1000u, 100'000u, 3'000'000u}) {
    RoundTrip(
        size, 16, [=] { return malloc(size); }, free);
    RoundTrip(
        size, 16, [=] { return calloc(size / 4, 4); }, free);
    RoundTrip(
        size, 16, [=] { return realloc(nullptr, size); }, free);
    RoundTrip(
        size, 16, [=] { return reallocarray(nullptr, size / 4, 4); }, free);
    for (std::size_t alignment : {16u, 64u, 4096u, 65536u}) {
      RoundTrip(
          size, alignment,
          [=] {
            void* out = nullptr;
            CHECK(posix_memalign(&out, alignment, size) == 0);
            return out;
          },
          free);
      RoundTrip(
          size, alignment, [=] { return aligned_alloc(alignment, size); }, free);
      RoundTrip(
          size, alignment, [=] { return memalign(alignment, size); }, free);
    }
    RoundTrip(
        size, 4096, [=] { return valloc(size); }, free);
    RoundTrip(
        size, 4096, [=] { return pvalloc(size); }, free);
    if (Profiled()) {
      RoundTrip(
          size, 16, [=] { return malloc(size); }, cfree);
      RoundTrip(
          size, 16, [=] { return malloc(size); }, [=](void* p) { free_sized(p, size); });
      RoundTrip(
          size, 64, [=] { return aligned_alloc(64, size); },
          [=](void* p) { free_aligned_sized(p, 64, size); });
    }
  }
  // calloc's memory is zero, also after reuse.
  for (int i = 0; i < 100; ++i) {
    auto* bytes = static_cast<unsigned char*>(calloc(100, 10));
    for (int k = 0; k < 1000; ++k) CHECK(bytes[k] == 0);
    memset(bytes, 0xff, 1000);
    free(bytes);
  }
  free(nullptr);
  CHECK(malloc_usable_size(nullptr) == 0);
  volatile std::size_t half = SIZE_MAX / 2 + 2;
  errno = 0;
  CHECK(calloc(half, 4) == nullptr && (errno == ENOMEM || ErrnoIsItsOwn()));
  errno = 0;
  CHECK(reallocarray(nullptr, half, 4) == nullptr && (errno == ENOMEM || ErrnoIsItsOwn()));
  errno = 0;
  CHECK(malloc(half) == nullptr && (errno == ENOMEM || ErrnoIsItsOwn()));
  void* out = nullptr;
  CHECK(posix_memalign(&out, 3, 64) == EINVAL);
  return 0;
}

int Realloc() {
  const WracklineTestCounts before = Counts();
  auto* block = static_cast<unsigned char*>(malloc(100));
  for (int i = 0; i < 100; ++i) block[i] = static_cast<unsigned char>(i);
  for (std::size_t size = 200; size < 10'000'000; size *= 3) {
    block = static_cast<unsigned char*>(realloc(block, size));
    CHECK(block != nullptr);
    for (int i = 0; i < 100; ++i) CHECK(block[i] == i);
  }
  volatile std::size_t huge = SIZE_MAX / 4;
  CHECK(realloc(block, huge) == nullptr);
  if (Profiled()) CHECK(Counts().live == before.live + 1);
  block = static_cast<unsigned char*>(realloc(block, 100));
  for (int i = 0; i < 100; ++i) CHECK(block[i] == i);
  if (Profiled()) CHECK(Counts().live == before.live + 1);
  free(block);
  if (Profiled()) {
    const WracklineTestCounts after = Counts();
    CHECK(after.live == before.live);
    CHECK(after.allocated_bytes - before.allocated_bytes == after.freed_bytes - before.freed_bytes);
  }
  return 0;
}

int OperatorNew() {
  const std::align_val_t line{128};
  // Multiples of the alignment: libstdc++ rounds up to it before it calls aligned_alloc.
  for (std::size_t size : {128u, 5120u, 512'000u}) {
    RoundTrip(
        size, 16, [=] { return ::operator new(size); }, [](void* p) { ::operator delete(p); });
    RoundTrip(
        size, 16, [=] { return ::operator new[](size); }, [](void* p) { ::operator delete[](p); });
    RoundTrip(
        size, 16, [=] { return ::operator new(size, std::nothrow); },
        [](void* p) { ::operator delete(p, std::nothrow); });
    RoundTrip(
        size, 16, [=] { return ::operator new[](size, std::nothrow); },
        [](void* p) { ::operator delete[](p, std::nothrow); });
    RoundTrip(
        size, 128, [=] { return ::operator new(size, line); },
        [=](void* p) { ::operator delete(p, line); });
    RoundTrip(
        size, 128, [=] { return ::operator new[](size, line); },
        [=](void* p) { ::operator delete[](p, line); });
    RoundTrip(
        size, 128, [=] { return ::operator new(size, line, std::nothrow); },
        [=](void* p) { ::operator delete(p, line, std::nothrow); });
    RoundTrip(
        size, 128, [=] { return ::operator new[](size, line, std::nothrow); },
        [=](void* p) { ::operator delete[](p, line, std::nothrow); });
    RoundTrip(
        size, 16, [=] { return ::operator new(size); },
        [=](void* p) { ::operator delete(p, size); });
    RoundTrip(
        size, 16, [=] { return ::operator new[](size); },
        [=](void* p) { ::operator delete[](p, size); });
    RoundTrip(
        size, 128, [=] { return ::operator new(size, line); },
        [=](void* p) { ::operator delete(p, size, line); });
    RoundTrip(
        size, 128, [=] { return ::operator new[](size, line); },
        [=](void* p) { ::operator delete[](p, size, line); });
  }
  return 0;
}

int BadAlloc() {
  volatile std::size_t huge = SIZE_MAX / 4;
  const std::align_val_t line{128};
  int caught = 0;
  try {
    ::operator delete(::operator new(huge));
  } catch (const std::bad_alloc&) {
    ++caught;
  }
  try {
    ::operator delete[](::operator new[](huge));
  } catch (const std::bad_alloc&) {
    ++caught;
  }
  try {
    ::operator delete(::operator new(huge, line), line);
  } catch (const std::bad_alloc&) {
    ++caught;
  }
  try {
    ::operator delete[](::operator new[](huge, line), line);
  } catch (const std::bad_alloc&) {
    ++caught;
  }
  CHECK(caught == 4);
  CHECK(::operator new(huge, std::nothrow) == nullptr);
  CHECK(::operator new[](huge, std::nothrow) == nullptr);
  CHECK(::operator new(huge, line, std::nothrow) == nullptr);
  CHECK(::operator new[](huge, line, std::nothrow) == nullptr);
  // A new handler is called, and may throw through it all.
  std::set_new_handler([] { throw 42; });
  try {
    ::operator delete(::operator new(huge));
  } catch (int value) {
    caught += value;
  }
  CHECK(caught == 46);
  return 0;
}

// ---- threads
constexpr int kThreads = 6;
std::atomic<void*> g_shelf[256];
std::atomic<bool> g_stop{false};

void* Worker(void* argument) {
  std::uint64_t random = reinterpret_cast<std::uintptr_t>(argument) * 0x9E3779B97F4A7C15ull + 1;
  for (int i = 0; i < 20'000 && !g_stop.load(); ++i) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    // Freed by whichever thread comes next.
    void* block = i % 3 == 0 ? ::operator new(64 + (random >> 40) % 4000)
                             : malloc(64 + (random >> 40) % 4000);
    void* old = g_shelf[(random >> 32) % 256].exchange(block);
    if (i % 7 == 0 && old != nullptr) old = realloc(old, 128 + (random >> 45) % 2000);
    free(old);
  }
  return nullptr;
}

void RunWorkers(pthread_t* threads) {
  for (std::uintptr_t t = 0; t < kThreads; ++t) {
    CHECK(pthread_create(&threads[t], nullptr, Worker, reinterpret_cast<void*>(t + 1)) == 0);
  }
}

int Threads() {
  pthread_t threads[kThreads];
  RunWorkers(threads);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  for (auto& slot : g_shelf) free(slot.exchange(nullptr));
  const WracklineTestCounts middle = Counts();
  RunWorkers(threads);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  for (auto& slot : g_shelf) free(slot.exchange(nullptr));
  const WracklineTestCounts after = Counts();
  if (Profiled()) {
    CHECK(after.live <= middle.live + 64);  // thread control blocks that glibc keeps
    CHECK(after.allocated_samples - middle.allocated_samples > kThreads * 19'000);
  }
  return 0;
}

int Fork() {
  pthread_t threads[kThreads];
  RunWorkers(threads);
  for (int round = 0; round < 20; ++round) {
    void* mine = malloc(5000);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      if (Profiled() && (Counts().active != 0 || Counts().live != 0)) _exit(9);
      free(mine);
      for (int i = 0; i < 1000; ++i) {
        char* block = new char[1000];
        block[0] = 1;
        delete[] block;
      }
      if (Profiled() && Counts().allocated_samples != 0) _exit(8);
      _exit(7);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    free(mine);
  }
  g_stop = true;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  return 0;
}

int Spawn() {
  char shell[] = "/bin/sh", option[] = "-c", command[] = "exit 5";
  char* arguments[] = {shell, option, command, nullptr};
  pid_t child;
  CHECK(posix_spawn(&child, shell, nullptr, nullptr, arguments, environ) == 0);
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
  return 0;
}

void OnSignal(int) {
  for (int i = 0; i < 10; ++i) free(malloc(1000));
  ::operator delete[](::operator new[](100));  // as expressions they may be elided
}

// Raised where no allocator is at work, also onto a stack of its own.
int Signals() {
  static char stack[64 << 10];
  const stack_t alternate = {.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  CHECK(sigaltstack(&alternate, nullptr) == 0);
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  for (int flags : {0, SA_ONSTACK}) {
    action.sa_flags = flags;
    CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
    const WracklineTestCounts before = Counts();
    for (int i = 0; i < 200; ++i) CHECK(raise(SIGUSR1) == 0);
    if (Profiled()) {
      CHECK(Counts().allocated_samples - before.allocated_samples == 200 * 11);
      CHECK(Counts().live == before.live);
    }
  }
  return 0;
}

// Threads that come and go: what the sampler holds for each goes with it.
long ResidentPages() {
  FILE* file = fopen("/proc/self/statm", "r");
  long total = 0, resident = 0;
  CHECK(file != nullptr && fscanf(file, "%ld %ld", &total, &resident) == 2);
  fclose(file);
  return resident;
}
int ThreadChurn() {
  auto churn = [](int count) {
    for (int i = 0; i < count; ++i) {
      pthread_t thread;
      CHECK(pthread_create(
                &thread, nullptr,
                [](void*) -> void* {
                  free(malloc(1000));
                  return nullptr;
                },
                nullptr) == 0);
      pthread_join(thread, nullptr);
    }
  };
  churn(200);
  const long before = ResidentPages();
  churn(2000);
  CHECK(ResidentPages() - before < 256);  // 1 MiB; 8 KiB a thread kept would be 16
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const struct {
    const char* name;
    int (*run)();
  } modes[] = {{"entry_points", EntryPoints},
               {"realloc", Realloc},
               {"new", OperatorNew},
               {"bad_alloc", BadAlloc},
               {"threads", Threads},
               {"fork", Fork},
               {"spawn", Spawn},
               {"signals", Signals},
               {"thread_churn", ThreadChurn},
               {"exit3", [] { return 3; }},
               {"abort", []() -> int { abort(); }}};
  for (const auto& mode : modes) {
    if (argc == 2 && strcmp(argv[1], mode.name) == 0) return mode.run();
  }
  fprintf(stderr, "usage: %s MODE\n", argv[0]);
  return 2;
}
