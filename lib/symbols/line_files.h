// Paths for the file numbers of one unit of .debug_line, from the tables in its header.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/symbols/line_header.h"
#include "lib/symbols/line_reader.h"

namespace wrackline::symbols {

struct LineQuery;
struct LinePaths;

class LineFiles {
 public:
  LineFiles(const SectionData& line, const SectionData& line_strings, const SectionData& strings,
            LinePaths* paths)
      : line_(line), line_strings_(line_strings), strings_(strings), paths_(paths) {}

  // Replaces the file number of each pending query by its path; where there is none, the line is
  // unknown. Moves `reader`, which reads .debug_line.
  void Name(const LineHeader& header, SectionReader* reader, LineQuery* queries, std::size_t count);

 private:
  struct Text;
  struct Wanted;
  struct Round;
  class EntryReader;

  void FindFiles(const LineHeader& header, SectionReader* reader, Round* round) const;
  void FindOldFiles(SectionReader* reader, Round* round) const;
  void FindNewFiles(const LineHeader& header, SectionReader* reader, Round* round) const;
  // False: not all of it is readable.
  bool Append(const Text& text, char* path, std::size_t* used) const;
  bool Keep(const LineHeader& header, const Round& round, const Wanted& wanted,
            std::uint32_t* place) const;

  const SectionData& line_;
  const SectionData& line_strings_;
  const SectionData& strings_;
  LinePaths* const paths_;
  std::uint64_t bytes_left_ = std::uint64_t{32} << 20;  // of tables, in all
};

}  // namespace wrackline::symbols
