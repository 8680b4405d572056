// Target: where a hook jumps to when it has nothing more to do.
//
// One pointer, loaded and jumped to, so that the usual call pays for nothing that it does not need:
// at first it leads to a function that finds the real one and puts it here, then to the real one.
#pragma once

#include <atomic>

namespace wrackline::preload {

// Any thread. Constant-initialized with MakeTarget: a hook may be called before any constructor.
template <typename Function>
struct Target {
  std::atomic<Function*> now;   // what the hook calls
  std::atomic<Function*> real;  // null: not found yet
  Function* unresolved;         // what `now` is at first

  // Whoever is led past `unresolved` must find the real function. x86-64 keeps the order of loads by
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
constexpr Target<Function> MakeTarget(Function* unresolved) {
  return {unresolved, nullptr, unresolved};
}

// The real function was found. What `now` has been led to since is left.
template <typename Function>
void Resolve(Target<Function>* target, Function* real) {
  target->real.store(real, std::memory_order_release);
  Function* expected = target->unresolved;
  target->now.compare_exchange_strong(expected, real);
}

}  // namespace wrackline::preload
