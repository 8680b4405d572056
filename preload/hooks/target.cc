#include "preload/hooks/target.h"

namespace wrackline::preload {
namespace {

constinit std::atomic<bool> g_watched{false};   // wanted
constinit std::atomic<bool> g_switched{false};  // every target listed before is switched
constinit std::atomic<WatchableTarget*> g_listed{nullptr};

}  // namespace

namespace internal {

bool List(WatchableTarget* target) {
  int listed = 0;
  if (!target->listed.compare_exchange_strong(listed, 1)) return listed == 2;
  WatchableTarget* first = g_listed.load();
  do {
    target->next.store(first, std::memory_order_relaxed);
  } while (!g_listed.compare_exchange_weak(first, target));
  target->listed.store(2);
  return true;
}

bool WatchingWanted() { return g_watched.load(); }

}  // namespace internal

void WatchFrees() {
  if (g_switched.load(std::memory_order_acquire)) return;
  g_watched.store(true);
  // Two threads may both walk: neither returns before all are switched.
  for (WatchableTarget* target = g_listed.load(); target != nullptr;
       target = target->next.load(std::memory_order_relaxed)) {
    target->watch(target);
  }
  g_switched.store(true, std::memory_order_release);
}

}  // namespace wrackline::preload
