// An ELF file, and the notes of an object in memory. The input is the file; queries are spread over
// its addresses.
#include <elf.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "lib/symbols/elf.h"

using wrackline::symbols::BuildIdFromMemory;
using wrackline::symbols::ElfFile;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint8_t id[32];
  {
    ElfFile elf;
    if (size > 0 && elf.OpenBytes(data, size) == 0) {
      if (elf.BuildId(id, sizeof(id)) > sizeof(id)) std::abort();
      ElfFile::Query queries[64];
      for (std::uint64_t i = 0; i < 64; ++i) {
        // Close together at the start, where small objects are, then ever farther apart.
        queries[i] = {i < 48 ? i * 128 : std::uint64_t{1} << i, nullptr, 0};
      }
      elf.Resolve(queries, 64);
      for (const ElfFile::Query& query : queries) {
        if (query.symbol == nullptr) continue;
        if (std::strlen(query.symbol) >= 16 << 10) std::abort();
        if (query.offset > query.address) std::abort();
      }
    }
  }
  // The same bytes as notes that are loaded.
  Elf64_Phdr headers[2] = {};
  headers[0].p_type = PT_LOAD;
  headers[0].p_flags = PF_R;
  headers[0].p_filesz = headers[0].p_memsz = size;
  headers[1].p_type = PT_NOTE;
  headers[1].p_align = size % 2 == 0 ? 4 : 8;
  headers[1].p_memsz = size;
  const std::uint64_t bias = reinterpret_cast<std::uintptr_t>(data);
  if (BuildIdFromMemory(headers, 2, bias, id, sizeof(id)) > sizeof(id)) std::abort();
  return 0;
}
