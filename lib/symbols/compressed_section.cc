#include "lib/symbols/compressed_section.h"

#include <elf.h>
#include <zlib.h>
#include <zstd.h>

namespace wrackline::symbols {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
constexpr std::uint32_t kZlib = 1;  // ELFCOMPRESS_ZLIB
constexpr std::uint32_t kZstd = 2;  // ELFCOMPRESS_ZSTD, younger than this <elf.h>
// A short section that claims a gigabyte is refused: deflate's best ratio is 1032.
constexpr std::uint64_t kMaxRatio = 1 << 14;

SectionData Data(const std::string& bytes) {
  return {nullptr, 0, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::string ReadOrEmpty(const ElfFile& elf, const char* name) {
  ElfFile::Section section;
  if (!elf.FindSection(name, &section)) return {};
  return ReadSection(elf, section).value_or(std::string());
}

}  // namespace

std::optional<std::string> ReadSection(const ElfFile& elf, const ElfFile::Section& section) {
  if (section.size > kMaxBytes || section.offset > elf.length() ||
      section.size > elf.length() - section.offset) {
    return std::nullopt;
  }
  std::string raw(section.size, '\0');
  if (!elf.ReadAt(section.offset, raw.data(), raw.size())) return std::nullopt;
  if ((section.flags & SHF_COMPRESSED) == 0) return raw;

  Elf64_Chdr header;
  if (!elf.ReadAt(section.offset, &header, sizeof(header)) || raw.size() < sizeof(header) ||
      header.ch_size > kMaxBytes || header.ch_size / kMaxRatio > raw.size()) {
    return std::nullopt;
  }
  const char* const packed = raw.data() + sizeof(header);
  const std::size_t packed_size = raw.size() - sizeof(header);
  std::string bytes(header.ch_size, '\0');
  if (header.ch_type == kZlib) {
    uLongf length = bytes.size();
    if (uncompress(reinterpret_cast<Bytef*>(bytes.data()), &length,
                   reinterpret_cast<const Bytef*>(packed), packed_size) != Z_OK ||
        length != bytes.size()) {
      return std::nullopt;
    }
    return bytes;
  }
  if (header.ch_type == kZstd &&
      ZSTD_decompress(bytes.data(), bytes.size(), packed, packed_size) == bytes.size()) {
    return bytes;
  }
  return std::nullopt;
}

bool AnyLineTable::Open(const ElfFile& elf) {
  const LineTable::State state = table_.Open(elf);
  if (state != LineTable::State::kCompressed) return state == LineTable::State::kReadable;
  line_ = ReadOrEmpty(elf, ".debug_line");
  line_strings_ = ReadOrEmpty(elf, ".debug_line_str");
  strings_ = ReadOrEmpty(elf, ".debug_str");
  table_.OpenSections(Data(line_), Data(line_strings_), Data(strings_));
  return !line_.empty();
}

}  // namespace wrackline::symbols
