#include "lib/symbols/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>
#include <limits>

namespace wrackline::symbols {
namespace {

// Bounds on what a file can make us do. libjvm.so of JDK 17 has 2 MB of symbols with names of up to
// 400 bytes.
constexpr std::uint64_t kMaxTableBytes = std::uint64_t{512} << 20;
constexpr std::size_t kMaxNameBytes = 16 << 10;
constexpr std::uint64_t kMaxNotesBytes = 1 << 20;  // in all segments together
constexpr std::uint64_t kMaxSections = 1 << 17;
// Comparisons of a symbol with a query. Functions hardly overlap, so that a real table needs a few
// per query; symbols that all cover everything would need their product. Beyond it a symbol may be
// a worse one than the rule says.
constexpr std::uint64_t kMaxComparisons = 20'000'000;
// One that has to read names costs two system calls.
constexpr std::uint64_t kNameComparison = 100;

constexpr std::size_t kSymbolsPerRead = 64 * 1024 / sizeof(Elf64_Sym);

// Memory that is not the program's heap. nullptr when there is none.
void* MapAnonymous(std::size_t length) {
  void* const memory =
      mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

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

// Global before weak before local.
int BindingRank(unsigned char info) {
  switch (ELF64_ST_BIND(info)) {
    case STB_GLOBAL:
    case STB_GNU_UNIQUE:
      return 2;
    case STB_WEAK:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

// A symbol table and its names.
struct ElfFile::Table {
  std::uint64_t symbols = 0;  // file offset
  std::uint64_t count = 0;
  std::uint64_t names = 0;  // file offset
  std::uint64_t names_size = 0;
};

// What is known so far for one query.
struct ElfFile::Candidate {
  bool covered = false;      // by a symbol with a size; value, name and rank are its own
  bool has_below = false;    // below is set
  bool below_sized = false;  // a symbol with a size is among those that start there
  std::uint8_t rank = 0;
  std::uint16_t below_section = 0;
  std::uint8_t below_rank = 0;
  std::uint32_t name = 0;
  std::uint32_t below_name = 0;
  std::uint64_t value = 0;
  std::uint64_t below = 0;  // the highest start at or below the address, whatever the size
};

struct ElfFile::NameBlock {
  NameBlock* next;
  std::size_t mapped;  // bytes, this header included
  std::size_t used;

  char* Free() { return reinterpret_cast<char*>(this) + used; }
};

// One pass over a table.
class ElfFile::Search {
 public:
  Search(const ElfFile& file, const Table& table, Query* queries, Candidate* candidates,
         std::size_t count)
      : file_(file), table_(table), queries_(queries), candidates_(candidates), count_(count) {}

  void Add(const Elf64_Sym& symbol) {
    const int type = ELF64_ST_TYPE(symbol.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC) return;
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
        symbol.st_shndx == SHN_COMMON || symbol.st_name == 0) {
      return;
    }
    const std::size_t first = LowerBound(symbol.st_value);
    if (first == count_) return;
    AddBelow(symbol, &candidates_[first]);
    for (std::size_t i = first; i < count_; ++i) {
      if (queries_[i].address - symbol.st_value >= symbol.st_size || !Spend(1)) break;
      AddCovering(symbol, &candidates_[i]);
    }
  }

  // Answers the queries. A candidate's `below` only knows symbols that start after the query before
  // it: the nearest of all is carried along.
  void Finish() {
    Candidate nearest;
    for (std::size_t i = 0; i < count_; ++i) {
      const Candidate& candidate = candidates_[i];
      if (candidate.has_below) nearest = candidate;
      Query& query = queries_[i];
      if (candidate.covered) {
        query.symbol = Name(candidate.name);
        query.offset = query.address - candidate.value;
      } else if (nearest.has_below && !nearest.below_sized &&
                 SectionReaches(nearest.below_section, query.address)) {
        query.symbol = Name(nearest.below_name);
        query.offset = query.address - nearest.below;
      }
    }
  }

 private:
  // The first query at or above `address`; count_ when there is none.
  std::size_t LowerBound(std::uint64_t address) const {
    std::size_t low = 0;
    std::size_t high = count_;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (queries_[middle].address < address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  void AddCovering(const Elf64_Sym& symbol, Candidate* candidate) {
    const int rank = BindingRank(symbol.st_info);
    if (candidate->covered &&
        !IsBetter(symbol, rank, candidate->value, candidate->rank, candidate->name)) {
      return;
    }
    candidate->covered = true;
    candidate->value = symbol.st_value;
    candidate->rank = static_cast<std::uint8_t>(rank);
    candidate->name = symbol.st_name;
  }

  void AddBelow(const Elf64_Sym& symbol, Candidate* candidate) {
    const bool sized = symbol.st_size != 0;
    if (candidate->has_below && symbol.st_value < candidate->below) return;
    const bool same_start = candidate->has_below && symbol.st_value == candidate->below;
    const bool known_sized = same_start && candidate->below_sized;
    const int rank = BindingRank(symbol.st_info);
    if (same_start &&
        (known_sized || sized ||
         !IsBetter(symbol, rank, candidate->below, candidate->below_rank, candidate->below_name))) {
      candidate->below_sized = known_sized || sized;
      return;
    }
    candidate->has_below = true;
    candidate->below = symbol.st_value;
    candidate->below_sized = sized;
    candidate->below_rank = static_cast<std::uint8_t>(rank);
    candidate->below_name = symbol.st_name;
    candidate->below_section = symbol.st_shndx;
  }

  bool IsBetter(const Elf64_Sym& symbol, int rank, std::uint64_t value, int known_rank,
                std::uint32_t known_name) {
    if (symbol.st_value != value) return symbol.st_value > value;
    if (rank != known_rank) return rank > known_rank;
    return Spend(kNameComparison) && Underscores(symbol.st_name) < Underscores(known_name);
  }

  std::size_t Underscores(std::uint32_t name) const {
    char start[8];
    std::size_t length = sizeof(start);
    if (name >= table_.names_size) return length;
    if (table_.names_size - name < length) length = table_.names_size - name;
    if (!file_.ReadAt(table_.names + name, start, length)) return length;
    std::size_t count = 0;
    while (count < length && start[count] == '_') ++count;
    return count;
  }

  // Neighbouring queries are often in the same function.
  const char* Name(std::uint32_t name) {
    if (last_symbol_ == nullptr || name != last_name_) {
      last_name_ = name;
      last_symbol_ = file_.KeepName(table_, name);
    }
    return last_symbol_;
  }

  bool SectionReaches(std::uint16_t index, std::uint64_t address) const {
    Section section;
    return index < SHN_LORESERVE && file_.ReadSection(index, &section) &&
           address >= section.address && address - section.address < section.size;
  }

  bool Spend(std::uint64_t comparisons) {
    if (comparisons > comparisons_left_) return false;
    comparisons_left_ -= comparisons;
    return true;
  }

  const ElfFile& file_;
  const Table& table_;
  Query* const queries_;
  Candidate* const candidates_;
  const std::size_t count_;
  std::uint64_t comparisons_left_ = kMaxComparisons;
  std::uint32_t last_name_ = 0;
  const char* last_symbol_ = nullptr;
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
  section_headers_ = section_count_ = program_headers_ = 0;
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
    if (section_count_ == 0 && ReadAt(section_headers_, &first, sizeof(first))) {
      section_count_ = first.sh_size;  // more than 65,279 of them
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
  if (index >= section_count_ ||
      !ReadAt(section_headers_ + index * sizeof(header), &header, sizeof(header))) {
    return false;
  }
  *out = {header.sh_type,   header.sh_link, header.sh_addr,
          header.sh_offset, header.sh_size, header.sh_entsize};
  return true;
}

bool ElfFile::FindTable(Table* out) const {
  for (const std::uint32_t wanted : {SHT_SYMTAB, SHT_DYNSYM}) {
    for (std::uint64_t i = 0; i < section_count_; ++i) {
      Section symbols;
      Section names;
      if (!ReadSection(i, &symbols)) return false;
      if (symbols.type != wanted || symbols.entry_size != sizeof(Elf64_Sym)) continue;
      if (symbols.offset > length_ || symbols.size > length_ - symbols.offset) continue;
      if (!ReadSection(symbols.link, &names) || names.type != SHT_STRTAB) continue;
      if (names.offset > length_ || names.size > length_ - names.offset) continue;
      const std::uint64_t used = symbols.size < kMaxTableBytes ? symbols.size : kMaxTableBytes;
      *out = {symbols.offset, used / sizeof(Elf64_Sym), names.offset, names.size};
      if (out->count > 1) return true;  // the first entry is always empty
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

const char* ElfFile::KeepName(const Table& table, std::uint32_t name) const {
  if (name >= table.names_size) return nullptr;
  std::size_t limit = kMaxNameBytes;
  if (table.names_size - name < limit) limit = table.names_size - name;

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
    if (!ReadAt(table.names + name + length, text + length, step)) return nullptr;
    const void* const end = std::memchr(text + length, '\0', step);
    if (end != nullptr) {
      names_->used += static_cast<std::size_t>(static_cast<const char*>(end) - text) + 1;
      return text;
    }
    length += step;
  }
  return nullptr;  // not ended inside of the string table, or absurdly long
}

void ElfFile::Resolve(Query* queries, std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    queries[i].symbol = nullptr;
    queries[i].offset = 0;
  }
  Table table;
  constexpr std::size_t kBufferBytes = kSymbolsPerRead * sizeof(Elf64_Sym);
  if (count == 0 || count > (SIZE_MAX - kBufferBytes) / sizeof(Candidate) || !FindTable(&table)) {
    return;
  }
  const std::size_t scratch_bytes = kBufferBytes + count * sizeof(Candidate);
  void* const scratch = MapAnonymous(scratch_bytes);
  if (scratch == nullptr) return;
  auto* const symbols = static_cast<Elf64_Sym*>(scratch);
  // Zero bytes are valid candidates: nothing found.
  auto* const candidates = reinterpret_cast<Candidate*>(symbols + kSymbolsPerRead);

  Search search(*this, table, queries, candidates, count);
  for (std::uint64_t at = 0; at < table.count; at += kSymbolsPerRead) {
    const std::uint64_t left = table.count - at;
    const std::size_t read = left < kSymbolsPerRead ? left : kSymbolsPerRead;
    if (!ReadAt(table.symbols + at * sizeof(Elf64_Sym), symbols, read * sizeof(Elf64_Sym))) break;
    for (std::size_t i = 0; i < read; ++i) search.Add(symbols[i]);
  }
  search.Finish();
  munmap(scratch, scratch_bytes);
}

}  // namespace wrackline::symbols
