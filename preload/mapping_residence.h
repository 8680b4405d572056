// How much is resident of the mappings whose owner Linux cannot tell otherwise: of files, of threads' stacks and of the allocator,
// range by range of the table of mappings. What counts is what this process has in its page tables (`Rss` in smaps).
//
//   residence.Look(&state->mappings, now_ns, moves);               // at every step of the recorder thread
//   if (const auto bytes = residence.Of(slot, range.start)) ...    // when the range is written
//
// mincore of anonymous memory, /proc/self/pagemap of files: no more than 65,536 pages (256 MiB of address space) in a second. Every range is looked at
// every 30 s, and every 5 s while memory moves (MemoryMoves). Stacks come first, then the allocator's memory, then small files, then those of more than 256 MiB. A range whose figure changed by
// a sixteenth is marked as changed in the table. Where there is no such file, nothing is known. Never allocates from the
// program's allocator; by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "preload/sampling/mapping_table.h"

namespace wrackline::preload {

class MappingResidence {
 public:
  static constexpr std::uint64_t kPagesAtOnce = 65'536;

  // 0 or an errno value.
  int Open();
  void Look(MappingTable* table, std::uint64_t now_ns, std::uint32_t moves,
            const char* pagemap = "/proc/self/pagemap");
  // The same at once, for the last time: from the beginning, as far as it comes.
  void LookNow(MappingTable* table, const char* pagemap = "/proc/self/pagemap");
  // Bytes. Nothing: not looked at yet.
  std::optional<std::uint64_t> Of(std::uint32_t slot, std::uint64_t start) const;
  std::size_t resident_bytes() const;

 private:
  struct Known {
    std::uint64_t start;
    std::uint64_t bytes;
  };
  enum Turn : std::uint32_t { kStacks, kAllocator, kFiles, kLargeFiles, kTurns };
  Turn TurnOf(const MappedRange& range) const;
  bool WalkTurn(MappingTable* table, int pagemap, std::uint64_t* budget);
  bool CountPages(const MappedRange& range, int pagemap, std::uint64_t* budget);
  void Note(MappingTable* table, std::uint32_t slot, std::uint64_t start, std::uint64_t bytes);

  Known* known_ = nullptr;  // by slot
  std::uint64_t page_ = 4096;
  std::uint64_t next_look_ns_ = 0, round_began_ns_ = 0;
  // The round: where it is, and the range that is half done.
  std::uint32_t turn_ = kTurns, slot_ = 0, seen_ = 0;
  std::uint32_t moves_ = 0;  // when it began
  std::uint64_t half_start_ = 0, half_pages_ = 0, half_present_ = 0;
};

}  // namespace wrackline::preload
