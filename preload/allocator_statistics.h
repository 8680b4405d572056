// What the allocator behind the shim says of itself: in use, free in its heap, mapped, retained.
//
// glibc's mallinfo2 walks the free chunks of every arena with that arena's lock held, and a program
// thread that needs the lock waits. The program comes first: a call that took more than 2 ms is not
// repeated for a minute, one of more than 20 ms is the last. jemalloc keeps its figures and only
// merges them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

extern "C" {
typedef struct _wrackline_proto_AllocatorMemory wrackline_proto_AllocatorMemory;
}

namespace wrackline::preload {

struct AllocatorStatistics {
  std::optional<std::uint64_t> in_use, free_in_heap, mmapped, arena, top_releasable, active,
      metadata, resident, mapped, retained;
  std::optional<std::uint32_t> arenas;
};

class Allocator {
 public:
  // Finds out who answers malloc; calls dlsym, so from the library's constructor only.
  // `malloc_function` is the next allocator's malloc.
  void Identify(void* malloc_function);

  // "glibc 2.36", "jemalloc 5.3.0-0-g54eaed1d...", or the name of the library's file.
  const char* name() const { return name_; }

  // True when this allocator can be asked and was not too slow.
  bool available() const { return kind_ != Kind::kUnknown; }
  // Asks it. Returns the nanoseconds of CPU time it took.
  std::uint64_t Read(AllocatorStatistics* out);
  // Not to be asked again before this time (CLOCK_MONOTONIC); by the rule above.
  std::uint64_t not_before_ns() const { return not_before_ns_; }

 private:
  enum class Kind { kUnknown, kGlibc, kJemalloc };
  using Mallctl = int (*)(const char*, void*, std::size_t*, void*, std::size_t);

  void ReadGlibc(AllocatorStatistics* out) const;
  void ReadJemalloc(AllocatorStatistics* out) const;

  Kind kind_ = Kind::kUnknown;
  void* mallinfo2_ = nullptr;
  Mallctl mallctl_ = nullptr;
  std::uint64_t not_before_ns_ = 0;
  char name_[128] = {};
};

void FillAllocator(const AllocatorStatistics& statistics, std::uint64_t monotonic_ns,
                   wrackline_proto_AllocatorMemory* out);

}  // namespace wrackline::preload
