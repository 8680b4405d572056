// What the allocator behind the shim says of itself: what the program uses, what it holds beyond
// that, and how it is set.
//
// Each figure is the allocator's own, of one call: nothing is set off against what others counted
// (free_in_heap of jemalloc is its active less its allocated). Which one means what:
// docs/preload.md. Nothing here allocates or writes, and what is locked is locked by the allocator
// itself, which also takes these locks around fork, so that no child finds them taken:
//
//   glibc     mallinfo2: each arena's lock while its free chunks are walked. Number and size of the
//             other arenas' heaps: /proc only (glibc_heaps.h).
//   jemalloc  mallctl: its ctl lock; "epoch" each arena's locks while counters are merged.
//   tcmalloc  MallocExtension_GetNumericProperty: the central lists' and the page heap's spinlocks,
//             one after the other.
//   mimalloc  mi_process_info: none (counters, and getrusage).
//
// The program comes first: a call that took more than 2 ms is not repeated for a minute, one of more
// than 20 ms is the last. Looking for glibc's heaps is under the same rule by itself.
//
// Identify on the thread that loads the library; everything else on one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

extern "C" {
typedef struct _wrackline_proto_AllocatorMemory wrackline_proto_AllocatorMemory;
}

namespace wrackline::preload {

// Fields as in message AllocatorMemory.
struct AllocatorStatistics {
  std::optional<std::uint64_t> in_use, free_in_heap, mmapped, arena, top_releasable, active,
      metadata, resident, mapped, retained, heaps_mapped, heaps_resident, dirty, muzzy,
      thread_caches, heap_size, central_cache, transfer_cache, page_heap_free, page_heap_unmapped,
      committed, committed_peak;
  std::optional<std::int64_t> dirty_decay_ms, muzzy_decay_ms;
  std::optional<std::uint32_t> arenas, arenas_made, heaps;
  std::optional<bool> background_thread;
};

// When a call that may turn out slow is to be made again.
class CostRule {
 public:
  bool Allows(std::uint64_t now_ns) const { return !over_ && now_ns >= not_before_ns_; }
  bool over() const { return over_; }
  std::uint64_t not_before_ns() const { return not_before_ns_; }
  // The call took this much CPU time and ended at `now_ns` (CLOCK_MONOTONIC).
  void Spent(std::uint64_t cost_ns, std::uint64_t now_ns);

 private:
  bool over_ = false;
  std::uint64_t not_before_ns_ = 0;
};

class Allocator {
 public:
  // Finds out who answers malloc; calls dlsym, so from the library's constructor only.
  // `malloc_function` is the next allocator's malloc.
  void Identify(void* malloc_function);

  // "glibc 2.36", "jemalloc 5.3.0-0-g54eaed1d...", "tcmalloc, gperftools 2.10", "mimalloc 2.0.9", or
  // the name of the library's file.
  const char* name() const { return name_; }
  // The environment variables that it reads, as in Process.allocator_settings.
  const char* settings() const { return settings_; }

  // True when this allocator can be asked and was not too slow.
  bool available() const { return kind_ != Kind::kUnknown && !rule_.over(); }
  // Asks it. Returns the nanoseconds of CPU time it took.
  std::uint64_t Read(AllocatorStatistics* out);
  // Not to be asked again before this time (CLOCK_MONOTONIC); by the rule above.
  std::uint64_t not_before_ns() const { return rule_.not_before_ns(); }

 private:
  enum class Kind { kUnknown, kGlibc, kJemalloc, kTcmalloc, kMimalloc };
  using Mallctl = int (*)(const char*, void*, std::size_t*, void*, std::size_t);
  using NumericProperty = int (*)(const char*, std::size_t*);
  using ProcessInfo = void (*)(std::size_t*, std::size_t*, std::size_t*, std::size_t*, std::size_t*,
                               std::size_t*, std::size_t*, std::size_t*);

  bool IdentifyJemalloc(const void* object);
  bool IdentifyTcmalloc(const void* object);
  bool IdentifyMimalloc(const void* object);
  bool IdentifyGlibc(const void* object);
  void CollectSettings();

  void Ask(AllocatorStatistics* out) const;
  void ReadGlibc(AllocatorStatistics* out) const;
  void ReadJemalloc(AllocatorStatistics* out) const;
  void ReadJemallocArenas(AllocatorStatistics* out) const;
  void ReadTcmalloc(AllocatorStatistics* out) const;
  void ReadMimalloc(AllocatorStatistics* out) const;

  Kind kind_ = Kind::kUnknown;
  void* mallinfo2_ = nullptr;
  Mallctl mallctl_ = nullptr;
  NumericProperty numeric_property_ = nullptr;
  ProcessInfo process_info_ = nullptr;
  bool heaps_known_ = false;  // glibc's heaps are where glibc_heaps.h looks for them
  CostRule rule_, heaps_rule_;
  char name_[128] = {};
  char settings_[512] = {};
};

void FillAllocator(const AllocatorStatistics& statistics, std::uint64_t monotonic_ns,
                   wrackline_proto_AllocatorMemory* out);

}  // namespace wrackline::preload
