// CodeChanges: that code is taken out of the process, so that what a thread remembers of stack
// frames by their return address (libunwind's fast path does) may be wrong from then on: another
// library at the same place has frames of other sizes, and a walk that steps by the old ones reads
// wherever that leads.
//
//   BeginUnload();       // any thread: from here on every walk starts from nothing
//   real_dlclose(...);
//   EndUnload();         // each thread forgets once more, at its next walk
//
// What is unloaded has no frame on any stack, so walks that are under way are not concerned.
#pragma once

#include <atomic>
#include <cstdint>

namespace wrackline::preload {

namespace internal {
// Unloads under way in the lower 16 bits, above them the count of those that ended.
inline constinit __attribute__((visibility("hidden"))) std::atomic<std::uint64_t> g_code_changes{0};
constexpr std::uint64_t kUnloadEnded = 1u << 16;
}  // namespace internal

inline void BeginUnload() { internal::g_code_changes.fetch_add(1); }
inline void EndUnload() { internal::g_code_changes.fetch_add(internal::kUnloadEnded - 1); }

// Of one thread.
struct SeenCodeChanges {
  std::uint64_t changes;
  // True: what it remembers must be forgotten before it walks.
  bool Changed() {
    const std::uint64_t now = internal::g_code_changes.load(std::memory_order_acquire);
    if (now == changes) [[likely]] {
      return false;
    }
    // With an unload under way, also the next time.
    const bool under_way = now % internal::kUnloadEnded != 0;
    changes = under_way ? ~std::uint64_t{0} : now;
    return true;
  }
};

}  // namespace wrackline::preload
