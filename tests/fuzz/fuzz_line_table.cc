// A .debug_line section. The input is an ELF file, or, for inputs of which every byte counts: the size
// of .debug_line in 4 bytes, that section, and then the strings it points to.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "lib/symbols/elf.h"
#include "lib/symbols/line_table.h"

using namespace wrackline::symbols;

namespace {

void Use(const LineTable& table) {
  LineQuery queries[96];
  for (std::uint64_t i = 0; i < 96; ++i) {
    // Close together at the start, where small objects are, then ever farther apart.
    queries[i] = {i < 64 ? i * 16 : std::uint64_t{1} << (i - 32), 0, 0, 0, false};
  }
  std::vector<char> text(4096);
  LinePaths paths{text.data(), text.size(), 0, false};
  for (std::uint64_t at = 0; at < table.size();) {
    const std::uint64_t next = table.Resolve(at, 256, queries, 96, &paths);
    if (next <= at || next > table.size()) std::abort();
    at = next;
  }
  if (paths.used > text.size() || (paths.used > 0 && text[paths.used - 1] != '\0')) std::abort();
  for (const LineQuery& query : queries) {
    if (query.pending) std::abort();
    if (query.line == 0) continue;
    if (query.file >= paths.used || query.sequence == 0 || query.sequence > query.address)
      std::abort();
    if (std::strlen(text.data() + query.file) > LineTable::kMaxPath) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  LineTable table;
  ElfFile elf;
  if (size > 0 && elf.OpenBytes(data, size) == 0) {
    if (table.Open(elf) == LineTable::State::kReadable) Use(table);
    return 0;
  }
  if (size < 4) return 0;
  std::uint32_t length = 0;
  std::memcpy(&length, data, sizeof(length));
  if (length > size - 4) length = static_cast<std::uint32_t>(size - 4);
  const SectionData strings = {nullptr, 0, data + 4 + length, size - 4 - length};
  table.OpenSections({nullptr, 0, data + 4, length}, strings, strings);
  Use(table);
  return 0;
}
