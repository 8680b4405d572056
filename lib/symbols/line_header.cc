#include "lib/symbols/line_header.h"

namespace wrackline::symbols {

std::uint64_t LineHeader::Read(SectionReader* reader) {
  const std::uint64_t start = reader->at();
  std::uint64_t length = reader->Fixed(4);
  wide = length == 0xffffffff;
  if (wide) length = reader->Fixed(8);
  if (!reader->ok() || (!wide && length >= 0xfffffff0)) return 0;  // reserved values
  const std::uint64_t end = reader->at() + length;
  if (end < start) return 0;
  reader->Seek(reader->at(), end);

  version = static_cast<std::uint16_t>(reader->Fixed(2));
  if (version < 2 || version > 5) return end;
  if (version >= 5) reader->Skip(2);  // sizes of addresses and segment selectors
  const std::uint64_t header_length = reader->Fixed(wide ? 8 : 4);
  if (!reader->ok() || header_length > end - reader->at()) return end;
  program = reader->at() + header_length;
  min_instruction = reader->U8();
  if (version >= 4) max_operations = reader->U8();
  reader->U8();  // whether rows are statements at first
  line_base = static_cast<std::int8_t>(reader->U8());
  line_range = reader->U8();
  opcode_base = reader->U8();
  for (unsigned opcode = 1; opcode < opcode_base; ++opcode) operands[opcode] = reader->U8();
  tables = reader->at();
  usable = reader->ok() && tables <= program && line_range != 0 && opcode_base != 0;
  return end;
}

bool LineHeader::HasUsualOperands(std::uint8_t opcode) const {
  constexpr std::uint8_t kUsual[] = {0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
  return opcode < sizeof(kUsual) && operands[opcode] == kUsual[opcode];
}

}  // namespace wrackline::symbols
