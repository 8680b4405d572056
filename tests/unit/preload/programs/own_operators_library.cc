// A library that replaces two of libstdc++'s operators (own_operators.cc). It keeps a header before each block: what it gives out
// must come back to it.
#include <stdlib.h>

#include <cstddef>
#include <new>

extern "C" {
__attribute__((visibility("default"))) unsigned long own_news = 0, own_deletes = 0;
}

__attribute__((visibility("default"))) void* operator new(std::size_t size) {
  ++own_news;
  auto* header = static_cast<unsigned long*>(malloc(size + 16));
  if (header == nullptr) throw std::bad_alloc();
  *header = 0x77726163;
  return header + 2;
}
__attribute__((visibility("default"))) void operator delete(void* block) noexcept {
  ++own_deletes;
  auto* header = static_cast<unsigned long*>(block) - 2;
  if (*header != 0x77726163) abort();
  free(header);
}
