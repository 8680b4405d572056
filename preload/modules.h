// Loaded objects: which file an address belongs to.
//
// Found by reading /proc/self/maps and each object's ELF header through /proc/self/mem, not with
// dl_iterate_phdr: that takes the loader's lock, which a program thread inside dlopen holds while
// it runs constructors, for seconds at times. A read of a page that is unmapped meanwhile fails; it
// does not fault.
//
// ScanModules is slow (a read a mapping) and runs on the assistant thread; ModuleTable is the
// recorder thread's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/state_sink.h"

namespace wrackline::preload {

struct ModuleInfo {
  std::uint64_t start, end;  // first byte and one past the last byte of its segments
  std::uint64_t bias;        // address minus ELF virtual address
  std::uint64_t inode;
  std::uint8_t build_id[64];
  std::uint8_t build_id_length;  // 0: none
  char path[512];                // "[vdso]" for that one
};

struct ModuleScan {
  static constexpr std::uint32_t kCapacity = 4096;
  std::uint32_t count;
  std::uint32_t no_room;  // objects beyond kCapacity
  ModuleInfo modules[kCapacity];
};

// Finds every ELF object with executable pages in the process `pid` ("self" or digits, under
// /proc). What `before`, an earlier scan, has at the same address of the same file is taken from there and not read again: most of the
// cost. 0 or an errno value.
int ScanModules(const char* pid, ModuleScan* out, const ModuleScan* before = nullptr);

class ModuleTable {
 public:
  struct Module {
    ModuleInfo info;
    std::uint32_t id;
    bool loaded, unwritten, seen;
  };

  // 0 or an errno value.
  int Open();
  // Takes a scan over: new objects get an id, those that are gone are marked unloaded.
  void Merge(const ModuleScan& scan);
  // The loaded object that holds `address`, or nullptr.
  const Module* Find(std::uint64_t address) const;
  // nullptr: no such id.
  const Module* ById(std::uint32_t id) const {
    return id >= 1 && id <= count_ ? &modules_[id - 1] : nullptr;
  }
  std::uint64_t full() const { return full_; }

  // All modules are to be written again: the file is a new one.
  void NewFile();
  void PutChanges(StateSink& sink);
  // See recorder::EmitState; `*index` counts from 0.
  bool Emit(std::uint64_t* index, StateSink& sink) const;
  std::size_t resident_bytes() const;

 private:
  bool Put(const Module& module, StateSink& sink) const;

  static constexpr std::uint32_t kCapacity = ModuleScan::kCapacity;
  Module* modules_ = nullptr;            // in the order they were found; id is index + 1
  std::uint32_t* by_address_ = nullptr;  // indexes of the loaded ones
  std::uint32_t count_ = 0;
  std::uint32_t loaded_ = 0;
  std::uint64_t full_ = 0;
};

}  // namespace wrackline::preload
