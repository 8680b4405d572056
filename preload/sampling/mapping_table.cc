// Who applies has `applying_`; everything but the queue, `enabled_` and the losses is his, and the
// recorder thread reads slots by their versions. Every walk is bounded by kSlots and every index
// taken from memory is checked or of a type that cannot leave its array, because a fork may zero
// all of it in the middle of one.
#include "preload/sampling/mapping_table.h"

#include <cstring>

namespace wrackline::preload {
namespace {

// What one call applies of others' events on top of its own, at most: bounds the time it takes.
constexpr std::uint32_t kAtOnce = 256;

std::uint64_t Larger(std::uint64_t a, std::uint64_t b) { return a > b ? a : b; }
std::uint64_t Smaller(std::uint64_t a, std::uint64_t b) { return a < b ? a : b; }

MappedRange Part(MappedRange range, std::uint64_t start, std::uint64_t end) {
  range.start = start;
  range.length = end - start;
  return range;
}

bool SameMaker(const MappedRange& a, const MappedRange& b) {
  return a.stack_id == b.stack_id && a.flags == b.flags && (a.flags & MappedRange::kThread) == 0;
}

void Count(std::atomic<std::uint64_t>* loss) { loss->fetch_add(1, std::memory_order_relaxed); }

}  // namespace

// --- program threads ---

void MappingTable::Map(const MappedRange& range) {
  if (range.start == 0 || range.length == 0) return;
  Put({range, 0, Kind::kMap, false, false});
}

std::uint64_t MappingTable::Unmap(std::uint64_t start, std::uint64_t length) {
  MappedRange range = {};
  range.start = start;
  range.length = length;
  return Put({range, 0, Kind::kUnmap, false, false});
}

void MappingTable::UnmapFailed(std::uint64_t ticket) {
  if (ticket != 0) Put({{}, ticket, Kind::kUnmapFailed, false, false});
}

void MappingTable::Remapped(std::uint64_t ticket, const MappedRange& to, bool grew, bool keep) {
  // Without the old range nobody knows whether it was in the table: counted when it was lost.
  if (ticket != 0) Put({to, ticket, Kind::kRemapped, grew, keep});
}

void MappingTable::Duplicated(std::uint64_t from, const MappedRange& to) {
  Put({to, from, Kind::kDuplicated, false, false});
}

std::uint64_t MappingTable::Put(const Event& event) {
  std::uint64_t ticket = queue_.Put(event);
  if (ticket == 0) {
    Apply(kAtOnce);
    ticket = queue_.Put(event);
    if (ticket == 0) Count(&losses_.missed);
  }
  Apply(kAtOnce);
  return ticket;
}

bool MappingTable::Apply(std::uint32_t most) {
  if (applying_.exchange(1, std::memory_order_acquire) != 0) return false;
  Event event;
  std::uint64_t ticket = 0;
  for (std::uint32_t i = 0; i < most && queue_.Take(&event, &ticket); ++i) Take(event, ticket);
  applying_.store(0, std::memory_order_release);
  return true;
}

// --- whoever is applying ---

void MappingTable::Take(const Event& event, std::uint64_t ticket) {
  switch (event.kind) {
    case Kind::kMap:
      if (IsPartOfThread(event.range)) break;
      RemoveRange(event.range.start, event.range.end(), 0);
      InsertRange(event.range);
      break;
    case Kind::kUnmap:
      Park(ticket, true, event.range);
      RemoveRange(event.range.start, event.range.end(), ticket);
      break;
    case Kind::kUnmapFailed:
      PutBack(event.other);
      break;
    case Kind::kRemapped:
      MovePieces(event);
      break;
    case Kind::kDuplicated: {
      RemoveRange(event.range.start, event.range.end(), 0);
      const std::uint32_t index = FirstEndingBeyond(event.other);
      if (index >= size() || At(index).start > event.other) break;
      MappedRange copy = event.range;
      copy.flags = At(index).flags;
      InsertRange(copy);
      break;
    }
  }
}

MappedRange MappingTable::At(std::uint32_t index) const {
  const Slot& slot = slots_[order_[index % kSlots] % kSlots];
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {slot.start.load(kRelaxed),     slot.length.load(kRelaxed),  slot.stack_id.load(kRelaxed),
          slot.thread_id.load(kRelaxed), slot.time_ms.load(kRelaxed), slot.flags.load(kRelaxed)};
}

// The first index whose range ends beyond `address`; size() when there is none.
std::uint32_t MappingTable::FirstEndingBeyond(std::uint64_t address) const {
  std::uint32_t low = 0;
  std::uint32_t high = size();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (At(middle).end() > address) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// A thread maps over a part of its stack.
bool MappingTable::IsPartOfThread(const MappedRange& range) const {
  const std::uint32_t index = FirstEndingBeyond(range.start);
  if (index >= size() || (range.flags & MappedRange::kThread) != 0) return false;
  const MappedRange stack = At(index);
  return (stack.flags & MappedRange::kThread) != 0 && stack.start <= range.start &&
         range.end() <= stack.end() && range.length < stack.length;
}

// What it takes out is parked under `ticket`; 0: it is replaced, and forgotten.
void MappingTable::RemoveRange(std::uint64_t start, std::uint64_t end, std::uint64_t ticket) {
  std::uint32_t index = FirstEndingBeyond(start);
  std::uint32_t first = index;
  std::uint32_t whole = 0;
  for (; index < size(); ++index) {
    const MappedRange range = At(index);
    if (range.start >= end) break;
    if (ticket != 0) {
      Park(ticket, false, Part(range, Larger(range.start, start), Smaller(range.end(), end)));
    }
    const bool head = range.start < start;
    const bool tail = range.end() > end;
    if (head) {
      Write(order_[index], Part(range, range.start, start));
      first = index + 1;
      if (tail) InsertAt(index + 1, Part(range, end, range.end()));
    } else if (tail) {
      Write(order_[index], Part(range, end, range.end()));
    } else {
      ++whole;
    }
    if (tail) break;
  }
  DropFrom(first, whole);
}

// Where nothing is.
void MappingTable::InsertRange(MappedRange range) {
  const std::uint32_t index = FirstEndingBeyond(range.start);
  const bool left =
      index > 0 && At(index - 1).end() == range.start && SameMaker(At(index - 1), range);
  const bool right =
      index < size() && At(index).start == range.end() && SameMaker(At(index), range);
  if (right) range.length += At(index).length;
  if (left) {
    const MappedRange before = At(index - 1);
    Write(order_[index - 1], Part(range, before.start, range.end()));
    if (right) DropFrom(index, 1);
  } else if (right) {
    Write(order_[index], range);
  } else {
    InsertAt(index, range);
  }
}

void MappingTable::InsertAt(std::uint32_t index, const MappedRange& range) {
  const std::uint32_t count = size();
  const bool file = (range.flags & MappedRange::kFile) != 0;
  if (count >= (file ? kSlotsForFiles : kSlots) || index > count) {
    Count(&losses_.full);
    return;
  }
  std::uint32_t slot = 0;
  if (free_count_ > 0 && free_count_ <= kSlots) {
    slot = free_[--free_count_ % kSlots];
  } else {
    const std::uint32_t used = used_.load(std::memory_order_relaxed);
    slot = used % kSlots;
    used_.store(used + 1, std::memory_order_release);
  }
  std::memmove(&order_[index + 1], &order_[index], (count - index) * sizeof(order_[0]));
  order_[index] = static_cast<std::uint16_t>(slot);
  Write(slot, range);
  size_.store(count + 1, std::memory_order_relaxed);
}

void MappingTable::DropFrom(std::uint32_t index, std::uint32_t count) {
  const std::uint32_t all = size();
  if (count == 0 || index + count > all) return;
  for (std::uint32_t i = index; i < index + count; ++i) {
    Write(order_[i], {});
    free_[free_count_++ % kSlots] = order_[i];
  }
  std::memmove(&order_[index], &order_[index + count], (all - index - count) * sizeof(order_[0]));
  size_.store(all - count, std::memory_order_relaxed);
}

void MappingTable::Write(std::uint32_t index, const MappedRange& range) {
  Slot& slot = slots_[index % kSlots];
  const std::uint32_t version = slot.version.load(std::memory_order_relaxed) | 1;
  // As in live_table.cc: releases and acquires instead of fences, which ThreadSanitizer does not
  // model.
  slot.version.store(version, std::memory_order_release);
  slot.start.store(range.start, std::memory_order_release);
  slot.length.store(range.length, std::memory_order_release);
  slot.stack_id.store(range.stack_id, std::memory_order_release);
  slot.thread_id.store(range.thread_id, std::memory_order_release);
  slot.time_ms.store(range.time_ms, std::memory_order_release);
  slot.flags.store(range.flags, std::memory_order_release);
  slot.version.store(version + 1, std::memory_order_release);
  dirty_[index % kSlots / 64].fetch_or(1ull << (index % 64), std::memory_order_release);
}

void MappingTable::Park(std::uint64_t ticket, bool whole, const MappedRange& range) {
  parked_[parked_count_++ % kParked] = {ticket, whole, range};
}

// `*first`: the number of the whole range; its pieces follow it.
bool MappingTable::FindParked(std::uint64_t ticket, std::uint64_t* first) const {
  const std::uint64_t oldest = parked_count_ > kParked ? parked_count_ - kParked : 0;
  for (std::uint64_t at = parked_count_; at > oldest; --at) {
    const Parked& parked = parked_[(at - 1) % kParked];
    // Tickets come in order.
    if (parked.ticket < ticket) return false;
    if (parked.ticket == ticket && parked.whole) {
      *first = at - 1;
      return true;
    }
  }
  return false;
}

void MappingTable::PutBack(std::uint64_t ticket) {
  std::uint64_t at = 0;
  if (!FindParked(ticket, &at)) return Count(&losses_.unsettled);
  for (++at; at < parked_count_ && parked_[at % kParked].ticket == ticket; ++at) {
    const MappedRange range = parked_[at % kParked].range;
    RemoveRange(range.start, range.end(), 0);
    InsertRange(range);
  }
}

void MappingTable::MovePieces(const Event& event) {
  std::uint64_t whole = 0;
  if (!FindParked(event.other, &whole)) {
    RemoveRange(event.range.start, event.range.end(), 0);
    return Count(&losses_.unsettled);
  }
  const MappedRange old = parked_[whole % kParked].range;
  if (event.keep) PutBack(event.other);
  RemoveRange(event.range.start, event.range.end(), 0);
  for (std::uint64_t at = whole + 1;
       at < parked_count_ && parked_[at % kParked].ticket == event.other; ++at) {
    MappedRange piece = parked_[at % kParked].range;
    const std::uint64_t start = event.range.start + (piece.start - old.start);
    std::uint64_t end = start + piece.length;
    // Only a mapping that is one in the kernel grows, and only at its end.
    if (piece.end() == old.end() || end > event.range.end()) end = event.range.end();
    if (start >= event.range.end()) break;
    piece = Part(piece, start, end);
    if (event.grew) {
      piece.stack_id = event.range.stack_id;
      piece.thread_id = event.range.thread_id;
      piece.time_ms = event.range.time_ms;
    }
    InsertRange(piece);
  }
}

// --- recorder thread ---

MappingTable::SlotState MappingTable::Read(std::uint32_t index, MappedRange* out) const {
  const Slot& slot = slots_[index];
  const std::uint32_t version = slot.version.load(std::memory_order_acquire);
  if (version % 2 != 0) return SlotState::kChanging;
  out->start = slot.start.load(std::memory_order_acquire);
  out->length = slot.length.load(std::memory_order_acquire);
  out->stack_id = slot.stack_id.load(std::memory_order_acquire);
  out->thread_id = slot.thread_id.load(std::memory_order_acquire);
  out->time_ms = slot.time_ms.load(std::memory_order_acquire);
  out->flags = slot.flags.load(std::memory_order_acquire);
  if (slot.version.load(std::memory_order_relaxed) != version) return SlotState::kChanging;
  return out->start == 0 ? SlotState::kEmpty : SlotState::kOccupied;
}

}  // namespace wrackline::preload
