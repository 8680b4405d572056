// JniLibrary: what one library exports of that which is called or looked up here. A member that was
// not found is null or kNoSlot, and what needs it is absent.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/cxx_strings.h"
#include "rocksdb_probe/jni/image.h"
#include "rocksdb_probe/jni/library.h"

namespace wrackline::rocksdb_jni {

// rocksdb::Slice.
struct Slice {
  const char* data;
  std::size_t size;
};

// rocksdb::Status as a function returns it: its first byte is the code, 0 for success; behind it the
// address of a text, of operator new[], that the receiver frees. With room for what a version adds.
// Returned in memory, because its destructor is somebody's.
struct StatusReturn {
  ~StatusReturn() {}
  unsigned char code = 1;
  unsigned char more[7] = {};
  void* text = nullptr;
  std::uint64_t room[6] = {};
};

// An object that a function returns whose size is not known here: room for several times the largest
// of any version, DBOptions with less than 2 KiB.
struct alignas(16) LargeReturn {
  ~LargeReturn() {}
  unsigned char bytes[8192];
};

// An empty std::unordered_map in libstdc++'s layout, which has not changed since GCC 5.
struct HashTable {
  struct Node {
    Node* next;
    // followed by the element and, for strings, its hash
  };
  void** buckets = &single;
  std::size_t bucket_count = 1;
  Node* first = nullptr;
  std::size_t element_count = 0;
  float max_load = 1.0F;
  std::size_t next_resize = 0;
  void* single = nullptr;
  std::uint64_t room[2] = {};

  HashTable() = default;
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;
  ~HashTable() {}
};

enum class BlockKind : std::uint8_t {
  kData,
  kIndex,
  kFilter,
  kBlob,
  kOther,
  kMemtables,    // a write buffer manager's reservation
  kReservation,  // for other memory that is not the cache's
};

struct JniLibrary {
  Image image;
  LibraryFacts facts{};
  StringFunctions strings;

  // The C API's; its handles are a pointer each.
  int (*property_int)(void* db, void* family, const char* name, std::uint64_t* value) = nullptr;

  // Slots of rocksdb::DB and ColumnFamilyHandle.
  Slot db_int_property = kNoSlot;      // bool (ColumnFamilyHandle*, const Slice&, uint64_t*)
  Slot db_name = kNoSlot;              // const std::string& () const
  Slot db_default_family = kNoSlot;    // ColumnFamilyHandle* () const
  Slot db_options = kNoSlot;           // DBOptions () const
  Slot db_session = kNoSlot;           // Status (std::string&) const
  Slot db_table_properties = kNoSlot;  // Status (ColumnFamilyHandle*, unordered_map*)
  Slot family_name = kNoSlot;          // const std::string& () const
  Slot family_id = kNoSlot;            // uint32_t () const
  Slot family_descriptor = kNoSlot;    // Status (ColumnFamilyDescriptor*)

  // Options.
  void (*construct_family_options)(void*) = nullptr;
  void (*destroy_family_options)(void*) = nullptr;
  void (*destroy_db_options)(void*) = nullptr;
  StatusReturn (*print_family_options)(void* string, const void* options,
                                       const void* delimiter) = nullptr;
  StatusReturn (*print_db_options)(void* string, const void* options,
                                   const void* delimiter) = nullptr;
  const void* table_factory = nullptr;  // the table of BlockBasedTableFactory
  void* (*factory_option)(const void* factory, const void* name) = nullptr;
  LargeReturn (*print_factory)(const void* factory) = nullptr;  // std::string () const

  // Caches.
  static constexpr std::size_t kCacheClasses = 12;
  const void* cache_classes[kCacheClasses] = {};  // their tables
  Slot cache_usage = kNoSlot;
  Slot cache_pinned = kNoSlot;
  Slot cache_capacity = kNoSlot;
  Slot cache_strict = kNoSlot;
  Slot cache_walk = kNoSlot;  // void (const std::function<...>&, const ApplyToAllEntriesOptions&)

  // Kinds of entries.
  static constexpr std::size_t kRoles = 32;
  BlockKind kinds[kRoles] = {};
  std::size_t role_count = 0;
  bool by_helper = false;       // else by deleter
  std::size_t role_offset = 0;  // in a helper
  HashTable (*deleter_roles)() = nullptr;
  void (*destroy_deleter_roles)(HashTable*) = nullptr;

  // Files.
  void (*base_key)(const void* properties, const void* session, std::uint64_t number, void* key,
                   bool* stable) = nullptr;
  void (*base_key_of_size)(const void* properties, const void* session, std::uint64_t number,
                           std::uint64_t size, void* key, bool* stable) = nullptr;
  void (*clear_properties)(HashTable*) = nullptr;

  // Write buffer managers.
  static constexpr std::size_t kManagerCounts = 4;
  const void* manager_counts[kManagerCounts] = {};  // tables of the counts of shared pointers
  bool manager_usage_known = false;                 // the third word
  bool manager_mutable_known = false;               // the fourth
  bool manager_reservation_known = false;           // the fifth
  std::size_t (*manager_reservation)(const void*) = nullptr;
  unsigned char (*manager_charges)(void* shared_pointer) = nullptr;  // the C API's

  void (*free_object)(void*) = nullptr;  // operator delete
  void (*free_array)(void*) = nullptr;   // operator delete[]

  template <typename Function>
  Function* Call(const void* object, Slot slot) const {
    return reinterpret_cast<Function*>(image.Virtual(object, slot));
  }
  // Frees its text.
  bool Succeeded(StatusReturn* status) const;
  bool IsCache(const void* object) const;
};

// Each fills its part of `library`, whose image is recognised.
void FindRoles(JniLibrary* library);    // roles.cc
void TryManagers(JniLibrary* library);  // write_buffer_manager.cc

// The WriteBufferManager that a copy of DBOptions names, if it is one that counts; nullptr: none.
void* FindManager(const JniLibrary& library, const void* options, std::size_t bytes);

}  // namespace wrackline::rocksdb_jni
