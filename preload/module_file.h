// The files of a loaded object, opened for its names and lines. Assistant thread only: opening and
// reading may wait for a busy disk.
#pragma once

#include "lib/symbols/debug_file.h"
#include "lib/symbols/elf.h"
#include "lib/symbols/line_table.h"
#include "preload/modules.h"

namespace wrackline::preload {

// The object's file and, where one is installed, its separate debug file.
class ModuleFile {
 public:
  // A larger line table is left alone: at 240 MiB/s a pass over this one takes a quarter of a second.
  static constexpr std::uint64_t kMaxLineBytes = std::uint64_t{64} << 20;

  // False when the file is not the loaded one: its build id differs, or, where there is none, its
  // inode. `checked` is kept from one call to the next.
  bool Open(const ModuleInfo& module, symbols::CheckedFile* checked);

  // The one that has a symbol table; the object itself when none has.
  const symbols::ElfFile& Symbols();

  enum class Lines : std::uint8_t { kNone, kUnreadable, kReadable };
  // Opens the line table. kUnreadable: it is compressed, or larger than kMaxLineBytes.
  Lines OpenLines(symbols::LineTable* table);

 private:
  bool HasDebugFile();

  const ModuleInfo* module_ = nullptr;
  symbols::CheckedFile* checked_ = nullptr;
  symbols::ElfFile object_;
  symbols::ElfFile debug_;
  bool looked_for_debug_ = false;
  bool has_debug_ = false;
};

}  // namespace wrackline::preload
