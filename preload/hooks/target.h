// Target: where a hook jumps to when it has nothing more to do.
//
// One pointer, loaded and jumped to, so that the usual call pays for nothing that it does not need:
//   - at first it leads to a function that finds the real one and puts it here,
//   - then to the real function itself,
//   - and, for entries that free, from the first sample on that the allocator holds ("unmoved", see
//     sampling/allocation.h), to one that looks whether the block is such a sample. Until then no
//     free looks at anything but the pointer's upper bits.
//
#pragma once

#include <atomic>

namespace wrackline::preload {

// What the list of those to switch needs.
struct WatchableTarget {
  void (*watch)(WatchableTarget* target);
  std::atomic<WatchableTarget*> next;
  std::atomic<int> listed;  // 0: no, 1: being listed, 2: yes
};

// Any thread. Constant-initialized with MakeTarget: a hook may be called before any constructor.
template <typename Function>
struct Target : WatchableTarget {
  std::atomic<Function*> now;   // what the hook calls
  std::atomic<Function*> real;  // null: not found yet
  Function* unresolved;         // what `now` is at first
  Function* watching;           // takes its place when frees are watched; null: never

  // Whoever is led to `watching` must find the real function. x86-64 keeps the order of loads by
  // itself, and a relaxed one can be a part of the jump.
#if defined(__x86_64__)
  static constexpr std::memory_order kInOrder = std::memory_order_relaxed;
#else
  static constexpr std::memory_order kInOrder = std::memory_order_acquire;
#endif
  Function* Now() const { return now.load(kInOrder); }
  Function* Real() const { return real.load(kInOrder); }
};

template <typename Function>
constexpr Target<Function> MakeTarget(Function* unresolved, Function* watching) {
  return {{[](WatchableTarget* target) {
             auto* self = static_cast<Target<Function>*>(target);
             self->now.store(self->watching);
           },
           {},
           {}},
          unresolved,
          nullptr,
          unresolved,
          watching};
}

namespace internal {
// True: it is in the list. False: another thread is at it and may be stopped there.
bool List(WatchableTarget* target);
bool WatchingWanted();
}  // namespace internal

// The real function was found. `watched`: the target is switched when frees are watched.
//
// Which of Resolve and WatchFrees comes first does not matter: Resolve lists the target, then looks
// at the flag; WatchFrees sets the flag, then walks the list (all sequentially consistent). So if
// Resolve has missed the flag, the walk meets the target; and Resolve only replaces `unresolved`,
// never what the walk has put there. Where another thread is just listing the target, `now` is left
// to that thread: until then it leads to `unresolved`, which looks at everything.
template <typename Function>
void Resolve(Target<Function>* target, Function* real, bool watched) {
  target->real.store(real, std::memory_order_release);
  if (watched && !internal::List(target)) return;
  Function* expected = target->unresolved;
  target->now.compare_exchange_strong(
      expected, watched && internal::WatchingWanted() ? target->watching : real);
}

// From here on, frees are watched. Returns once every target found so far leads to its watching
// function; what a thread is told of after that is seen when it frees it.
void WatchFrees();

}  // namespace wrackline::preload
