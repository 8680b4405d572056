// Holds a known set of blocks and leaves a heap profile of it: jemalloc's (prof:true) in the file that is its first argument, or what
// the allocator writes by itself when it ends (HEAPPROFILE). The second argument is the number of small blocks.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

extern "C" int mallctl(const char*, void*, std::size_t*, void*, std::size_t) __attribute__((weak));

namespace cargo {

std::vector<void*> held;
void Hold(void* block) { held.push_back(block); }

__attribute__((noinline)) void Small(int count) {
  for (int i = 0; i < count; ++i) Hold(std::malloc(200));
}
__attribute__((noinline)) void Large() {
  for (int i = 0; i < 20; ++i) Hold(std::malloc(900000));
}
__attribute__((noinline)) void Mixed() {
  for (int i = 0; i < 2000; ++i) Hold(std::malloc(static_cast<std::size_t>(1000 + i * 37 % 60000)));
}
__attribute__((noinline)) void Passing(int count) {
  for (int i = 0; i < count; ++i) {
    void* volatile block = std::malloc(300);
    std::free(block);
  }
}

}  // namespace cargo

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const int small = std::atoi(argv[2]);
  cargo::held.reserve(static_cast<std::size_t>(small) + 2020);
  cargo::Small(small);
  cargo::Large();
  cargo::Mixed();
  cargo::Passing(10000);
  if (&mallctl == nullptr) return 0;
  const char* file = argv[1];
  return mallctl("prof.dump", nullptr, nullptr, static_cast<void*>(&file), sizeof file) == 0 ? 0
                                                                                             : 1;
}
