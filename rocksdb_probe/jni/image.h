// Image: one loaded library, its exported names and its classes' tables of virtual functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::rocksdb_jni {

// How this library's std::string looks: a pointer to counted characters ("old", still that of the
// JNI libraries up to 10), or pointer, length and small buffer.
enum class StringAbi : std::uint8_t { kOld, kNew };

// A name as two compilers' settings mangle it; "@" stands for the namespace, "7rocksdb" or
// "7forstdb". Names without strings are the same in both: give `old_abi` alone.
struct MangledName {
  const char* old_abi;
  const char* new_abi = nullptr;
};

// Where a virtual function is in its class's table: not known is -1.
using Slot = int;
constexpr Slot kNoSlot = -1;

class Image {
 public:
  // The library that has `code` in it. Keeps it loaded. False: there is none.
  bool Open(const void* code);
  // Chooses the namespace and the string by what is exported; false: this is no RocksDB.
  bool Recognise();
  // Lets go of the library; the names found are no longer to be used.
  void Close();

  const void* base() const { return base_; }
  StringAbi strings() const { return strings_; }
  bool forst() const { return forst_; }

  // The address of an exported name of this library or of one it needs; nullptr: none.
  void* Find(const MangledName& name) const;
  // The same, and it must be in this library. `bytes` gets the size that its symbol tells.
  void* FindOwn(const MangledName& name, std::size_t* bytes = nullptr) const;
  // What the program and then the library call by this name: operator delete may be a hook's.
  void* FindUsed(const char* name) const;

  // The address that an object of this class begins with; nullptr: not exported.
  const void* Table(const MangledName& table_name) const;
  // Where `function` is in the table of the class that implements it.
  Slot FindSlot(const MangledName& table_name, const MangledName& function) const;
  // The function in `object`'s own table. nullptr: `object` is unreadable, or its table or the
  // function is none of this library's.
  void* Virtual(const void* object, Slot slot) const;

  bool Contains(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= begin_ && at < end_;
  }
  bool IsCode(const void* address) const {
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    return at >= code_begin_ && at < code_end_;
  }

 private:
  void* handle_ = nullptr;
  const void* base_ = nullptr;
  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
  std::uintptr_t code_begin_ = 0;
  std::uintptr_t code_end_ = 0;
  StringAbi strings_ = StringAbi::kOld;
  bool forst_ = false;
};

}  // namespace wrackline::rocksdb_jni
