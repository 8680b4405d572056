// commotion MILLISECONDS LIBRARY LIBRARY: everything at once that profilers hang or crash in, each
// in threads of its own, every allocation sampled. A hang ends in SIGALRM, a failure in exit
// status 1.
//
// commotion limited: the address space is used up, so that nothing more can be mapped.
#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

extern char** environ;

namespace {

std::atomic<bool> g_done{false};
std::atomic<int> g_failed{0};
std::atomic<std::uint64_t> g_rounds[9];

void Fail(const char* what) {
  if (g_failed.exchange(1) == 0) std::fprintf(stderr, "commotion: %s\n", what);
}

// Freed when the process ends, after main.
struct AtExit {
  std::map<int, std::string> kept;
  ~AtExit() { kept.clear(); }
} g_at_exit;

// --- allocations from stacks of all depths
[[gnu::noinline]] void* Deep(int levels, std::size_t size) {
  void* block = levels == 0 ? malloc(size) : Deep(levels - 1, size);
  asm volatile("" ::: "memory");
  return block;
}
void Allocate() {
  for (unsigned i = 0; !g_done; ++i) {
    const std::size_t size = 16 + i % 3000;
    void* block = Deep(static_cast<int>(i % 40), size);
    if (block == nullptr) return Fail("malloc");
    std::memset(block, static_cast<int>(i), size);
    block = realloc(block, size * 2);
    if (block == nullptr || static_cast<unsigned char*>(block)[size - 1] != i % 256)
      return Fail("realloc");
    free(block);
    ++g_rounds[0];
  }
}

// --- libraries that come and go
void AllocateHere() {
  void* volatile block = malloc(100);
  free(block);
}
void Load(const char* first, const char* second) {
  for (unsigned i = 0; !g_done; ++i) {
    void* library = dlopen(i % 2 == 0 ? first : second, RTLD_NOW);
    if (library == nullptr) return Fail(dlerror());
    void* step = dlsym(library, "wrackline_test_step");
    if (step == nullptr) return Fail("no such symbol");
    reinterpret_cast<void (*)(void (*)())>(step)(AllocateHere);
    if (dlclose(library) != 0) return Fail("dlclose");
    ++g_rounds[1];
  }
}

// --- the loader's lock is held while its owner allocates, and waits for one who does
std::atomic<bool> g_wanted{false};
void Serve() {  // allocates whenever the holder of the lock asks
  while (!g_done) {
    if (!g_wanted.load()) continue;
    AllocateHere();
    g_wanted.store(false);
  }
}
int UnderTheLock(struct dl_phdr_info*, std::size_t, void*) {
  AllocateHere();
  g_wanted.store(true);
  while (g_wanted.load() && !g_done) {
  }
  return 0;
}
void Iterate() {
  while (!g_done) {
    dl_iterate_phdr(UnderTheLock, nullptr);
    ++g_rounds[2];
  }
}

// --- a signal handler that allocates while its thread holds that lock. (In a thread that does not
// allocate itself: the C library's malloc may not be interrupted by another of the same thread.)
std::atomic<std::uint64_t> g_handled{0};
void OnSignal(int) {
  AllocateHere();
  g_handled.fetch_add(1);
}
int Spin(struct dl_phdr_info*, std::size_t, void*) {
  const std::uint64_t before = g_handled.load();
  while (g_handled.load() == before && !g_done) {
  }
  return 1;
}
std::atomic<pthread_t> g_interrupted{};
// A thread is made under locks that a dlopen holds while it waits for the loader's: whoever holds that one
// until another thread answers must begin when that thread is there.
std::atomic<bool> g_all_there{false};
void BeInterrupted() {
  while (!g_all_there) {
  }
  g_interrupted.store(pthread_self());
  while (!g_done) {
    dl_iterate_phdr(Spin, nullptr);
    ++g_rounds[3];
  }
}
void Interrupt() {
  const timespec pause = {0, 200'000};
  while (!g_done) {
    if (g_interrupted.load() != pthread_t{}) pthread_kill(g_interrupted.load(), SIGUSR1);
    nanosleep(&pause, nullptr);
  }
}

// --- exceptions, whose unwinder takes the loader's lock in older C libraries
[[gnu::noinline]] void Throw(int levels) {
  std::string held(static_cast<std::size_t>(20 + levels), 'x');
  if (levels == 0) throw std::runtime_error(held);
  Throw(levels - 1);
  asm volatile("" ::"r"(held.data()) : "memory");
}
void ThrowAndCatch() {
  while (!g_done) {
    try {
      Throw(12);
      return Fail("nothing was thrown");
    } catch (const std::runtime_error& error) {
      if (std::strlen(error.what()) != 20) return Fail("another was thrown");
    }
    ++g_rounds[4];
  }
}

// --- processes
void ExpectZero(pid_t child, const char* what) {
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) Fail(what);
}
void Fork() {
  while (!g_done) {
    std::vector<char*> blocks;
    for (std::size_t size = 10; size < 5000; size += 100) {
      blocks.push_back(static_cast<char*>(malloc(size)));
      std::memset(blocks.back(), 7, size);
    }
    const pid_t child = fork();
    if (child == 0) {
      // What it inherits is its own: it frees, resizes and allocates.
      alarm(10);
      for (std::size_t i = 0; i < blocks.size(); ++i) {
        const std::size_t size = 10 + i * 100;
        if (malloc_usable_size(blocks[i]) < size) _exit(2);
        blocks[i] = static_cast<char*>(realloc(blocks[i], size + 1000));
        if (blocks[i] == nullptr || blocks[i][0] != 7 || blocks[i][size - 1] != 7) _exit(3);
        free(blocks[i]);
      }
      AllocateHere();
      _exit(0);
    }
    ExpectZero(child, "the forked child");
    for (char* block : blocks) free(block);
    ++g_rounds[5];
  }
}
char g_true[] = "true";
char* g_true_arguments[] = {g_true, nullptr};
[[gnu::noinline]] pid_t VforkTrue() {
  const pid_t child = vfork();
  if (child == 0) {
    execvp(g_true, g_true_arguments);
    _exit(127);
  }
  return child;
}
void Spawn() {
  for (unsigned i = 0; !g_done; ++i) {
    pid_t child = -1;
    if (i % 2 != 0) {
      child = VforkTrue();
    } else if (posix_spawnp(&child, g_true, nullptr, nullptr, g_true_arguments, environ) != 0) {
      child = -1;
    }
    ExpectZero(child, "the spawned program");
    ++g_rounds[6];
  }
}

// --- short threads, which leave what they allocated to others
std::atomic<void*> g_left{nullptr};
thread_local std::string t_name;  // freed by a destructor of the thread
void Churn() {
  while (!g_done) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([] {
        t_name = std::string(100, 'n');
        free(g_left.exchange(malloc(300)));
      });
    }
    for (auto& thread : threads) thread.join();
    ++g_rounds[7];
  }
}

int Limited() {
  // Enough in the allocator's own hands, and then no more address space.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::vector<char*> blocks(20'000);
  for (auto& block : blocks) block = static_cast<char*>(malloc(900));
  for (std::size_t i = 0; i < blocks.size(); i += 2) free(std::exchange(blocks[i], nullptr));
  const rlimit none = {1 << 20, RLIM_INFINITY};  // below what is mapped already
  if (setrlimit(RLIMIT_AS, &none) != 0) return 2;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      const std::size_t size = 8 + i * 7 % 890;
      blocks[i] = static_cast<char*>(malloc(size));
      if (blocks[i] == nullptr) return 1;
      std::memset(blocks[i], static_cast<int>(i), size);
    }
    for (std::size_t i = 0; i < blocks.size(); i += 2) {
      const std::size_t size = 8 + i * 7 % 890;
      if (blocks[i][0] != static_cast<char>(i) || blocks[i][size - 1] != static_cast<char>(i))
        return 3;
      free(std::exchange(blocks[i], nullptr));
    }
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  alarm(60);
  if (count == 2 && std::strcmp(arguments[1], "limited") == 0) return Limited();
  if (count != 4) return 2;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
  for (int i = 0; i < 1000; ++i) g_at_exit.kept[i] = std::string(static_cast<std::size_t>(i), 'k');

  std::vector<std::thread> threads;
  threads.emplace_back(Allocate);
  threads.emplace_back(Allocate);
  threads.emplace_back([=] { Load(arguments[2], arguments[3]); });
  threads.emplace_back(Serve);
  threads.emplace_back(Iterate);
  threads.emplace_back(BeInterrupted);
  threads.emplace_back(Interrupt);
  threads.emplace_back(ThrowAndCatch);
  threads.emplace_back(Fork);
  threads.emplace_back(Spawn);
  threads.emplace_back(Churn);
  g_all_there = true;
  const long milliseconds = std::atol(arguments[1]);
  const timespec duration = {milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  nanosleep(&duration, nullptr);
  g_done = true;
  for (auto& thread : threads) thread.join();
  g_rounds[8] = g_handled.load();
  for (int i = 0; i < 9; ++i) {
    std::printf("%llu ", static_cast<unsigned long long>(g_rounds[i].load()));
    if (g_rounds[i].load() == 0) Fail("something never happened");
  }
  std::printf("\n");
  return g_failed.load();
}
