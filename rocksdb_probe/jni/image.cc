#include "rocksdb_probe/jni/image.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <cstring>
#include <initializer_list>

#include "rocksdb_probe/jni/guarded_read.h"

namespace wrackline::rocksdb_jni {
namespace {

constexpr std::size_t kLongestName = 640;

// The name with its namespace. False: too long.
bool Spell(const char* pattern, bool forst, char* out) {
  std::size_t used = 0;
  for (; *pattern != '\0'; ++pattern) {
    const char* text = *pattern == '@' ? (forst ? "7forstdb" : "7rocksdb") : pattern;
    const std::size_t length = *pattern == '@' ? 8 : 1;
    if (used + length >= kLongestName) return false;
    std::memcpy(out + used, text, length);
    used += length;
  }
  out[used] = '\0';
  return true;
}

}  // namespace

bool Image::Open(const void* code) {
  *this = Image{};
  Dl_info info;
  if (code == nullptr || dladdr(code, &info) == 0 || info.dli_fname == nullptr) return false;
  handle_ = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (handle_ == nullptr) return false;
  // Not another object of that name: a library may be loaded once more from elsewhere.
  link_map* map = nullptr;
  if (dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr ||
      reinterpret_cast<const void*>(map->l_addr) != info.dli_fbase) {
    Close();
    return false;
  }
  base_ = info.dli_fbase;
  const auto base = reinterpret_cast<std::uintptr_t>(base_);
  ElfW(Ehdr) header;
  if (!GuardedRead(base_, &header, sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_phentsize != sizeof(ElfW(Phdr))) {
    Close();
    return false;
  }
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) segment;
    if (!GuardedRead(reinterpret_cast<const void*>(base + header.e_phoff + i * sizeof segment),
                     &segment, sizeof segment))
      break;
    if (segment.p_type != PT_LOAD) continue;
    const std::uintptr_t begin = base + segment.p_vaddr;
    const std::uintptr_t end = begin + segment.p_memsz;
    if (begin_ == 0 || begin < begin_) begin_ = begin;
    if (end > end_) end_ = end;
    if ((segment.p_flags & PF_X) == 0) continue;
    if (code_begin_ == 0 || begin < code_begin_) code_begin_ = begin;
    if (end > code_end_) code_end_ = end;
  }
  return true;
}

void Image::Close() {
  if (handle_ != nullptr) dlclose(handle_);
  *this = Image{};
}

bool Image::Recognise() {
  static constexpr MangledName kName{"_ZNK@22ColumnFamilyHandleImpl7GetNameEv",
                                     "_ZNK@22ColumnFamilyHandleImpl7GetNameB5cxx11Ev"};
  for (const bool forst : {false, true}) {
    for (const StringAbi strings : {StringAbi::kOld, StringAbi::kNew}) {
      forst_ = forst;
      strings_ = strings;
      if (FindOwn(kName) != nullptr) return true;
    }
  }
  return false;
}

void* Image::Find(const MangledName& name) const {
  const char* pattern =
      strings_ == StringAbi::kNew && name.new_abi != nullptr ? name.new_abi : name.old_abi;
  char spelled[kLongestName];
  return Spell(pattern, forst_, spelled) ? dlsym(handle_, spelled) : nullptr;
}

void* Image::FindOwn(const MangledName& name, std::size_t* bytes) const {
  void* found = Find(name);
  if (found == nullptr || !Contains(found)) return nullptr;
  if (bytes != nullptr) {
    Dl_info info;
    void* extra = nullptr;
    *bytes = 0;
    if (dladdr1(found, &info, &extra, RTLD_DL_SYMENT) != 0 && extra != nullptr &&
        info.dli_saddr == found)
      *bytes = static_cast<const ElfW(Sym)*>(extra)->st_size;
  }
  return found;
}

void* Image::FindUsed(const char* name) const {
  void* found = dlsym(RTLD_DEFAULT, name);
  return found != nullptr ? found : dlsym(handle_, name);
}

const void* Image::Table(const MangledName& table_name) const {
  void* const* table = static_cast<void* const*>(FindOwn(table_name));
  return table == nullptr ? nullptr : table + 2;  // behind the offset to the top and the type
}

Slot Image::FindSlot(const MangledName& table_name, const MangledName& function) const {
  std::size_t bytes = 0;
  void* const* table = static_cast<void* const*>(FindOwn(table_name, &bytes));
  const void* wanted = FindOwn(function);
  if (table == nullptr || wanted == nullptr) return kNoSlot;
  Slot found = kNoSlot;
  for (std::size_t i = 2; i < bytes / sizeof(void*); ++i) {
    if (table[i] != wanted) continue;
    if (found != kNoSlot) return kNoSlot;  // two of them: which one is not told
    found = static_cast<Slot>(i - 2);
  }
  return found;
}

void* Image::Virtual(const void* object, Slot slot) const {
  if (slot < 0) return nullptr;
  const auto* table = reinterpret_cast<const void* const*>(GuardedWord(object));
  if (table == nullptr || !Contains(table) || !Contains(table + slot)) return nullptr;
  const void* function = table[slot];
  return IsCode(function) ? const_cast<void*>(function) : nullptr;
}

}  // namespace wrackline::rocksdb_jni
