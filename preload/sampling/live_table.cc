// How a slot changes: its key is the lock. A writer takes the slot by compare-exchange from 0
// (insert) or from the address (remove) to kChangingKey, and gives it back by storing the address
// or 0. Payload versions make Read's copy consistent: odd while an insert writes the fields, two
// higher with each insert. Every store is a release and every load of a field an acquire: no
// fences, which ThreadSanitizer does not model. On x86-64 all of them are plain moves.
#include "preload/sampling/live_table.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kFree = 0;
constexpr std::uint64_t kChangingKey = 1;  // no allocator returns address 1

// A byte that has reached this stays: from then on it may stand for more than it can count.
constexpr std::uint8_t kSaturated = 255;

void Increment(std::uint8_t* filter) {
  const std::atomic_ref counter(*filter);
  std::uint8_t value = counter.load(std::memory_order_relaxed);
  while (value != kSaturated &&
         !counter.compare_exchange_weak(value, static_cast<std::uint8_t>(value + 1),
                                        std::memory_order_relaxed)) {
  }
}

void Decrement(std::uint8_t* filter) {
  const std::atomic_ref counter(*filter);
  std::uint8_t value = counter.load(std::memory_order_relaxed);
  // Zero only after a fork wiped the table under a thread that was inside it.
  while (value != kSaturated && value != 0 &&
         !counter.compare_exchange_weak(value, static_cast<std::uint8_t>(value - 1),
                                        std::memory_order_relaxed)) {
  }
}

}  // namespace

namespace internal {
constinit std::uint8_t g_coarse_live_filter[LiveTable::kCoarseFilterBytes] = {};
constinit std::uint8_t g_live_filter[LiveTable::kFilterBytes] = {};
}  // namespace internal

bool LiveTable::Insert(const LiveObject& object) {
  const std::uint64_t hash = HashOf(object.address);
  if (InsertIn(NearPart(hash), object)) return true;
  // Before the key: whoever frees the object, and whoever reads it, looks at all slots by then.
  if (far_.load(std::memory_order_relaxed) == 0) far_.store(1, std::memory_order_release);
  return InsertIn(FarPart(hash), object);
}

bool LiveTable::InsertIn(Part part, const LiveObject& object) {
  for (std::uint32_t i = 0; i < kWindow; ++i) {
    const std::uint32_t slot = part.Slot(i);
    std::uint64_t key = keys_[slot].load(std::memory_order_relaxed);
    if (key != kFree ||
        !keys_[slot].compare_exchange_strong(key, kChangingKey, std::memory_order_acq_rel)) {
      continue;
    }
    Payload& payload = payloads_[slot];
    const std::uint32_t version = payload.version.load(std::memory_order_relaxed) | 1;
    payload.version.store(version, std::memory_order_release);
    payload.stack_id.store(object.stack_id, std::memory_order_release);
    payload.thread_id.store(object.thread_id, std::memory_order_release);
    payload.time_ms.store(object.time_ms, std::memory_order_release);
    payload.size.store(object.size, std::memory_order_release);
    payload.weight.store(object.weight, std::memory_order_release);
    payload.version.store(version + 1, std::memory_order_release);
    // Before the key: what the table holds is never denied.
    Increment(&internal::g_coarse_live_filter[CoarseFilterOf(object.address)]);
    Increment(&internal::g_live_filter[FilterOf(object.address)]);
    keys_[slot].store(object.address, std::memory_order_release);
    size_.fetch_add(1, std::memory_order_relaxed);
    MarkDirty(slot);
    return true;
  }
  return false;
}

std::uint32_t LiveTable::FindIn(Part part, std::uint64_t address) const {
  for (std::uint32_t i = 0; i < kWindow; ++i) {
    const std::uint32_t slot = part.Slot(i);
    if (keys_[slot].load(std::memory_order_acquire) == address) return slot;
  }
  return kSlots;
}

bool LiveTable::Remove(std::uint64_t address, LiveObject* removed) {
  if (address == kFree || address == kChangingKey) return false;
  const std::uint64_t hash = HashOf(address);
  std::uint32_t slot = FindIn(NearPart(hash), address);
  // Relaxed is enough, as in MayContain.
  if (slot == kSlots && far_.load(std::memory_order_relaxed) != 0)
    slot = FindIn(FarPart(hash), address);
  if (slot == kSlots) return false;
  std::uint64_t key = address;
  // Lost only to another free of the same address: the program's double free, counted once.
  if (!keys_[slot].compare_exchange_strong(key, kChangingKey, std::memory_order_acq_rel))
    return false;
  const Payload& payload = payloads_[slot];
  removed->address = address;
  removed->size = payload.size.load(std::memory_order_relaxed);
  removed->weight = payload.weight.load(std::memory_order_relaxed);
  removed->stack_id = payload.stack_id.load(std::memory_order_relaxed);
  removed->thread_id = payload.thread_id.load(std::memory_order_relaxed);
  removed->time_ms = payload.time_ms.load(std::memory_order_relaxed);
  keys_[slot].store(kFree, std::memory_order_release);
  Decrement(&internal::g_live_filter[FilterOf(address)]);
  Decrement(&internal::g_coarse_live_filter[CoarseFilterOf(address)]);
  size_.fetch_sub(1, std::memory_order_relaxed);
  MarkDirty(slot);
  return true;
}

LiveTable::SlotState LiveTable::Read(std::uint32_t slot, LiveObject* out) const {
  const std::uint64_t key = keys_[slot].load(std::memory_order_acquire);
  if (key == kFree) return SlotState::kEmpty;
  if (key == kChangingKey) return SlotState::kChanging;
  const Payload& payload = payloads_[slot];
  const std::uint32_t version = payload.version.load(std::memory_order_acquire);
  if (version % 2 != 0) return SlotState::kChanging;
  out->address = key;
  out->stack_id = payload.stack_id.load(std::memory_order_acquire);
  out->thread_id = payload.thread_id.load(std::memory_order_acquire);
  out->time_ms = payload.time_ms.load(std::memory_order_acquire);
  out->size = payload.size.load(std::memory_order_acquire);
  out->weight = payload.weight.load(std::memory_order_acquire);
  // Key, then version: an insert of the same address elsewhere in time has raised the version
  // before it set the key.
  if (keys_[slot].load(std::memory_order_acquire) != key) return SlotState::kChanging;
  if (payload.version.load(std::memory_order_relaxed) != version) return SlotState::kChanging;
  return SlotState::kOccupied;
}

void LiveTable::MarkDirty(std::uint32_t slot) {
  dirty_[slot / 64].fetch_or(1ull << (slot % 64), std::memory_order_release);
}

}  // namespace wrackline::preload
