// The header of one unit of .debug_line, without its tables of file names: DWARF 5, 6.2.4; for
// versions 2 to 4 the same section of those.
#pragma once

#include <cstdint>

#include "lib/symbols/line_reader.h"

namespace wrackline::symbols {

struct LineHeader {
  bool usable = false;  // a version that is known, with a program that can be run
  bool wide = false;    // the 64-bit format: offsets have 8 bytes
  std::uint16_t version = 0;
  std::uint8_t min_instruction = 1;
  std::uint8_t max_operations = 1;
  std::int8_t line_base = 0;
  std::uint8_t line_range = 1;
  std::uint8_t opcode_base = 1;
  std::uint8_t operands[256] = {};  // by opcode; 0 is not one
  std::uint64_t tables = 0;         // section offsets: of the folders and files,
  std::uint64_t program = 0;        // and of the program

  // Reads it at the reader's place. Returns the section offset of the unit's end; 0: there is no unit.
  std::uint64_t Read(SectionReader* reader);

  // False: the producer gave this standard opcode operands of its own.
  bool HasUsualOperands(std::uint8_t opcode) const;
};

}  // namespace wrackline::symbols
