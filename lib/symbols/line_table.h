// Source files and lines from .debug_line, DWARF 2 to 5 (DWARF 5 standard, section 6.2).
//
// The table is a sequence of units, each a header with file names and a program whose run gives rows
// (address, file, line). It cannot be entered in the middle and has no order, so it is read once from
// end to end for all addresses asked together; Resolve does a piece of that, a unit at least, so that
// a caller can spread the work. Nothing is kept but what was asked for, in the caller's memory.
//
// Never allocates from the program's heap, never throws: runs inside of the profiled process and in
// the analyzer. Thread-safe where the ElfFile is not used elsewhere meanwhile. The bytes are hostile:
// a damaged table gives missing or wrong lines, in time proportional to its size.
//
//   LineQuery queries[] = {{pc - 1 - bias, 0, 0, 0, false}, ...};  // sorted by address
//   LineTable table;
//   if (table.Open(elf) != LineTable::State::kReadable) return;
//   for (std::uint64_t at = 0; at < table.size();) at = table.Resolve(at, 1 << 20, queries, n, &paths);
//   if (queries[0].line != 0) ... paths.text + queries[0].file, queries[0].line
//
// The line is that of the instruction: where a function was inlined, it is in the inlined one's file.
// Paths are as the compiler was given them: made absolute by the compilation folder in DWARF 5, where
// the table has it; in older versions it is in .debug_info, which is not read.
//
// Not read: compressed sections, DW_LNE_define_file (no compiler emits it), .debug_line.dwo.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/symbols/line_reader.h"

namespace wrackline::symbols {

struct LineQuery {
  std::uint64_t address;   // in: ELF virtual address
  std::uint64_t sequence;  // where the sequence begins that answered; 0: none has yet
  std::uint32_t line;      // out: 0: unknown
  std::uint32_t file;      // out: place of the path in LinePaths::text
  bool pending;            // false outside of Resolve
};

// NUL-ended paths, one behind the other. The same path may be there several times.
struct LinePaths {
  char* text;
  std::size_t capacity;
  std::size_t used;
  bool full;  // some path found no room: its lines are missing
};

class LineTable {
 public:
  enum class State {
    kNone,        // the object has no .debug_line
    kCompressed,  // it has, compressed
    kReadable,
  };
  static constexpr std::size_t kMaxPath = 1024;  // of a longer one the file's name alone is given

  // `elf` must stay open while the table is used.
  State Open(const ElfFile& elf);
  // From sections that the caller decompressed, or made up (fuzzing).
  void OpenSections(const SectionData& line, const SectionData& line_strings,
                    const SectionData& strings);

  // Bytes of .debug_line.
  std::uint64_t size() const { return line_.size; }

  // Reads whole units from `from` on, until `work` bytes of them are read. Returns where to go on;
  // size(): all done. `queries` must be sorted by address. An address that several sequences cover
  // gets the line of the one that begins last: what the linker threw away is left in the table at
  // address 0, and is ignored.
  std::uint64_t Resolve(std::uint64_t from, std::uint64_t work, LineQuery* queries,
                        std::size_t count, LinePaths* paths) const;

 private:
  SectionData line_, line_strings_, strings_;
};

}  // namespace wrackline::symbols
