// A C++ library that a C program opens privately, as a JVM opens its JNI libraries.
#include <cstddef>
#include <new>

#if defined(__clang__)
#define WRACKLINE_KEEP __attribute__((noinline, optnone))
#else
#define WRACKLINE_KEEP __attribute__((noinline, noipa))
#endif

extern "C" __attribute__((visibility("default"))) WRACKLINE_KEEP void* plugin_new(
    std::size_t size) {
  return new char[size];
}
extern "C" __attribute__((visibility("default"))) WRACKLINE_KEEP void plugin_delete(void* block) {
  delete[] static_cast<char*>(block);
}
// 1 when a request beyond all memory throws what it should.
extern "C" __attribute__((visibility("default"))) WRACKLINE_KEEP int plugin_catches_bad_alloc() {
  try {
    volatile std::size_t huge = static_cast<std::size_t>(-1) / 4;
    ::operator delete(::operator new(huge));
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}
