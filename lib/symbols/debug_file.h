// The separate file with an object's symbols and lines, for objects that were stripped.
//
// Distributions ship it in a package of its own; `objcopy --only-keep-debug` makes it. It is found as
// gdb finds it, in this order:
//   ROOT/.build-id/ab/cdef....debug         by the object's build id abcdef...
//   FOLDER/NAME, FOLDER/.debug/NAME, ROOT/FOLDER/NAME
//                                           by NAME in its .gnu_debuglink; FOLDER is the object's
// ROOT is /usr/lib/debug. A file is used only if it is the object's: both have the same build id, or,
// where either has none, the file's CRC is the link's.
//
// Never allocates, never throws, one thread at a time; the bytes are hostile (see elf.h).
//
//   symbols::ElfFile object, debug;
//   if (object.Open(path) == 0 && !object.HasSymbolTable() &&
//       symbols::OpenDebugFile(object, path, symbols::kDebugRoot, &memo, &debug)) debug.Resolve(...)
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/symbols/elf.h"

namespace wrackline::symbols {

inline constexpr char kDebugRoot[] = "/usr/lib/debug";

// Checking a CRC reads the whole file: larger ones than this are not used without a build id.
inline constexpr std::uint64_t kMaxCheckedBytes = std::uint64_t{256} << 20;

// The last file whose CRC was computed, so that the next call about the same one need not. Zero
// bytes: none yet.
struct CheckedFile {
  ElfFile::Identity identity;
  std::uint64_t length;
  std::uint32_t crc;
};

// Opens the debug file of `object`, whose path is `path` (absolute, as in /proc/self/maps). False: it
// has none here.
bool OpenDebugFile(const ElfFile& object, const char* path, const char* root, CheckedFile* checked,
                   ElfFile* out);

// The name and the CRC in the object's .gnu_debuglink. False: it has none, or one that is no plain
// file name.
bool ReadDebugLink(const ElfFile& object, char* name, std::size_t capacity, std::uint32_t* crc);

// The checksum of .gnu_debuglink, of the whole file. False: it cannot be read.
bool FileCrc32(const ElfFile& file, std::uint32_t* crc);

}  // namespace wrackline::symbols
