#include "rocksdb_probe/block_keys.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace wrackline::probe {
namespace exported {

// rocksdb::OffsetableCacheKey of 7.8 to 10.4: two 64-bit numbers, of which the first is the same for all
// blocks of a file (cache/cache_key.h). It is filled by RocksDB alone.
struct OpaqueKey {
  std::uint64_t words[2] = {};
};

// std::string in a symbol, in the old and the new form of its ABI: Java's libraries have the old one.
#if _GLIBCXX_USE_CXX11_ABI
#define WRACKLINE_STRING_SYMBOL "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#else
#define WRACKLINE_STRING_SYMBOL "Ss"
#endif

// The exported functions by their symbols. Weak: a library without them is linked all the same.
void SetupBaseCacheKey(const rocksdb::TableProperties*, const std::string&, std::uint64_t, OpaqueKey*, bool*) __asm__(
    "_ZN7rocksdb15BlockBasedTable17SetupBaseCacheKeyEPKNS_"
    "15TablePropertiesERK" WRACKLINE_STRING_SYMBOL "mPNS_18OffsetableCacheKeyEPb")
    __attribute__((weak));
#if ROCKSDB_MAJOR < 8
std::unordered_map<rocksdb::Cache::DeleterFn, rocksdb::CacheEntryRole>
CopyCacheDeleterRoleMap() __asm__("_ZN7rocksdb23CopyCacheDeleterRoleMapEv") __attribute__((weak));
#endif

}  // namespace exported

bool BlockKeysAreKnown() { return exported::SetupBaseCacheKey != nullptr; }

std::uint64_t BlockKeyPrefix(const rocksdb::TableProperties& properties, const std::string& session,
                             std::uint64_t file_number) {
  exported::OpaqueKey key;
  exported::SetupBaseCacheKey(&properties, session, file_number, &key, nullptr);
  return key.words[0];
}

std::uint64_t BlockKeyPrefixOfOwnFile(const std::string& db_id, const std::string& session,
                                      std::uint64_t file_number) {
  rocksdb::TableProperties properties;
  properties.db_id = db_id;
  properties.db_session_id = session;
  properties.orig_file_number = file_number;
  return BlockKeyPrefix(properties, session, file_number);
}

#if ROCKSDB_MAJOR < 8
BlockRoles::BlockRoles() {
  if (exported::CopyCacheDeleterRoleMap == nullptr) return;
  for (const auto& [kind, role] : exported::CopyCacheDeleterRoleMap())
    entries_.push_back({kind, role});
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.role < b.role; });
}
#endif

}  // namespace wrackline::probe
