// The VM's flags (-XX:...) as they are, with what the VM chose itself: read from its own table, which it describes for the
// serviceability agent in exported symbols (gHotSpotVMStructs). Nothing is called in the VM and nothing allocated.
//
//   VmFlags flags;
//   if (flags.Open()) flags.Number("MaxHeapSize");    // nothing: this VM has no such flag
#pragma once

#include <cstdint>
#include <optional>

namespace wrackline::preload {

class VmFlags {
 public:
  // False: no libjvm, or it describes its flags in another way.
  bool Open();

  // Of type size_t, uintx, uint64_t (8 bytes).
  std::optional<std::uint64_t> Number(const char* name) const;
  bool IsSet(const char* name) const;  // of type bool; false when there is none
  // Of type ccstr; nullptr: none, or not set.
  const char* Text(const char* name) const;

 private:
  const void* Find(const char* name) const;

  const char* flags_ = nullptr;
  std::uint64_t count_ = 0;
  std::uint64_t stride_ = 0, name_offset_ = 0, address_offset_ = 0;
};

}  // namespace wrackline::preload
