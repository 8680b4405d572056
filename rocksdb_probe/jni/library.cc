#include "rocksdb_probe/jni/library.h"

#include <pthread.h>

#include <cstring>

#include "rocksdb_probe/jni/functions.h"
#include "rocksdb_probe/jni/guarded_read.h"

namespace wrackline::rocksdb_jni {
namespace {

#define OLD_MAP                                                                    \
  "St13unordered_mapISsSt10shared_ptrIKNS_15TablePropertiesEESt4hashISsESt8equal_" \
  "toISsESaISt4pairIKSsS7_EEE"
#define NEW_STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define NEW_MAP                                           \
  "St13unordered_mapI" NEW_STRING                         \
  "St10shared_ptrIKNS_15TablePropertiesEESt4hashIS9_ESt8" \
  "equal_toIS9_ESaISt4pairIKS9_SD_EEE"

constexpr MangledName kDb{"_ZTVN@6DBImplE"};
constexpr MangledName kFamily{"_ZTVN@22ColumnFamilyHandleImplE"};
constexpr MangledName kFactory{"_ZTVN@22BlockBasedTableFactoryE"};

template <typename Function>
void Set(Function** to, void* found) {
  *to = reinterpret_cast<Function*>(found);
}

void FindDatabases(JniLibrary* out) {
  const Image& image = out->image;
  Set(&out->property_int, image.FindOwn({"rocksdb_property_int_cf"}));
  out->db_int_property =
      image.FindSlot(kDb, {"_ZN@6DBImpl14GetIntPropertyEPNS_18ColumnFamilyHandleERKNS_5SliceEPm"});
  out->db_name = image.FindSlot(kDb, {"_ZNK@6DBImpl7GetNameEv", "_ZNK@6DBImpl7GetNameB5cxx11Ev"});
  out->db_default_family = image.FindSlot(kDb, {"_ZNK@6DBImpl19DefaultColumnFamilyEv"});
  out->db_options = image.FindSlot(kDb, {"_ZNK@6DBImpl12GetDBOptionsEv"});
  out->db_session = image.FindSlot(
      kDb, {"_ZNK@6DBImpl14GetDbSessionIdERSs", "_ZNK@6DBImpl14GetDbSessionIdER" NEW_STRING});
  out->db_table_properties = image.FindSlot(
      kDb, {"_ZN@6DBImpl24GetPropertiesOfAllTablesEPNS_18ColumnFamilyHandleEP" OLD_MAP,
            "_ZN@6DBImpl24GetPropertiesOfAllTablesEPNS_18ColumnFamilyHandleEP" NEW_MAP});
  out->family_name = image.FindSlot(kFamily, {"_ZNK@22ColumnFamilyHandleImpl7GetNameEv",
                                              "_ZNK@22ColumnFamilyHandleImpl7GetNameB5cxx11Ev"});
  out->family_id = image.FindSlot(kFamily, {"_ZNK@22ColumnFamilyHandleImpl5GetIDEv"});
  out->family_descriptor = image.FindSlot(
      kFamily, {"_ZN@22ColumnFamilyHandleImpl13GetDescriptorEPNS_22ColumnFamilyDescriptorE"});
}

void FindOptions(JniLibrary* out) {
  const Image& image = out->image;
  Set(&out->construct_family_options, image.FindOwn({"_ZN@19ColumnFamilyOptionsC1Ev"}));
  Set(&out->destroy_family_options, image.FindOwn({"_ZN@19ColumnFamilyOptionsD1Ev"}));
  Set(&out->destroy_db_options, image.FindOwn({"_ZN@9DBOptionsD1Ev"}));
  Set(&out->print_family_options,
      image.FindOwn({"_ZN@32GetStringFromColumnFamilyOptionsEPSsRKNS_19ColumnFamilyOptionsERKSs",
                     "_ZN@32GetStringFromColumnFamilyOptionsEP" NEW_STRING
                     "RKNS_19ColumnFamilyOptionsERKS5_"}));
  Set(&out->print_db_options,
      image.FindOwn({"_ZN@22GetStringFromDBOptionsEPSsRKNS_9DBOptionsERKSs",
                     "_ZN@22GetStringFromDBOptionsEP" NEW_STRING "RKNS_9DBOptionsERKS5_"}));
  out->table_factory = image.Table(kFactory);
  Set(&out->factory_option,
      image.FindOwn({"_ZNK@22BlockBasedTableFactory13GetOptionsPtrERKSs",
                     "_ZNK@22BlockBasedTableFactory13GetOptionsPtrERK" NEW_STRING}));
  void* print = image.FindOwn({"_ZNK@22BlockBasedTableFactory19GetPrintableOptionsEv",
                               "_ZNK@22BlockBasedTableFactory19GetPrintableOptionsB5cxx11Ev"});
  if (print == nullptr)
    print = image.FindOwn({"_ZNK@22BlockBasedTableFactory24GetPrintableTableOptionsEv"});
  Set(&out->print_factory, print);
}

// The slot of one of Cache's functions: `suffix` behind the class that implements it.
Slot FindCacheSlot(const Image& image, const char* prefix, const char* suffix) {
  static constexpr MangledName kTables[] = {{"_ZTVN@9lru_cache8LRUCacheE"}, {"_ZTVN@8LRUCacheE"}};
  static constexpr const char* kClasses[] = {"@12ShardedCacheINS_9lru_cache13LRUCacheShardEE",
                                             "@16ShardedCacheBase", "@12ShardedCache"};
  for (const MangledName& table : kTables) {
    for (const char* of_class : kClasses) {
      char name[256];
      CopyText({prefix, std::strlen(prefix)}, name, sizeof name);
      std::strncat(name, of_class, sizeof name - std::strlen(name) - 1);
      std::strncat(name, suffix, sizeof name - std::strlen(name) - 1);
      const Slot slot = image.FindSlot(table, {name});
      if (slot != kNoSlot) return slot;
    }
  }
  return kNoSlot;
}

void FindCaches(JniLibrary* out) {
  const Image& image = out->image;
  static constexpr const char* kClasses[] = {"_ZTVN@8LRUCacheE",
                                             "_ZTVN@9lru_cache8LRUCacheE",
                                             "_ZTVN@14fast_lru_cache8LRUCacheE",
                                             "_ZTVN@17hyper_clock_cache15HyperClockCacheE",
                                             "_ZTVN@11clock_cache10ClockCacheE",
                                             "_ZTVN@11clock_cache15HyperClockCacheE",
                                             "_ZTVN@11clock_cache19AutoHyperClockCacheE",
                                             "_ZTVN@11clock_cache20FixedHyperClockCacheE",
                                             "_ZTVN@25CacheWithSecondaryAdapterE",
                                             "_ZTVN@12ChargedCacheE"};
  static_assert(sizeof kClasses / sizeof *kClasses <= JniLibrary::kCacheClasses);
  std::size_t known = 0;
  for (const char* name : kClasses) {
    if (const void* table = image.Table({name})) out->cache_classes[known++] = table;
  }
  out->cache_usage = FindCacheSlot(image, "_ZNK", "8GetUsageEv");
  out->cache_pinned = FindCacheSlot(image, "_ZNK", "14GetPinnedUsageEv");
  out->cache_capacity = FindCacheSlot(image, "_ZNK", "11GetCapacityEv");
  out->cache_strict = FindCacheSlot(image, "_ZNK", "22HasStrictCapacityLimitEv");
  // What the names say of the function to be called for an entry: with a deleter (two spellings,
  // for a plain class and one of a template), or with a helper.
  static constexpr const char* kByDeleter[] = {
      "17ApplyToAllEntriesERKSt8functionIFvRKNS_5SliceEPvmPFvS4_S5_EEERKNS_5Cache24"
      "ApplyToAllEntriesOptionsE",
      "17ApplyToAllEntriesERKSt8functionIFvRKNS_5SliceEPvmPFvS7_S8_EEERKNS_5Cache24"
      "ApplyToAllEntriesOptionsE"};
  static constexpr const char* kByHelper[] = {
      "17ApplyToAllEntriesERKSt8functionIFvRKNS_5SliceEPvmPKNS_5Cache15CacheItemHelperEEE"
      "RKNS9_24ApplyToAllEntriesOptionsE",
      "17ApplyToAllEntriesERKSt8functionIFvRKNS_5SliceEPvmPKNS_5Cache15CacheItemHelperEEE"
      "RKNS6_24ApplyToAllEntriesOptionsE"};
  for (const char* suffix : kByHelper) {
    if (out->cache_walk == kNoSlot) out->cache_walk = FindCacheSlot(image, "_ZN", suffix);
  }
  out->by_helper = out->cache_walk != kNoSlot;
  for (const char* suffix : kByDeleter) {
    if (out->cache_walk == kNoSlot) out->cache_walk = FindCacheSlot(image, "_ZN", suffix);
  }
}

void FindFiles(JniLibrary* out) {
  const Image& image = out->image;
  Set(&out->base_key,
      image.FindOwn({"_ZN@15BlockBasedTable17SetupBaseCacheKeyEPKNS_15TablePropertiesERKSsmPNS_18"
                     "OffsetableCacheKeyEPb",
                     "_ZN@15BlockBasedTable17SetupBaseCacheKeyEPKNS_15TablePropertiesERK" NEW_STRING
                     "mPNS_18OffsetableCacheKeyEPb"}));
  Set(&out->base_key_of_size,
      image.FindOwn({"_ZN@15BlockBasedTable17SetupBaseCacheKeyEPKNS_15TablePropertiesERKSsmmPNS_18"
                     "OffsetableCacheKeyEPb"}));
  Set(&out->clear_properties,
      image.FindOwn(
          {"_ZNSt10_HashtableISsSt4pairIKSsSt10shared_ptrIKN@15TablePropertiesEEESaIS7_ENSt8__"
           "detail10_Select1stESt8equal_toISsESt4hashISsENS9_18_Mod_range_hashingENS9_20_Default_"
           "ranged_hashENS9_20_Prime_rehash_policyENS9_17_Hashtable_traitsILb1ELb0ELb1EEEE5clearEv",
           "_ZNSt10_HashtableI" NEW_STRING
           "St4pairIKS5_St10shared_ptrIKN@15TablePropertiesEEESaISD_ENSt8__detail10_Select1stESt8"
           "equal_toIS5_ESt4hashIS5_ENSF_18_Mod_range_hashingENSF_20_Default_ranged_hashENSF_20_"
           "Prime_rehash_policyENSF_17_Hashtable_traitsILb1ELb0ELb1EEEE5clearEv"}));
}

void FindVersion(JniLibrary* out) {
  auto* version = reinterpret_cast<LargeReturn (*)(bool)>(out->image.FindOwn(
      {"_ZN@23GetRocksVersionAsStringEb", "_ZN@23GetRocksVersionAsStringB5cxx11Eb"}));
  if (version == nullptr) return;
  LargeReturn text{version(true)};
  CopyText(ViewOf(out->image.strings(), text.bytes), out->facts.version, sizeof out->facts.version);
  out->strings.destroy(text.bytes);
}

const char* WhyNoSplit(const JniLibrary& library) {
  if (library.cache_walk == kNoSlot) return "this version does not show the keys of its cache";
  if (library.base_key == nullptr && library.base_key_of_size == nullptr)
    return "this version does not tell which keys are a file's";
  if (library.db_table_properties == kNoSlot || library.clear_properties == nullptr ||
      library.db_session == kNoSlot || library.free_object == nullptr)
    return "this build does not export what names a family's files";
  return nullptr;
}

bool Fill(const void* code, JniLibrary* out, const char** why) {
  if (!out->image.Open(code)) {
    *why = "no loaded library has this address";
    return false;
  }
  if (!out->image.Recognise() || !out->strings.Find(out->image)) {
    *why = "this library exports no RocksDB";
    out->image.Close();
    return false;
  }
  Set(&out->free_object, out->image.FindUsed("_ZdlPv"));
  Set(&out->free_array, out->image.FindUsed("_ZdaPv"));
  FindDatabases(out);
  if (out->property_int == nullptr && out->db_int_property == kNoSlot) {
    *why = "this RocksDB exports no way to its figures";
    out->image.Close();
    return false;
  }
  FindOptions(out);
  FindCaches(out);
  FindFiles(out);
  FindRoles(out);
  TryManagers(out);
  FindVersion(out);
  out->facts.forst = out->image.forst();
  out->facts.why_no_split = WhyNoSplit(*out);
  out->facts.can_split = out->facts.why_no_split == nullptr;
  return true;
}

constexpr std::size_t kLibraries = 16;
pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
std::size_t g_count = 0;
alignas(JniLibrary) unsigned char g_libraries[kLibraries][sizeof(JniLibrary)];

JniLibrary* At(std::size_t index) { return reinterpret_cast<JniLibrary*>(g_libraries[index]); }

const JniLibrary* FindOrFill(const void* code, const char** why) {
  for (std::size_t i = 0; i < g_count; ++i) {
    if (At(i)->image.Contains(code)) return At(i);
  }
  if (g_count == kLibraries) {
    *why = "more RocksDB libraries than this keeps in mind";
    return nullptr;
  }
  JniLibrary library;
  if (!Fill(code, &library, why)) return nullptr;
  std::memcpy(g_libraries[g_count], &library, sizeof library);
  return At(g_count++);
}

}  // namespace

bool JniLibrary::Succeeded(StatusReturn* status) const {
  if (status->text != nullptr && free_array != nullptr) free_array(status->text);
  status->text = nullptr;
  return status->code == 0;
}

bool JniLibrary::IsCache(const void* object) const {
  const auto table = reinterpret_cast<const void*>(GuardedWord(object));
  if (table == nullptr) return false;
  for (const void* known : cache_classes) {
    if (known == table) return true;
  }
  return false;
}

const JniLibrary* FindJniLibrary(const void* code, const char** why) {
  pthread_mutex_lock(&g_mutex);
  const JniLibrary* found = FindOrFill(code, why);
  pthread_mutex_unlock(&g_mutex);
  return found;
}

const LibraryFacts& Facts(const JniLibrary& library) { return library.facts; }

}  // namespace wrackline::rocksdb_jni
