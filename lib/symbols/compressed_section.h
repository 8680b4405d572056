// Compressed debug sections (SHF_COMPRESSED, as Debian's debug packages have them), for the offline
// side: it allocates, so it does not run inside of a profiled process.
#pragma once

#include <optional>
#include <string>

#include "lib/symbols/elf.h"
#include "lib/symbols/line_table.h"

namespace wrackline::symbols {

// The section's content: decompressed (zlib or zstd) where it is compressed. Nothing when it is damaged,
// compressed otherwise, or larger than 1 GiB.
std::optional<std::string> ReadSection(const ElfFile& elf, const ElfFile::Section& section);

// A line table whatever its sections are. Not copied: the table points into it.
class AnyLineTable {
 public:
  AnyLineTable() = default;
  AnyLineTable(const AnyLineTable&) = delete;
  AnyLineTable& operator=(const AnyLineTable&) = delete;

  // False: there is none, or it is not readable.
  bool Open(const ElfFile& elf);
  const LineTable& table() const { return table_; }

 private:
  LineTable table_;
  std::string line_, line_strings_, strings_;
};

}  // namespace wrackline::symbols
