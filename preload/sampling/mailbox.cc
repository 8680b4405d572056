#include "preload/sampling/mailbox.h"

#include <cerrno>
#include <cstring>

namespace wrackline::preload {
namespace {

// A record in the ring: one word that publishes it, the key, the bytes, padding to 8. Positions
// count all bytes ever; 8-byte alignment keeps both words whole at the ring's end, the bytes may
// wrap.
constexpr std::uint64_t kHeaderBytes = 16;
constexpr std::uint64_t kPublished =
    1;  // bit 0 of the word; then 2 bits of kind; size from bit 8 on

static_assert((Mailbox::kBytes & (Mailbox::kBytes - 1)) == 0);
static_assert(Mailbox::kMaxRecord + kHeaderBytes + 8 < Mailbox::kBytes);

std::uint64_t Occupied(std::uint64_t size) { return (kHeaderBytes + size + 7) & ~std::uint64_t{7}; }

std::atomic_ref<std::uint64_t> Word(unsigned char* ring, std::uint64_t position) {
  return std::atomic_ref<std::uint64_t>(
      *reinterpret_cast<std::uint64_t*>(ring + position % Mailbox::kBytes));
}

// The part of [position, position + size) before the ring's end.
std::size_t FirstPart(std::uint64_t position, std::size_t size) {
  const std::size_t left = Mailbox::kBytes - position % Mailbox::kBytes;
  return size < left ? size : left;
}

}  // namespace

int Mailbox::Put(std::uint64_t key, std::uint32_t kind, const void* record, std::size_t size) {
  if (record == nullptr || size == 0 || size > kMaxRecord || kind == 0 || kind > 3) return EINVAL;
  const std::uint64_t need = Occupied(size);
  std::uint64_t at = 0;
  do {
    // Tail first: it only grows and never passes head, so that a stale value only makes the ring
    // look fuller.
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    at = head_.load(std::memory_order_relaxed);
    if (at - tail + need > kBytes) return EAGAIN;
  } while (!head_.compare_exchange_weak(at, at + need, std::memory_order_relaxed));

  Word(ring_, at + 8).store(key, std::memory_order_relaxed);
  const std::size_t first = FirstPart(at + kHeaderBytes, size);
  std::memcpy(ring_ + (at + kHeaderBytes) % kBytes, record, first);
  std::memcpy(ring_, static_cast<const unsigned char*>(record) + first, size - first);
  Word(ring_, at).store(std::uint64_t{size} << 8 | std::uint64_t{kind} << 1 | kPublished,
                        std::memory_order_release);
  return 0;
}

bool Mailbox::Take(std::uint64_t* key, std::uint32_t* kind, void* out, std::size_t* size) {
  const std::uint64_t at = tail_.load(std::memory_order_relaxed);
  // The ring behind the tail is all zero until a producer publishes, because the lines below leave
  // it so.
  const std::uint64_t word = Word(ring_, at).load(std::memory_order_acquire);
  if ((word & kPublished) == 0) return false;
  *kind = static_cast<std::uint32_t>(word >> 1 & 3);
  *size = word >> 8;
  *key = Word(ring_, at + 8).load(std::memory_order_relaxed);
  const std::size_t first = FirstPart(at + kHeaderBytes, *size);
  std::memcpy(out, ring_ + (at + kHeaderBytes) % kBytes, first);
  std::memcpy(static_cast<unsigned char*>(out) + first, ring_, *size - first);

  const std::uint64_t occupied = Occupied(*size);
  const std::size_t whole = FirstPart(at, occupied);
  std::memset(ring_ + at % kBytes, 0, whole);
  std::memset(ring_, 0, occupied - whole);
  tail_.store(at + occupied, std::memory_order_release);
  return true;
}

}  // namespace wrackline::preload
