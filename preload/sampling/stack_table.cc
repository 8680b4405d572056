#include "preload/sampling/stack_table.h"

namespace wrackline::preload {
namespace {

// Every bit of the hash depends on every frame: murmur's finalizer after each one.
std::uint64_t HashOf(const std::uint64_t* frames, std::uint32_t depth, bool truncated) {
  std::uint64_t hash = 0x9E3779B97F4A7C15ull + depth * 2 + (truncated ? 1 : 0);
  for (std::uint32_t i = 0; i < depth; ++i) {
    hash ^= frames[i];
    hash ^= hash >> 33;
    hash *= 0xFF51AFD7ED558CCDull;
    hash ^= hash >> 33;
    hash *= 0xC4CEB9FE1A85EC53ull;
    hash ^= hash >> 33;
  }
  return hash == 0 ? 1 : hash;
}

constexpr std::uint64_t kTruncatedBit = 1ull << 31;
// An entry whose frames found no room in the store: published with depth 0.
constexpr std::uint64_t kWithoutFrames = 1;

}  // namespace

std::uint32_t StackTable::Intern(const std::uint64_t* frames, std::uint32_t depth, bool truncated,
                                 bool* full) {
  *full = false;
  if (depth == 0) return kUnknown;
  if (depth > kMaxDepth) {
    depth = kMaxDepth;
    truncated = true;
  }
  const std::uint64_t hash = HashOf(frames, depth, truncated);
  std::uint32_t id = kUnknown;
  // Entries are never given back: a stack that found its first window full never is in it later.
  if (InternIn(0, kNear, hash, frames, depth, truncated, full, &id)) return id;
  if (far_.load(std::memory_order_relaxed) == 0) far_.store(1, std::memory_order_release);
  if (InternIn(kNear, kSlots - kNear, hash, frames, depth, truncated, full, &id)) return id;
  *full = true;
  return kUnknown;
}

bool StackTable::InternIn(std::uint32_t first, std::uint32_t count, std::uint64_t hash,
                          const std::uint64_t* frames, std::uint32_t depth, bool truncated,
                          bool* full, std::uint32_t* id) {
  for (std::uint32_t i = 0; i < kWindow; ++i) {
    const std::uint32_t at = first + static_cast<std::uint32_t>(hash + i) % count;
    if (at == kUnknown) continue;
    Entry& entry = entries_[at];
    std::uint64_t found = entry.hash.load(std::memory_order_acquire);
    if (found == 0) {
      // Do not claim an entry whose frames cannot be kept.
      if (store_used_.load(std::memory_order_relaxed) > kFrameStore - depth) {
        *full = true;
        return true;
      }
      if (entry.hash.compare_exchange_strong(found, hash, std::memory_order_acq_rel)) {
        *id = Publish(at, frames, depth, truncated, full);
        return true;
      }
    }
    if (found == hash) {
      *full = entry.frames_depth.load(std::memory_order_acquire) == kWithoutFrames;
      if (!*full) *id = at;
      return true;
    }
  }
  return false;
}

std::uint32_t StackTable::Publish(std::uint32_t id, const std::uint64_t* frames,
                                  std::uint32_t depth, bool truncated, bool* full) {
  Entry& entry = entries_[id];
  std::uint32_t offset = store_used_.load(std::memory_order_relaxed);
  do {
    if (offset > kFrameStore - depth) {  // other threads took the last room since the look above
      entry.frames_depth.store(kWithoutFrames, std::memory_order_release);
      *full = true;
      return kUnknown;
    }
  } while (!store_used_.compare_exchange_weak(offset, offset + depth, std::memory_order_relaxed));
  for (std::uint32_t i = 0; i < depth; ++i) store_[offset + i] = frames[i];
  const std::uint64_t packed =
      (static_cast<std::uint64_t>(offset) << 32) | (truncated ? kTruncatedBit : 0) | depth;
  entry.frames_depth.store(packed + 1, std::memory_order_release);
  MarkDirty(id);
  return id;
}

void StackTable::CountAllocation(std::uint32_t id, std::uint64_t weight) {
  Entry& entry = entries_[id % kSlots];
  entry.allocated_samples.fetch_add(1, std::memory_order_relaxed);
  entry.allocated_bytes.fetch_add(weight, std::memory_order_relaxed);
  MarkDirty(id % kSlots);
}

void StackTable::CountFree(std::uint32_t id, std::uint64_t weight) {
  // Release, with Counters' acquire: whoever sees this free also sees the allocation it belongs to.
  Entry& entry = entries_[id % kSlots];
  entry.freed_samples.fetch_add(1, std::memory_order_release);
  entry.freed_bytes.fetch_add(weight, std::memory_order_release);
  MarkDirty(id % kSlots);
}

bool StackTable::Frames(std::uint32_t id, const std::uint64_t** frames, std::uint32_t* depth,
                        bool* truncated) const {
  *frames = store_;
  *depth = 0;
  *truncated = false;
  if (id == kUnknown) return true;
  if (id >= kSlots) return false;
  std::uint64_t packed = entries_[id].frames_depth.load(std::memory_order_acquire);
  if (packed == 0) return false;
  packed -= 1;
  *frames = store_ + (packed >> 32);
  *depth = static_cast<std::uint32_t>(packed & (kTruncatedBit - 1));
  *truncated = (packed & kTruncatedBit) != 0;
  return true;
}

StackSnapshot StackTable::Counters(std::uint32_t id) const {
  const Entry& entry = entries_[id % kSlots];
  // Frees first: more freed than allocated is never seen.
  StackSnapshot snapshot;
  snapshot.freed_samples = entry.freed_samples.load(std::memory_order_acquire);
  snapshot.freed_bytes = entry.freed_bytes.load(std::memory_order_acquire);
  snapshot.allocated_samples = entry.allocated_samples.load(std::memory_order_relaxed);
  snapshot.allocated_bytes = entry.allocated_bytes.load(std::memory_order_relaxed);
  return snapshot;
}

void StackTable::MarkDirty(std::uint32_t id) {
  // Always the read-modify-write, never a look first: a stale "already marked" would lose the
  // change for the reader.
  dirty_[id / 64].fetch_or(1ull << (id % 64), std::memory_order_release);
}

}  // namespace wrackline::preload
