#include "preload/module_file.h"

#include <cstring>

namespace wrackline::preload {

using symbols::LineTable;

bool ModuleFile::Open(const ModuleInfo& module, symbols::CheckedFile* checked) {
  module_ = &module;
  checked_ = checked;
  if (module.path[0] != '/' || object_.Open(module.path) != 0) return false;
  std::uint8_t build_id[sizeof(module.build_id)];
  const std::size_t length = object_.BuildId(build_id, sizeof(build_id));
  if (length != module.build_id_length) return false;
  if (length > 0) return std::memcmp(build_id, module.build_id, length) == 0;
  return object_.identity().inode == module.inode;
}

bool ModuleFile::HasDebugFile() {
  if (!looked_for_debug_) {
    looked_for_debug_ = true;
    has_debug_ =
        symbols::OpenDebugFile(object_, module_->path, symbols::kDebugRoot, checked_, &debug_);
  }
  return has_debug_;
}

const symbols::ElfFile& ModuleFile::Symbols() {
  if (object_.HasSymbolTable() || !HasDebugFile() || !debug_.HasSymbolTable()) return object_;
  return debug_;
}

ModuleFile::Lines ModuleFile::OpenLines(LineTable* table) {
  LineTable::State state = table->Open(object_);
  if (state == LineTable::State::kNone && HasDebugFile()) state = table->Open(debug_);
  if (state == LineTable::State::kNone) return Lines::kNone;
  if (state == LineTable::State::kCompressed || table->size() > kMaxLineBytes) {
    return Lines::kUnreadable;
  }
  return Lines::kReadable;
}

}  // namespace wrackline::preload
