// Build ids and symbol names from ELF objects. Never allocates from the program's allocator (maps files read-only),
// never throws: runs in the recorder thread and in the analyzer. The bytes are hostile: a damaged object gives no names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::symbols {

// Reads the GNU build id from the notes of a loaded object (its program headers are `phdrs`, load bias `bias`).
// Returns its length (0: none), at most `capacity`.
std::size_t BuildIdFromMemory(const void* phdrs, std::size_t count, std::uint64_t bias, std::uint8_t* out,
                              std::size_t capacity);

// An ELF file mapped read-only.
class ElfFile {
 public:
  ElfFile() = default;
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;
  ~ElfFile() { Close(); }

  // 0 or an errno value; ENOEXEC when it is no ELF64 object of this machine's byte order.
  int Open(const char* path);
  // The same on bytes in memory, which stay the caller's (fuzzing).
  int OpenBytes(const void* bytes, std::size_t length);
  void Close();

  std::size_t BuildId(std::uint8_t* out, std::size_t capacity) const;

  struct Query {
    std::uint64_t address;    // in: ELF virtual address (pc minus load bias)
    const char* symbol;       // out: in the mapped file, NUL-ended, mangled; nullptr: none covers it
    std::uint64_t offset;     // out: address minus the symbol's start
  };
  // Resolves `count` queries, sorted by address (ascending), with one pass over .symtab, or over .dynsym where there
  // is no .symtab. Function symbols only; a symbol of size 0 reaches to the next one. Pointers are valid until Close.
  void Resolve(Query* queries, std::size_t count) const;

 private:
  const std::uint8_t* bytes_ = nullptr;
  std::size_t length_ = 0;
  bool owned_ = false;
};

}  // namespace wrackline::symbols
