// A program that knows what it holds: it takes a step at each byte from descriptor 100, and says so
// with a byte on descriptor 101.
//
//   start   nothing yet
//   held    kCount blocks of kBlock bytes and one of kLarge, all written
//   freed   the first kFreed blocks are free again
//
// It asks for nothing else in between; its tables are static. With the argument "turns" it takes one
// step instead:
//
//   turned  kThreads threads, all alive, have one after the other taken kCount / 4 blocks and given
//           all but every hundredth back: what one of them leaves, the next one could use, were it
//           in the same arena
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "tests/e2e/programs/allocator_steps.h"

namespace {

void* blocks[wrackline::test::kCount];

pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
pthread_barrier_t all_here;
std::atomic<int> turned{0};

void* TakeATurn(void*) {
  using namespace wrackline::test;
  // With its first block a thread gets its arena: all of them before any of them goes on.
  void* first = std::malloc(10);
  pthread_barrier_wait(&all_here);
  pthread_mutex_lock(&turn);
  static void* held[kCount / 4];
  for (void*& block : held) {
    block = std::malloc(kBlock);
    std::memset(block, 1, kBlock);
  }
  for (int i = 0; i < kCount / 4; ++i) {
    if (i % 100 != 0) std::free(held[i]);
  }
  std::free(first);
  turned.fetch_add(1);
  pthread_mutex_unlock(&turn);
  for (;;) pause();
}

bool Step(char name) {
  char go = 0;
  return write(wrackline::test::kSays, &name, 1) == 1 && read(wrackline::test::kHears, &go, 1) == 1;
}

int TakeTurns() {
  using namespace wrackline::test;
  pthread_barrier_init(&all_here, nullptr, kThreads);
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, TakeATurn, nullptr) != 0) return 3;
  }
  while (turned.load() < kThreads) usleep(1000);
  return Step('t') ? 0 : 2;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace wrackline::test;
  if (count > 1 && std::strcmp(arguments[1], "turns") == 0) return TakeTurns();
  if (!Step('s')) return 2;
  for (void*& block : blocks) {
    block = std::malloc(kBlock);
    if (block == nullptr) return 3;
    std::memset(block, 1, kBlock);
  }
  void* large = std::malloc(kLarge);
  if (large == nullptr) return 3;
  std::memset(large, 1, kLarge);
  if (!Step('h')) return 2;
  for (int i = 0; i < kFreed; ++i) std::free(blocks[i]);
  if (!Step('f')) return 2;
  return 0;
}
