// A program that knows what it holds: it takes a step at each byte from descriptor 100, and says so
// with a byte on descriptor 101.
//
//   start   nothing yet
//   held    kCount blocks of kBlock bytes and one of kLarge, all written
//   freed   the first kFreed blocks are free again
//
// It asks for nothing else in between; its tables are static.
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/e2e/programs/allocator_steps.h"

namespace {

void* blocks[wrackline::test::kCount];

bool Step(char name) {
  char go = 0;
  return write(wrackline::test::kSays, &name, 1) == 1 && read(wrackline::test::kHears, &go, 1) == 1;
}

}  // namespace

int main() {
  using namespace wrackline::test;
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
