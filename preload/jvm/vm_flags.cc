#include "preload/jvm/vm_flags.h"

#include <dlfcn.h>

#include <cstring>

namespace wrackline::preload {
namespace {

// More flags than any VM has (1,500 in JDK 17), and more entries than its tables.
constexpr std::uint64_t kMostFlags = 10'000, kMostEntries = 100'000;

template <typename T>
T ReadAt(const char* address, std::uint64_t offset) {
  T value;
  std::memcpy(&value, address + offset, sizeof(value));
  return value;
}

// One of the VM's exported variables, which tell the layout of its tables.
bool Exported(void* library, const char* name, std::uint64_t* value) {
  const void* at = dlsym(library, name);
  if (at == nullptr) return false;
  std::memcpy(value, at, sizeof(*value));
  return true;
}

struct Field {
  bool found = false;
  std::uint64_t offset = 0;
  const char* address = nullptr;  // of a static field
};

class Structs {
 public:
  bool Open(void* library) {
    std::uint64_t table = 0;
    if (!Exported(library, "gHotSpotVMStructs", &table) ||
        !Exported(library, "gHotSpotVMStructEntryTypeNameOffset", &type_) ||
        !Exported(library, "gHotSpotVMStructEntryFieldNameOffset", &field_) ||
        !Exported(library, "gHotSpotVMStructEntryOffsetOffset", &offset_) ||
        !Exported(library, "gHotSpotVMStructEntryAddressOffset", &address_) ||
        !Exported(library, "gHotSpotVMStructEntryArrayStride", &stride_) || stride_ == 0) {
      return false;
    }
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    table_ = reinterpret_cast<const char*>(table);
    return table_ != nullptr;
  }

  Field Find(const char* type, const char* field) const {
    const char* entry = table_;
    for (std::uint64_t i = 0; i < kMostEntries; ++i, entry += stride_) {
      const char* entry_type = ReadAt<const char*>(entry, type_);
      const char* entry_field = ReadAt<const char*>(entry, field_);
      if (entry_type == nullptr || entry_field == nullptr) break;  // the end
      if (std::strcmp(entry_type, type) != 0 || std::strcmp(entry_field, field) != 0) continue;
      return {true, ReadAt<std::uint64_t>(entry, offset_), ReadAt<const char*>(entry, address_)};
    }
    return {};
  }

 private:
  const char* table_ = nullptr;
  std::uint64_t type_ = 0, field_ = 0, offset_ = 0, address_ = 0, stride_ = 0;
};

bool SizeOfType(void* library, const char* type, std::uint64_t* size) {
  std::uint64_t table = 0, name_offset = 0, size_offset = 0, stride = 0;
  if (!Exported(library, "gHotSpotVMTypes", &table) ||
      !Exported(library, "gHotSpotVMTypeEntryTypeNameOffset", &name_offset) ||
      !Exported(library, "gHotSpotVMTypeEntrySizeOffset", &size_offset) ||
      !Exported(library, "gHotSpotVMTypeEntryArrayStride", &stride) || stride == 0 || table == 0) {
    return false;
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const char* entry = reinterpret_cast<const char*>(table);
  for (std::uint64_t i = 0; i < kMostEntries; ++i, entry += stride) {
    const char* name = ReadAt<const char*>(entry, name_offset);
    if (name == nullptr) return false;
    if (std::strcmp(name, type) != 0) continue;
    *size = ReadAt<std::uint64_t>(entry, size_offset);
    return *size != 0;
  }
  return false;
}

}  // namespace

bool VmFlags::Open() {
  void* library = dlopen("libjvm.so", RTLD_NOLOAD | RTLD_NOW);
  if (library == nullptr) return false;
  Structs structs;
  bool open = structs.Open(library);
  // The class was called Flag up to JDK 9.
  for (const char* type : {"JVMFlag", "Flag"}) {
    if (!open || flags_ != nullptr) break;
    const Field flags = structs.Find(type, "flags");
    const Field count = structs.Find(type, "numFlags");
    const Field name = structs.Find(type, "_name");
    const Field address = structs.Find(type, "_addr");
    if (!flags.found || !count.found || !name.found || !address.found || flags.address == nullptr ||
        count.address == nullptr || !SizeOfType(library, type, &stride_)) {
      continue;
    }
    name_offset_ = name.offset;
    address_offset_ = address.offset;
    count_ = ReadAt<std::uint64_t>(count.address, 0);
    flags_ = ReadAt<const char*>(flags.address, 0);
  }
  dlclose(library);
  open = flags_ != nullptr && count_ <= kMostFlags;
  if (!open) flags_ = nullptr;
  return open;
}

const void* VmFlags::Find(const char* name) const {
  if (flags_ == nullptr) return nullptr;
  for (std::uint64_t i = 0; i < count_; ++i) {
    const char* flag = flags_ + i * stride_;
    const char* flag_name = ReadAt<const char*>(flag, name_offset_);
    // The last one of the table has no name.
    if (flag_name != nullptr && std::strcmp(flag_name, name) == 0) {
      return ReadAt<const void*>(flag, address_offset_);
    }
  }
  return nullptr;
}

std::optional<std::uint64_t> VmFlags::Number(const char* name) const {
  const void* value = Find(name);
  if (value == nullptr) return std::nullopt;
  return ReadAt<std::uint64_t>(static_cast<const char*>(value), 0);
}

bool VmFlags::IsSet(const char* name) const {
  const void* value = Find(name);
  return value != nullptr && ReadAt<unsigned char>(static_cast<const char*>(value), 0) != 0;
}

const char* VmFlags::Text(const char* name) const {
  const void* value = Find(name);
  return value == nullptr ? nullptr : ReadAt<const char*>(static_cast<const char*>(value), 0);
}

}  // namespace wrackline::preload
