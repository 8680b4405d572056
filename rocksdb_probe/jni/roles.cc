#include "rocksdb_probe/jni/roles.h"

#include <cstring>

#include "rocksdb_probe/jni/guarded_read.h"

namespace wrackline::rocksdb_jni {
namespace {

// RocksDB's names of its roles, which say what a number means in this version.
struct RoleName {
  const char* name;
  BlockKind kind;
};
constexpr RoleName kRoleNames[] = {
    {"data-block", BlockKind::kData},
    {"filter-block", BlockKind::kFilter},
    {"filter-meta-block", BlockKind::kFilter},
    {"deprecated-filter-block", BlockKind::kFilter},
    {"index-block", BlockKind::kIndex},
    {"other-block", BlockKind::kOther},
    {"write-buffer", BlockKind::kMemtables},
    {"compression-dictionary-building-buffer", BlockKind::kReservation},
    {"filter-construction", BlockKind::kReservation},
    {"block-based-table-reader", BlockKind::kReservation},
    {"file-metadata", BlockKind::kReservation},
    {"blob-value", BlockKind::kBlob},
    {"blob-cache", BlockKind::kReservation},
    {"misc", BlockKind::kOther}};

// An array of std::string, or of const char* in the oldest: either begins with the address of its
// characters.
void ReadRoleNames(JniLibrary* library) {
  std::size_t bytes = 0;
  const auto* names = static_cast<const unsigned char*>(library->image.FindOwn(
      {"_ZN@29kCacheEntryRoleToHyphenStringE", "_ZN@29kCacheEntryRoleToHyphenStringB5cxx11E"},
      &bytes));
  const std::size_t stride = library->image.strings() == StringAbi::kOld ? 8 : 32;
  std::size_t count = bytes / stride;
  if (count > JniLibrary::kRoles) count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    char name[64] = {};
    const std::uintptr_t characters = GuardedWord(names + i * stride);
    // Short names may stand at the end of what is readable: one character at a time.
    for (std::size_t j = 0; characters != 0 && j < sizeof name - 1; ++j) {
      if (!GuardedRead(reinterpret_cast<const void*>(characters + j), name + j, 1)) break;
      if (name[j] == '\0') break;
    }
    library->kinds[i] = BlockKind::kOther;
    for (const RoleName& known : kRoleNames) {
      if (std::strcmp(known.name, name) == 0) library->kinds[i] = known.kind;
    }
  }
  library->role_count = count;
}

// What is read of a Cache::CacheItemHelper, of which functions come first.
struct HelperBytes {
  unsigned char bytes[40];
};

// Read with care: of two libraries with the same inline functions the one that was loaded first has
// the helpers of both.
bool ReadHelper(const void* helper, HelperBytes* out) {
  return helper != nullptr && GuardedRead(helper, out->bytes, sizeof out->bytes);
}

std::uint32_t RoleAt(const HelperBytes& helper, std::size_t offset) {
  std::uint32_t role = 0;
  std::memcpy(&role, helper.bytes + offset, sizeof role);
  return role;
}

// The place in a helper that tells its role, found on the library's own helpers for its types of
// blocks: data is the first type, a full filter the second, and an index comes later.
bool FindRoleOffset(JniLibrary* library) {
  auto* helper_for = reinterpret_cast<const void* (*)(unsigned, unsigned)>(
      library->image.FindOwn({"_ZN@18GetCacheItemHelperENS_9BlockTypeENS_9CacheTierE"}));
  if (helper_for == nullptr) return false;
  constexpr unsigned kTypes = 9;  // fewer than any version has
  HelperBytes helpers[kTypes];
  bool known[kTypes];
  for (unsigned type = 0; type < kTypes; ++type)
    known[type] = ReadHelper(helper_for(type, 0), &helpers[type]);
  if (!known[0] || !known[1]) return false;
  const auto kind = [&](unsigned type, std::size_t offset) {
    const std::uint32_t role = RoleAt(helpers[type], offset);
    return role < library->role_count ? library->kinds[role] : BlockKind::kMemtables;
  };
  for (std::size_t offset = 0; offset < sizeof(HelperBytes); offset += sizeof(void*)) {
    if (kind(0, offset) != BlockKind::kData || kind(1, offset) != BlockKind::kFilter) continue;
    bool all = true;
    for (unsigned type = 0; type < kTypes; ++type)
      all = all && (!known[type] || kind(type, offset) <= BlockKind::kOther);
    if (!all) continue;
    library->role_offset = offset;
    return true;
  }
  return false;
}

}  // namespace

void FindRoles(JniLibrary* library) {
  ReadRoleNames(library);
  const Image& image = library->image;
  if (library->by_helper) {
    if (!FindRoleOffset(library)) library->role_count = 0;
    return;
  }
  library->deleter_roles =
      reinterpret_cast<HashTable (*)()>(image.FindOwn({"_ZN@23CopyCacheDeleterRoleMapEv"}));
  library->destroy_deleter_roles = reinterpret_cast<void (*)(HashTable*)>(image.FindOwn(
      {"_ZNSt10_HashtableIPFvRKN@5SliceEPvESt4pairIKS6_NS0_14CacheEntryRoleEESaISA_ENSt8__"
       "detail10_Select1stESt8equal_toIS6_ESt4hashIS6_ENSC_18_Mod_range_hashingENSC_20_Default_"
       "ranged_hashENSC_20_Prime_rehash_policyENSC_17_Hashtable_traitsILb0ELb0ELb1EEEED1Ev"}));
}

EntryKinds::EntryKinds(const JniLibrary& library) : library_(library) {
  if (library.by_helper || library.role_count == 0 || library.deleter_roles == nullptr ||
      library.destroy_deleter_roles == nullptr)
    return;
  HashTable map = library.deleter_roles();
  // A node: the next one, the deleter, the role.
  struct Node {
    HashTable::Node* next;
    const void* deleter;
    std::uint32_t role;
  };
  std::size_t left = map.element_count < kEntries ? map.element_count : kEntries;
  for (const HashTable::Node* at = map.first; at != nullptr && left > 0; --left) {
    Node node;
    if (!GuardedRead(at, &node, sizeof node)) break;
    if (node.role < library.role_count)
      entries_[count_++] = {node.deleter, library.kinds[node.role]};
    at = node.next;
  }
  library.destroy_deleter_roles(&map);
}

BlockKind EntryKinds::Look(const void* by) {
  for (std::size_t i = 0; i < count_; ++i) {
    if (entries_[i].by == by) return entries_[i].kind;
  }
  return library_.by_helper ? Learn(by) : BlockKind::kOther;
}

BlockKind EntryKinds::Learn(const void* helper) {
  HelperBytes bytes;
  if (library_.role_count == 0 || !ReadHelper(helper, &bytes)) return BlockKind::kOther;
  const std::uint32_t role = RoleAt(bytes, library_.role_offset);
  const BlockKind kind = role < library_.role_count ? library_.kinds[role] : BlockKind::kOther;
  if (count_ < kEntries) entries_[count_++] = {helper, kind};
  return kind;
}

}  // namespace wrackline::rocksdb_jni
