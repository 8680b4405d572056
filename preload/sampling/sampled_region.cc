// A slot's life: fresh or popped from a shard's free list (one owner: the thread that took it) ->
// Publish makes it live -> Release, the program's free, takes it out by compare-exchange on its
// version (a second free of the same address loses) and pushes it.
//
// The free lists are Treiber stacks of slot numbers ("Systems Programming: Coping with
// Parallelism", 1986); the upper half of a head counts changes, so that a compare-exchange with a
// head read long ago fails although the same slot is on top again. 2^32 changes within one pop are
// out of reach. `next` of a slot is read while another thread may take it: it is an atomic in
// memory that is never unmapped, and a wrong value is never used, because the head has changed.
#include "preload/sampling/sampled_region.h"

#include <sys/mman.h>
#include <sys/prctl.h>

namespace wrackline::preload {
namespace {

using State = LiveTable::SlotState;

constexpr std::uint32_t kStateMask = 3;
constexpr std::uint32_t kFree = 0;
constexpr std::uint32_t kChanging = 1;
constexpr std::uint32_t kLive = 2;

constexpr std::size_t kPageBytes = 4096;
constexpr std::uint64_t kFirstChunk = 256 << 10;
constexpr std::uint64_t kLargestChunk = 16 << 20;

// In a page's count of free slots: one of them was used since the page was given back.
constexpr std::uint8_t kTouched = 0x80;

constexpr std::uint64_t kCountUnit = std::uint64_t{1} << 32;

// Bytes mapped of each area, by this process or the one it was forked from. Not in ProfileState: a
// forked child must know which addresses are slots when all else is wiped.
constinit std::atomic<std::uint64_t> g_mapped[SampledRegion::kClasses] = {};

std::uint64_t AreaStart(std::uint32_t size_class) {
  return (internal::kRegionWindow << internal::kWindowShift) |
         (std::uint64_t{size_class} << SampledRegion::kAreaShift);
}
std::uint32_t ShiftOf(std::uint32_t size_class) {
  return SampledRegion::kSmallestShift + size_class;
}

struct Place {
  std::uint32_t size_class, index;
};

// False: no slot that was ever mapped starts there.
bool PlaceOf(const void* pointer, Place* place) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  if ((address >> internal::kWindowShift) != internal::kRegionWindow) return false;
  const auto area = static_cast<std::uint32_t>(address >> SampledRegion::kAreaShift) & 15;
  if (area >= SampledRegion::kClasses) return false;
  const std::uint64_t offset = address & 0xffffffffu;
  if (offset >= g_mapped[area].load(std::memory_order_relaxed)) return false;
  if ((offset & ((std::uint64_t{1} << ShiftOf(area)) - 1)) != 0) return false;
  *place = {area, static_cast<std::uint32_t>(offset >> ShiftOf(area))};
  return true;
}

void* AddressOf(std::uint32_t size_class, std::uint32_t index) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<void*>(AreaStart(size_class) +
                                 (std::uint64_t{index} << ShiftOf(size_class)));
}

std::uint32_t ClassFor(std::size_t size, std::size_t alignment) {
  const std::size_t needed = size > alignment ? size : alignment;
  if (needed <= (std::size_t{1} << SampledRegion::kSmallestShift)) return 0;
  return static_cast<std::uint32_t>(64 - __builtin_clzll(needed - 1)) -
         SampledRegion::kSmallestShift;
}

// MAP_FIXED_NOREPLACE is Linux 4.17; an older kernel takes the address for a hint, and the result
// tells.
bool MapAt(std::uint64_t address, std::uint64_t bytes) {
  constexpr int kMapFixedNoReplace = 0x100000;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  void* wanted = reinterpret_cast<void*>(address);
  void* got = mmap(wanted, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | kMapFixedNoReplace, -1, 0);
  if (got == MAP_FAILED) return false;
  if (got != wanted) {
    munmap(got, bytes);
    return false;
  }
  return true;
}

}  // namespace

bool SampledRegion::Pop(std::uint32_t size_class, std::uint32_t shard, std::uint32_t* index) {
  std::atomic<std::uint64_t>& head = shards_[shard].heads[size_class];
  std::uint64_t seen = head.load(std::memory_order_acquire);
  for (;;) {
    const auto first = static_cast<std::uint32_t>(seen);
    if (first == 0) return false;
    const std::uint32_t slot = first - 1;
    const std::uint32_t next =
        metas_[size_class * kSlotsPerClass + slot].next.load(std::memory_order_relaxed);
    const std::uint64_t wanted = ((seen & ~std::uint64_t{0xffffffffu}) + kCountUnit) | next;
    if (head.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      *index = slot;
      return true;
    }
  }
}

void SampledRegion::Push(std::uint32_t size_class, std::uint32_t index) {
  Meta& meta = metas_[size_class * kSlotsPerClass + index];
  const std::uint32_t shard = meta.shard.load(std::memory_order_relaxed) % kShards;
  std::atomic<std::uint64_t>& head = shards_[shard].heads[size_class];
  std::uint64_t seen = head.load(std::memory_order_relaxed);
  std::uint64_t wanted;
  do {
    meta.next.store(static_cast<std::uint32_t>(seen), std::memory_order_relaxed);
    wanted = ((seen & ~std::uint64_t{0xffffffffu}) + kCountUnit) | (index + 1);
  } while (!head.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel,
                                       std::memory_order_relaxed));
}

bool SampledRegion::Grow(std::uint32_t size_class, std::uint32_t index) {
  const std::uint64_t end = (std::uint64_t{index} + 1) << ShiftOf(size_class);
  if (end <= g_mapped[size_class].load(std::memory_order_acquire)) return true;
  // One thread maps; others, and a signal handler that interrupts it, do without a slot.
  if (growing_[size_class].exchange(1, std::memory_order_acquire) != 0) return false;
  std::uint64_t mapped = g_mapped[size_class].load(std::memory_order_relaxed);
  const std::uint64_t most = std::uint64_t{kSlotsPerClass} << ShiftOf(size_class);
  while (mapped < end) {
    std::uint64_t chunk = mapped < kFirstChunk ? kFirstChunk : mapped;
    if (chunk > kLargestChunk) chunk = kLargestChunk;
    if (chunk > most - mapped) chunk = most - mapped;
    if (!MapAt(AreaStart(size_class) + mapped, chunk)) break;
    mapped += chunk;
    g_mapped[size_class].store(mapped, std::memory_order_release);
  }
  growing_[size_class].store(0, std::memory_order_release);
  return mapped >= end;
}

bool SampledRegion::TakeFresh(std::uint32_t size_class, std::uint32_t* index) {
  std::uint32_t fresh = fresh_[size_class].load(std::memory_order_relaxed);
  do {
    if (fresh >= kSlotsPerClass || !Grow(size_class, fresh)) return false;
  } while (!fresh_[size_class].compare_exchange_weak(fresh, fresh + 1, std::memory_order_relaxed));
  *index = fresh;
  return true;
}

void* SampledRegion::Take(std::size_t size, std::size_t alignment, std::uint32_t shard) {
  if (!Fits(size, alignment)) return nullptr;
  const std::uint32_t size_class = ClassFor(size, alignment);
  shard %= kShards;
  std::uint32_t index = 0;
  if (!Pop(size_class, shard, &index)) {
    if (TakeFresh(size_class, &index)) {
      metas_[size_class * kSlotsPerClass + index].shard.store(static_cast<std::uint8_t>(shard),
                                                              std::memory_order_relaxed);
    } else {
      // Slots that threads of other shards have freed.
      bool found = false;
      for (std::uint32_t i = 1; i < kShards && !found; ++i) {
        found = Pop(size_class, (shard + i) % kShards, &index);
      }
      if (!found) return nullptr;
    }
  }
  metas_[size_class * kSlotsPerClass + index].idle.store(0, std::memory_order_relaxed);
  return AddressOf(size_class, index);
}

void SampledRegion::GiveBack(void* slot) {
  Place place;
  if (PlaceOf(slot, &place)) Push(place.size_class, place.index);
}

void SampledRegion::Publish(const LiveObject& object) {
  Place place;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (!PlaceOf(reinterpret_cast<const void*>(object.address), &place)) return;
  const std::uint32_t slot = place.size_class * kSlotsPerClass + place.index;
  Meta& meta = metas_[slot];
  const std::uint32_t version = meta.version.load(std::memory_order_relaxed) & ~kStateMask;
  meta.version.store(version | kChanging, std::memory_order_release);
  meta.stack_id.store(object.stack_id, std::memory_order_release);
  meta.thread_id.store(object.thread_id, std::memory_order_release);
  meta.time_ms.store(object.time_ms, std::memory_order_release);
  meta.size.store(static_cast<std::uint16_t>(object.size), std::memory_order_release);
  meta.weight.store(object.weight, std::memory_order_release);
  meta.version.store((version + kStateMask + 1) | kLive, std::memory_order_release);
  MarkDirty(slot);
}

bool SampledRegion::Release(const void* pointer, LiveObject* released) {
  Place place;
  if (!PlaceOf(pointer, &place)) return false;
  const std::uint32_t slot = place.size_class * kSlotsPerClass + place.index;
  Meta& meta = metas_[slot];
  std::uint32_t version = meta.version.load(std::memory_order_acquire);
  if ((version & kStateMask) != kLive) return false;
  if (!meta.version.compare_exchange_strong(version, (version & ~kStateMask) | kChanging,
                                            std::memory_order_acq_rel)) {
    return false;
  }
  released->address = reinterpret_cast<std::uint64_t>(pointer);
  released->size = meta.size.load(std::memory_order_relaxed);
  released->weight = meta.weight.load(std::memory_order_relaxed);
  released->stack_id = meta.stack_id.load(std::memory_order_relaxed);
  released->thread_id = meta.thread_id.load(std::memory_order_relaxed);
  released->time_ms = meta.time_ms.load(std::memory_order_relaxed);
  meta.version.store(((version & ~kStateMask) + kStateMask + 1) | kFree, std::memory_order_release);
  MarkDirty(slot);
  Push(place.size_class, place.index);
  return true;
}

std::size_t SampledRegion::SizeOf(const void* pointer) const {
  Place place;
  if (!PlaceOf(pointer, &place)) return 0;
  const Meta& meta = metas_[place.size_class * kSlotsPerClass + place.index];
  if ((meta.version.load(std::memory_order_acquire) & kStateMask) == kLive) {
    return meta.size.load(std::memory_order_relaxed);
  }
  return std::size_t{1} << ShiftOf(place.size_class);
}

bool SampledRegion::IsSlot(const void* pointer) {
  Place place;
  return PlaceOf(pointer, &place);
}

std::size_t SampledRegion::SlotBytes(const void* pointer) {
  Place place;
  return PlaceOf(pointer, &place) ? std::size_t{1} << ShiftOf(place.size_class) : 0;
}

std::uint64_t SampledRegion::mapped_bytes() {
  std::uint64_t sum = 0;
  for (const auto& mapped : g_mapped) sum += mapped.load(std::memory_order_relaxed);
  return sum;
}

SampledRegion::Usage SampledRegion::Count() const {
  Usage usage = {};
  for (std::uint32_t size_class = 0; size_class < kClasses; ++size_class) {
    const Meta* metas = metas_ + size_class * kSlotsPerClass;
    for (std::uint32_t i = 0; i < UsedSlots(size_class); ++i) {
      if ((metas[i].version.load(std::memory_order_acquire) & kStateMask) != kLive) continue;
      ++usage.objects;
      usage.bytes += metas[i].size.load(std::memory_order_relaxed);
    }
  }
  return usage;
}

State SampledRegion::Read(std::uint32_t slot, LiveObject* out) const {
  const Meta& meta = metas_[slot];
  const std::uint32_t version = meta.version.load(std::memory_order_acquire);
  if ((version & kStateMask) == kFree) return State::kEmpty;
  if ((version & kStateMask) == kChanging) return State::kChanging;
  out->address =
      reinterpret_cast<std::uint64_t>(AddressOf(slot / kSlotsPerClass, slot % kSlotsPerClass));
  out->stack_id = meta.stack_id.load(std::memory_order_acquire);
  out->thread_id = meta.thread_id.load(std::memory_order_acquire);
  out->time_ms = meta.time_ms.load(std::memory_order_acquire);
  out->size = meta.size.load(std::memory_order_acquire);
  out->weight = meta.weight.load(std::memory_order_acquire);
  return meta.version.load(std::memory_order_relaxed) == version ? State::kOccupied
                                                                 : State::kChanging;
}

void SampledRegion::MarkDirty(std::uint32_t slot) {
  dirty_[slot / 64].fetch_or(1ull << (slot % 64), std::memory_order_release);
}

// --- giving back

// Takes all free lists of the class away for a moment (a thread that wants a slot then takes a
// fresh one), finds the pages on which every slot is in the lower half of its list, gives these
// back and puts the lists back as they were.
std::size_t SampledRegion::ReleaseIdleOf(std::uint32_t size_class) {
  const std::uint32_t shift = ShiftOf(size_class);
  const std::uint32_t first = size_class * kSlotsPerClass;
  const bool whole_pages = (std::size_t{1} << shift) >= kPageBytes;
  const auto per_page = static_cast<std::uint8_t>(whole_pages ? 1 : kPageBytes >> shift);
  const std::uint32_t page_shift = whole_pages ? 0 : 12 - shift;  // slot number to page number
  std::uint32_t lists[kShards];

  const std::uint32_t used = UsedSlots(size_class);
  if (used == 0) return 0;
  for (std::uint32_t page = 0; page <= (used - 1) >> page_shift; ++page) free_on_page_[page] = 0;
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    std::atomic<std::uint64_t>& head = shards_[shard].heads[size_class];
    std::uint64_t seen = head.load(std::memory_order_relaxed);
    while (!head.compare_exchange_weak(seen, (seen & ~std::uint64_t{0xffffffffu}) + kCountUnit,
                                       std::memory_order_acq_rel)) {
    }
    lists[shard] = static_cast<std::uint32_t>(seen);
    // A slow and a fast walker: when the fast one is at the end, the slow one is in the middle.
    std::uint32_t middle = lists[shard];
    bool odd = false;
    for (std::uint32_t at = lists[shard]; at != 0; odd = !odd) {
      if (odd) middle = metas_[first + middle - 1].next.load(std::memory_order_relaxed);
      at = metas_[first + at - 1].next.load(std::memory_order_relaxed);
    }
    for (std::uint32_t at = middle; at != 0;) {
      const Meta& meta = metas_[first + at - 1];
      std::uint8_t& count = free_on_page_[(at - 1) >> page_shift];
      ++count;  // 64 slots a page at most
      if (meta.idle.load(std::memory_order_relaxed) == 0) count |= kTouched;
      at = meta.next.load(std::memory_order_relaxed);
    }
  }

  std::size_t given = 0;
  for (std::uint32_t page = 0; page <= (used - 1) >> page_shift; ++page) {
    if (free_on_page_[page] != (per_page | kTouched)) continue;
    const std::size_t bytes = whole_pages ? std::size_t{1} << shift : kPageBytes;
    if (madvise(AddressOf(size_class, page << page_shift), bytes, MADV_DONTNEED) != 0) continue;
    given += bytes;
    for (std::uint32_t slot = page << page_shift; slot < (page + 1) << page_shift; ++slot) {
      metas_[first + slot].idle.store(1, std::memory_order_relaxed);
    }
  }

  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    if (lists[shard] == 0) continue;
    std::uint32_t last = lists[shard];
    for (std::uint32_t at = last; at != 0;) {
      last = at;
      at = metas_[first + at - 1].next.load(std::memory_order_relaxed);
    }
    std::atomic<std::uint64_t>& head = shards_[shard].heads[size_class];
    std::uint64_t seen = head.load(std::memory_order_relaxed);
    std::uint64_t wanted;
    do {
      metas_[first + last - 1].next.store(static_cast<std::uint32_t>(seen),
                                          std::memory_order_relaxed);
      wanted = ((seen & ~std::uint64_t{0xffffffffu}) + kCountUnit) | lists[shard];
    } while (!head.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel));
  }
  return given;
}

// Not where the memory is mapped: that is a program's thread, and a program that answers for its
// system calls (seccomp) expects mmap from an allocator, but no prctl.
void SampledRegion::DressUp(std::uint32_t size_class) {
  const std::uint64_t mapped = g_mapped[size_class].load(std::memory_order_acquire);
  if (dressed_[size_class] >= mapped) return;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  void* start = reinterpret_cast<void*>(AreaStart(size_class));
  // The slots in use are few and far apart: a huge page would be charged for one object.
  madvise(start, mapped, MADV_NOHUGEPAGE);
  constexpr int kPrSetVma = 0x53564d41;
  prctl(kPrSetVma, 0, start, mapped, "wrackline samples");
  dressed_[size_class] = mapped;
}

std::size_t SampledRegion::ReleaseIdle() {
  std::size_t given = 0;
  for (std::uint32_t size_class = 0; size_class < kClasses; ++size_class) {
    DressUp(size_class);
    given += ReleaseIdleOf(size_class);
  }
  return given;
}

}  // namespace wrackline::preload
