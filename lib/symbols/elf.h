// Build ids and symbol names from ELF objects. Never allocates from the program's allocator, never
// throws: runs in the recorder thread and in the analyzer. The bytes are hostile: a damaged object
// gives no names.
//
// The file is read with pread and not mapped: a mapped file that somebody truncates kills the
// reader with SIGBUS. Symbol tables are read through a buffer of 64 KiB, so that naming a stack
// costs a pod that is short of memory next to nothing, whatever the size of the library; only the
// names found are kept, in anonymous mappings, until Close.
//
//   symbols::ElfFile elf;
//   symbols::ElfFile::Query query{pc - bias, nullptr, 0};
//   if (elf.Open(path) == 0) elf.Resolve(&query, 1);
//   if (query.symbol != nullptr) ...  // mangled; see demangle.h
//
// Source lines are line_table.h's, separate debug files debug_file.h's. Not read: inlined frames,
// .gnu_debugdata, the dynamic symbols of an object without section headers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::symbols {

// Reads the GNU build id from the notes of a loaded object (its program headers are `phdrs`, load
// bias `bias`). Returns its length (0: none), at most `capacity`. The object must stay loaded
// during the call.
std::size_t BuildIdFromMemory(const void* phdrs, std::size_t count, std::uint64_t bias,
                              std::uint8_t* out, std::size_t capacity);

// An ELF file opened for reading. Not thread-safe: one thread at a time, Resolve included.
class ElfFile {
 public:
  ElfFile() = default;
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  ~ElfFile() { Close(); }

  // 0 or an errno value; ENOEXEC when it is no ELF64 executable or shared object of this machine's
  // byte order, EINVAL when it is no regular file.
  int Open(const char* path);
  // The same on bytes in memory, which stay the caller's and must outlive Close (fuzzing).
  int OpenBytes(const void* bytes, std::size_t length);
  void Close();

  // What tells this file from another one, or from itself changed; zero for bytes in memory.
  struct Identity {
    std::uint64_t device, inode, modified_ns;
  };
  const Identity& identity() const { return identity_; }
  std::uint64_t length() const { return length_; }

  // Exactly `length` bytes from `offset`; false when the file has fewer or cannot be read.
  bool ReadAt(std::uint64_t offset, void* out, std::size_t length) const;

  struct Section {
    std::uint32_t type, link, name;
    std::uint64_t flags, address, offset, size, alignment, entry_size;
  };
  // The first section of that name (31 bytes at most) that has content; false when there is none, or it
  // does not lie in the file whole.
  bool FindSection(const char* name, Section* out) const;

  // The GNU build id. Returns its length (0: none), at most `capacity`.
  std::size_t BuildId(std::uint8_t* out, std::size_t capacity) const;

  struct Query {
    std::uint64_t address;  // in: ELF virtual address (pc minus load bias)
    const char* symbol;     // out: NUL-ended, mangled; nullptr: none covers it
    std::uint64_t offset;   // out: address minus the symbol's start
  };
  // Resolves `count` queries, sorted by address (ascending), with one pass over .symtab, or over
  // .dynsym where there is no .symtab. Function symbols only; a symbol of size 0 reaches to the
  // next one or to the end of its section. Where several cover an address: the one that starts
  // last; then a global one before a weak one before a local one; then the one with fewer leading
  // underscores (malloc, not __libc_malloc); then the first in the table. Pointers are valid until
  // Close.
  void Resolve(Query* queries, std::size_t count) const;
  // False: stripped, only dynamic symbols are left.
  bool HasSymbolTable() const;

 private:
  struct Table;
  struct Candidate;
  class Search;

  int ReadHeader();
  bool ReadSection(std::uint64_t index, Section* out) const;
  bool FindTable(std::uint32_t wanted, Table* out) const;
  std::size_t BuildIdInNotes(std::uint64_t offset, std::uint64_t size, std::uint64_t align,
                             std::uint8_t* out, std::size_t capacity) const;
  // The name at `offset`, which ends within `room` bytes; nullptr: it does not.
  const char* KeepName(std::uint64_t offset, std::uint64_t room) const;

  int file_ = -1;  // or:
  const std::uint8_t* bytes_ = nullptr;
  std::uint64_t length_ = 0;
  Identity identity_ = {};

  std::uint64_t section_headers_ = 0;  // file offset
  std::uint64_t section_count_ = 0;
  std::uint64_t section_names_ = 0;  // index
  // The headers read last, a block at a time: whoever wants one wants its neighbours.
  static constexpr std::size_t kHeadersAtOnce = 64;
  static constexpr std::size_t kHeaderBytes = 64;
  mutable std::uint64_t cached_from_ = UINT64_MAX;  // index of the first one
  alignas(8) mutable std::uint8_t cached_headers_[kHeadersAtOnce * kHeaderBytes];

  std::uint64_t program_headers_ = 0;
  std::uint32_t program_header_count_ = 0;

  // Names found so far: a chain of anonymous mappings.
  struct NameBlock;
  mutable NameBlock* names_ = nullptr;
};

}  // namespace wrackline::symbols
