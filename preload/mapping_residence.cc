#include "preload/mapping_residence.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "preload/clock.h"
#include "preload/pagemap.h"
#include "preload/pages.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kRoundNs = 30 * kSecond;
constexpr std::uint64_t kMovedRoundNs = 5 * kSecond;
// The figure that is written again: one that changed by this part.
constexpr std::uint64_t kParts = 16;

// Up to pagemap::kPagesAtATime pages of anonymous memory, of which mincore says the same as pagemap (1 GiB resident: 1.3 ms and 21). 0: not where
// a part was unmapped meanwhile; else the pages that were looked at.
std::uint64_t LookWithMincore(std::uint64_t address, std::uint64_t pages, std::uint64_t page,
                              std::uint64_t* present) {
  unsigned char resident[pagemap::kPagesAtATime];
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (mincore(reinterpret_cast<void*>(address), pages * page, resident) != 0) return 0;
  for (std::uint64_t i = 0; i < pages; ++i) *present += resident[i] & 1;
  return pages;
}

}  // namespace

int MappingResidence::Open() {
  known_ = MapArray<Known>(MappingTable::kSlots);
  if (const std::uint64_t page = getauxval(AT_PAGESZ); page != 0) page_ = page;
  return known_ != nullptr ? 0 : ENOMEM;
}

void MappingResidence::Look(MappingTable* table, std::uint64_t now_ns, std::uint32_t moves,
                            const char* pagemap) {
  if (now_ns < next_look_ns_ || table->size() == 0) return;
  next_look_ns_ = now_ns + kSecond;
  if (turn_ == kTurns) {
    const std::uint64_t period = moves == moves_ ? kRoundNs : kMovedRoundNs;
    if (round_began_ns_ != 0 && now_ns < round_began_ns_ + period) return;
    round_began_ns_ = now_ns;
    moves_ = moves;
    turn_ = slot_ = seen_ = 0;
  }
  const int file = open(pagemap, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  std::uint64_t budget = kPagesAtOnce;
  for (; turn_ < kTurns && WalkTurn(table, file, &budget); ++turn_) slot_ = seen_ = 0;
  close(file);
}

void MappingResidence::LookNow(MappingTable* table, const char* pagemap) {
  next_look_ns_ = round_began_ns_ = half_start_ = 0;
  turn_ = kTurns;
  Look(table, MonotonicNs(), moves_, pagemap);
}

MappingResidence::Turn MappingResidence::TurnOf(const MappedRange& range) const {
  if ((range.flags & MappedRange::kThread) != 0) return kStacks;
  if ((range.flags & MappedRange::kReserved) != 0) return kTurns;
  if ((range.flags & MappedRange::kAllocator) != 0) return kAllocator;
  if ((range.flags & MappedRange::kFile) == 0) return kTurns;
  return range.length / page_ <= kPagesAtOnce ? kFiles : kLargeFiles;
}

// False: not to its end, the budget is used up.
bool MappingResidence::WalkTurn(MappingTable* table, int pagemap, std::uint64_t* budget) {
  // Slots are given out from the first one on: beyond as many as are occupied there are none.
  for (; slot_ < MappingTable::kSlots && seen_ < table->size(); ++slot_) {
    MappedRange range;
    if (table->Read(slot_, &range) != MappingTable::SlotState::kOccupied) continue;
    ++seen_;
    if (TurnOf(range) != turn_) continue;
    if (!CountPages(range, pagemap, budget)) {
      --seen_;  // the same one again
      return false;
    }
    Note(table, slot_, range.start, half_present_ * page_);
    half_start_ = 0;
  }
  return true;
}

// False likewise.
bool MappingResidence::CountPages(const MappedRange& range, int pagemap, std::uint64_t* budget) {
  if (half_start_ != range.start) {
    half_start_ = range.start;
    half_pages_ = half_present_ = 0;
  }
  const std::uint64_t pages = range.length / page_;
  while (half_pages_ < pages) {
    const std::uint64_t wanted = std::min({pagemap::kPagesAtATime, pages - half_pages_, *budget});
    if (wanted == 0) return false;
    const std::uint64_t first = range.start / page_ + half_pages_;
    std::uint64_t count = 0;
    if ((range.flags & MappedRange::kFile) == 0)
      count = LookWithMincore(first * page_, wanted, page_, &half_present_);
    if (count == 0) {
      count = pagemap::Read(pagemap, first, wanted, [this](std::uint64_t entry) {
        half_present_ += (entry & pagemap::kPresent) != 0;
      });
    }
    if (count == 0) break;  // what was counted stands
    half_pages_ += count;
    *budget -= count;
  }
  return true;
}

void MappingResidence::Note(MappingTable* table, std::uint32_t slot, std::uint64_t start,
                            std::uint64_t bytes) {
  Known& known = known_[slot];
  const std::uint64_t change = known.bytes > bytes ? known.bytes - bytes : bytes - known.bytes;
  if (known.start == start && change <= known.bytes / kParts) return;
  known = {start, bytes};
  table->MarkChanged(slot);
}

std::optional<std::uint64_t> MappingResidence::Of(std::uint32_t slot, std::uint64_t start) const {
  if (known_ == nullptr || slot >= MappingTable::kSlots || known_[slot].start != start) {
    return std::nullopt;
  }
  return known_[slot].bytes;
}

std::size_t MappingResidence::resident_bytes() const {
  return ResidentBytes(known_, MappingTable::kSlots * sizeof(Known));
}

}  // namespace wrackline::preload
