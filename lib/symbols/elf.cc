#include "lib/symbols/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <limits>

#include "lib/symbols/anonymous_memory.h"

namespace wrackline::symbols {
namespace {

// Bounds on what a file can make us do. libjvm.so of JDK 17 has names of up to 400 bytes.
constexpr std::size_t kMaxNameBytes = 16 << 10;
constexpr std::uint64_t kMaxNotesBytes = 1 << 20;  // in all segments together
constexpr std::uint64_t kMaxSections = 1 << 17;
// Sections looked at when one is sought by name, at two reads each. Linked objects have about 40.
constexpr std::uint64_t kMaxNamedSections = 1 << 12;

std::uint64_t AlignUp(std::uint64_t value, std::uint64_t align) {
  return (value + align - 1) & ~(align - 1);
}

// Notes are padded to 4 bytes; those in a segment aligned to 8 to 8 (.note.gnu.property).
std::uint64_t NoteAlignment(std::uint64_t segment_alignment) {
  return segment_alignment == 8 ? 8 : 4;
}

// Walks notes through read(offset, out, length) -> bool until the build id. 0: none.
template <typename Read>
std::size_t FindBuildId(std::uint64_t size, std::uint64_t align, std::uint8_t* out,
                        std::size_t capacity, const Read& read) {
  std::uint64_t at = 0;
  Elf64_Nhdr note;
  while (at <= size && size - at >= sizeof(note) && read(at, &note, sizeof(note))) {
    // 32-bit fields: these sums cannot overflow 64 bits.
    const std::uint64_t name = at + sizeof(note);
    const std::uint64_t content = at + AlignUp(sizeof(note) + note.n_namesz, align);
    if (content > size || note.n_descsz > size - content) return 0;
    char owner[4];
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(owner) &&
        read(name, owner, sizeof(owner)) && std::memcmp(owner, "GNU", sizeof(owner)) == 0) {
      const std::size_t length = note.n_descsz < capacity ? note.n_descsz : capacity;
      return read(content, out, length) ? length : 0;
    }
    at = content + AlignUp(note.n_descsz, align);
  }
  return 0;
}

}  // namespace

struct ElfFile::NameBlock {
  NameBlock* next;
  std::size_t mapped;  // bytes, this header included
  std::size_t used;

  char* Free() { return reinterpret_cast<char*>(this) + used; }
};

std::size_t BuildIdFromMemory(const void* phdrs, std::size_t count, std::uint64_t bias,
                              std::uint8_t* out, std::size_t capacity) {
  const auto* const headers = static_cast<const Elf64_Phdr*>(phdrs);
  for (std::size_t i = 0; i < count; ++i) {
    const Elf64_Phdr& notes = headers[i];
    if (notes.p_type != PT_NOTE || notes.p_memsz > kMaxNotesBytes) continue;
    // Only what a segment has really brought into memory, readable, is looked at.
    bool loaded = false;
    for (std::size_t j = 0; j < count && !loaded; ++j) {
      const Elf64_Phdr& load = headers[j];
      loaded = load.p_type == PT_LOAD && (load.p_flags & PF_R) != 0 &&
               notes.p_vaddr >= load.p_vaddr && notes.p_vaddr - load.p_vaddr <= load.p_filesz &&
               notes.p_memsz <= load.p_filesz - (notes.p_vaddr - load.p_vaddr);
    }
    if (!loaded) continue;
    const auto* const memory =
        reinterpret_cast<const std::uint8_t*>(static_cast<std::uintptr_t>(bias + notes.p_vaddr));
    const auto read = [memory](std::uint64_t offset, void* to, std::size_t length) {
      if (length > 0) std::memcpy(to, memory + offset, length);
      return true;  // FindBuildId stays inside of p_memsz
    };
    const std::size_t found =
        FindBuildId(notes.p_memsz, NoteAlignment(notes.p_align), out, capacity, read);
    if (found > 0) return found;
  }
  return 0;
}

int ElfFile::Open(const char* path) {
  Close();
  int file = -1;
  do {
    // O_NONBLOCK: opening a fifo would wait for its writer.
    file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  } while (file < 0 && errno == EINTR);
  if (file < 0) return errno;
  struct stat about;
  // The system call, because glibc's fstat is a symbol of version 2.33 and the preload must load on
  // older ones. The kernel's structure is glibc's on 64-bit machines.
  if (syscall(SYS_fstat, file, &about) != 0) {
    const int error = errno;
    close(file);
    return error;
  }
  if (!S_ISREG(about.st_mode)) {
    close(file);
    return EINVAL;
  }
  file_ = file;
  length_ = static_cast<std::uint64_t>(about.st_size);
  identity_ = {about.st_dev, about.st_ino,
               static_cast<std::uint64_t>(about.st_mtim.tv_sec) * 1'000'000'000 +
                   static_cast<std::uint64_t>(about.st_mtim.tv_nsec)};
  const int error = ReadHeader();
  if (error != 0) Close();
  return error;
}

int ElfFile::OpenBytes(const void* bytes, std::size_t length) {
  Close();
  bytes_ = static_cast<const std::uint8_t*>(bytes);
  length_ = length;
  const int error = ReadHeader();
  if (error != 0) Close();
  return error;
}

void ElfFile::Close() {
  while (names_ != nullptr) {
    NameBlock* const block = names_;
    names_ = block->next;
    munmap(block, block->mapped);
  }
  if (file_ >= 0) close(file_);
  file_ = -1;
  bytes_ = nullptr;
  length_ = 0;
  identity_ = {};
  cached_from_ = UINT64_MAX;
  section_headers_ = section_count_ = section_names_ = program_headers_ = 0;
  program_header_count_ = 0;
}

bool ElfFile::ReadAt(std::uint64_t offset, void* out, std::size_t length) const {
  if (offset > length_ || length > length_ - offset) return false;
  if (length == 0) return true;
  if (bytes_ != nullptr) {
    std::memcpy(out, bytes_ + offset, length);
    return true;
  }
  if (offset + length > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max())) return false;
  auto* to = static_cast<std::uint8_t*>(out);
  while (length > 0) {
    const ssize_t count = pread(file_, to, length, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;  // truncated since Open
    to += count;
    offset += static_cast<std::uint64_t>(count);
    length -= static_cast<std::size_t>(count);
  }
  return true;
}

int ElfFile::ReadHeader() {
  Elf64_Ehdr header;
  if (!ReadAt(0, &header, sizeof(header))) return ENOEXEC;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  constexpr unsigned char kByteOrder = ELFDATA2LSB;
#else
  constexpr unsigned char kByteOrder = ELFDATA2MSB;
#endif
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != kByteOrder ||
      (header.e_type != ET_EXEC && header.e_type != ET_DYN)) {
    return ENOEXEC;
  }
  // Tables of another entry size than this machine's are as good as absent.
  if (header.e_phentsize == sizeof(Elf64_Phdr)) {
    program_headers_ = header.e_phoff;
    program_header_count_ = header.e_phnum;
  }
  if (header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shoff != 0) {
    section_headers_ = header.e_shoff;
    section_count_ = header.e_shnum;
    Elf64_Shdr first;
    section_names_ = header.e_shstrndx;
    if ((section_count_ == 0 || section_names_ == SHN_XINDEX) &&
        ReadAt(section_headers_, &first, sizeof(first))) {
      // More than 65,279 of them.
      if (section_count_ == 0) section_count_ = first.sh_size;
      if (section_names_ == SHN_XINDEX) section_names_ = first.sh_link;
    }
    const std::uint64_t room =
        section_headers_ < length_ ? (length_ - section_headers_) / sizeof(Elf64_Shdr) : 0;
    if (section_count_ > room) section_count_ = room;
    if (section_count_ > kMaxSections) section_count_ = kMaxSections;
  }
  return 0;
}

bool ElfFile::ReadSection(std::uint64_t index, Section* out) const {
  Elf64_Shdr header;
  static_assert(sizeof(header) == kHeaderBytes);
  if (index >= section_count_) return false;
  const std::uint64_t from = index / kHeadersAtOnce * kHeadersAtOnce;
  if (from != cached_from_) {
    const std::uint64_t left = section_count_ - from;
    const std::size_t count = left < kHeadersAtOnce ? left : kHeadersAtOnce;
    cached_from_ = UINT64_MAX;
    if (!ReadAt(section_headers_ + from * sizeof(header), cached_headers_,
                count * sizeof(header))) {
      return false;
    }
    cached_from_ = from;
  }
  std::memcpy(&header, cached_headers_ + (index - from) * sizeof(header), sizeof(header));
  *out = {header.sh_type,   header.sh_link, header.sh_name,      header.sh_flags,  header.sh_addr,
          header.sh_offset, header.sh_size, header.sh_addralign, header.sh_entsize};
  return true;
}

bool ElfFile::FindSection(const char* name, Section* out) const {
  Section names;
  if (!ReadSection(section_names_, &names) || names.type != SHT_STRTAB) return false;
  const std::size_t length = std::strlen(name) + 1;
  // The start of the names, which mostly is all of them.
  char first[2048];
  char other[32];
  if (length > sizeof(other)) return false;
  const std::size_t known = names.size < sizeof(first) ? names.size : sizeof(first);
  if (!ReadAt(names.offset, first, known)) return false;
  const std::uint64_t count =
      section_count_ < kMaxNamedSections ? section_count_ : kMaxNamedSections;
  for (std::uint64_t i = 1; i < count; ++i) {
    if (!ReadSection(i, out)) return false;
    if (out->type == SHT_NOBITS || out->name >= names.size || names.size - out->name < length) {
      continue;
    }
    const char* found = other;
    if (out->name + length <= known) {
      found = first + out->name;
    } else if (!ReadAt(names.offset + out->name, other, length)) {
      continue;
    }
    if (std::memcmp(found, name, length) == 0) {
      return out->offset <= length_ && out->size <= length_ - out->offset;
    }
  }
  return false;
}

std::size_t ElfFile::BuildIdInNotes(std::uint64_t offset, std::uint64_t size, std::uint64_t align,
                                    std::uint8_t* out, std::size_t capacity) const {
  if (offset > length_ || size > length_ - offset) return 0;
  return FindBuildId(size, NoteAlignment(align), out, capacity,
                     [&](std::uint64_t at, void* to, std::size_t length) {
                       return ReadAt(offset + at, to, length);
                     });
}

std::size_t ElfFile::BuildId(std::uint8_t* out, std::size_t capacity) const {
  std::uint64_t notes_left = kMaxNotesBytes;
  // Sections first: the program headers of a separate debug file are those of the object, and their
  // offsets mean nothing in it.
  for (std::uint64_t i = 1; i < section_count_; ++i) {
    Section notes;
    if (!ReadSection(i, &notes)) break;
    if (notes.type != SHT_NOTE) continue;
    if (notes.size > notes_left) return 0;
    notes_left -= notes.size;
    const std::size_t found =
        BuildIdInNotes(notes.offset, notes.size, notes.alignment, out, capacity);
    if (found > 0) return found;
  }
  for (std::uint32_t i = 0; i < program_header_count_; ++i) {
    Elf64_Phdr header;
    if (!ReadAt(program_headers_ + i * sizeof(header), &header, sizeof(header))) break;
    if (header.p_type != PT_NOTE) continue;
    if (header.p_filesz > notes_left) return 0;
    notes_left -= header.p_filesz;
    const std::size_t found =
        BuildIdInNotes(header.p_offset, header.p_filesz, header.p_align, out, capacity);
    if (found > 0) return found;
  }
  return 0;
}

const char* ElfFile::KeepName(std::uint64_t offset, std::uint64_t room) const {
  std::size_t limit = kMaxNameBytes;
  if (room < limit) limit = room;

  // Room for the longest name; what is not used stays for the next one. Untouched pages cost
  // nothing.
  if (names_ == nullptr || names_->mapped - names_->used < limit) {
    constexpr std::size_t kBlock = 256 << 10;
    static_assert(kBlock >= kMaxNameBytes + sizeof(NameBlock));
    auto* const block = static_cast<NameBlock*>(MapAnonymous(kBlock));
    if (block == nullptr) return nullptr;
    *block = {names_, kBlock, sizeof(NameBlock)};
    names_ = block;
  }
  char* const text = names_->Free();
  std::size_t length = 0;
  while (length < limit) {
    // Most names are short.
    const std::size_t step = limit - length < 256 ? limit - length : 256;
    if (!ReadAt(offset + length, text + length, step)) return nullptr;
    const void* const end = std::memchr(text + length, '\0', step);
    if (end != nullptr) {
      // .symtab has a symbol's version behind its name: malloc@@GLIBC_2.2.5. No mangling uses '@'.
      char* const version = std::strchr(text, '@');
      if (version != nullptr && version != text) *version = '\0';
      names_->used += std::strlen(text) + 1;
      return text;
    }
    length += step;
  }
  return nullptr;  // not ended inside of the string table, or absurdly long
}

}  // namespace wrackline::symbols
