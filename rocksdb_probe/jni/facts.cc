#include <sys/mman.h>

#include <cstring>
#include <new>

#include "rocksdb_probe/jni/functions.h"
#include "rocksdb_probe/jni/guarded_read.h"
#include "rocksdb_probe/jni/library.h"
#include "rocksdb_probe/jni/option_text.h"
#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {
namespace {

// A rocksdb::ColumnFamilyDescriptor: the family's name and a copy of its options, made by RocksDB in
// memory of ours. Zero pages, so that what RocksDB wrote can be told.
constexpr std::size_t kDescriptorBytes = 16384;

std::size_t NameBytes(const JniLibrary& library) {
  return library.image.strings() == StringAbi::kOld ? 8 : 32;
}

unsigned char* OptionsIn(const JniLibrary& library, void* descriptor) {
  return static_cast<unsigned char*>(descriptor) + NameBytes(library);
}

void* MakeDescriptor(const JniLibrary& library, void* handle) {
  auto* describe = library.Call<StatusReturn(void*, void*)>(handle, library.family_descriptor);
  if (describe == nullptr || library.construct_family_options == nullptr ||
      library.destroy_family_options == nullptr)
    return nullptr;
  void* descriptor = MapPages(kDescriptorBytes);
  if (descriptor == nullptr) return nullptr;
  library.strings.construct(descriptor);
  library.construct_family_options(OptionsIn(library, descriptor));
  StatusReturn status = describe(handle, descriptor);
  if (library.Succeeded(&status)) return descriptor;
  library.destroy_family_options(OptionsIn(library, descriptor));
  library.strings.destroy(descriptor);
  munmap(descriptor, kDescriptorBytes);
  return nullptr;
}

void FreeDescriptor(const JniLibrary& library, void* descriptor) {
  library.destroy_family_options(OptionsIn(library, descriptor));
  library.strings.destroy(descriptor);
  munmap(descriptor, kDescriptorBytes);
}

// The first word in `object` that is an object for which `is` holds.
template <typename Is>
void* FindMember(const void* object, std::size_t bytes, Is is) {
  for (std::size_t at = 0; at + sizeof(void*) <= bytes; at += sizeof(void*)) {
    void* word = nullptr;
    std::memcpy(&word, static_cast<const unsigned char*>(object) + at, sizeof word);
    const auto value = reinterpret_cast<std::uintptr_t>(word);
    if (value < 65536 || value % alignof(void*) != 0) continue;
    if (is(word)) return word;
  }
  return nullptr;
}

void* FindFactory(const JniLibrary& library, const void* descriptor) {
  if (library.table_factory == nullptr) return nullptr;
  return FindMember(descriptor, kDescriptorBytes, [&](const void* word) {
    return reinterpret_cast<const void*>(GuardedWord(word)) == library.table_factory;
  });
}

// What a block table factory prints of its options, a line each.
class FactoryText {
 public:
  FactoryText(const JniLibrary& library, const void* factory)
      : library_(library), text_(library.print_factory(factory)) {}
  ~FactoryText() { library_.strings.destroy(text_.bytes); }
  FactoryText(const FactoryText&) = delete;
  FactoryText& operator=(const FactoryText&) = delete;
  std::optional<std::int64_t> Get(const char* option) const {
    return NumberOption(ViewOf(library_.image.strings(), text_.bytes), option, ':');
  }
  std::optional<bool> Flag(const char* option) const {
    const auto number = Get(option);
    return number ? std::optional<bool>(*number != 0) : std::nullopt;
  }

 private:
  const JniLibrary& library_;
  LargeReturn text_;
};

// The Cache of a block table factory; nullptr: it has none.
void* BlockCacheOf(const JniLibrary& library, void* factory) {
  void* cache = nullptr;
  if (library.factory_option != nullptr) {
    const InputString name(library.image.strings(), "BlockCache");
    cache = library.factory_option(factory, name.address());
  } else if (library.print_factory != nullptr) {
    const FactoryText text(library, factory);
    const auto address = text.Get("block_cache");
    if (address && text.Flag("no_block_cache") == false)
      cache = reinterpret_cast<void*>(static_cast<std::uintptr_t>(*address));
  }
  return library.IsCache(cache) ? cache : nullptr;
}

void ReadTableOptions(const JniLibrary& library, const void* factory, FamilyFacts* out) {
  if (library.print_factory == nullptr) return;
  const FactoryText text(library, factory);
  out->cache_index_and_filter_blocks = text.Flag("cache_index_and_filter_blocks");
  out->pin_l0_filter_and_index_blocks_in_cache =
      text.Flag("pin_l0_filter_and_index_blocks_in_cache");
  out->partition_filters = text.Flag("partition_filters");
  constexpr int kTwoLevelIndexSearch = 2;  // of BlockBasedTableOptions::IndexType, in all versions
  if (const auto index = text.Get("index_type"))
    out->partitioned_index = *index == kTwoLevelIndexSearch;
}

void* BlobCacheOf(const JniLibrary& library, void* descriptor) {
  // The options name no other Cache.
  return FindMember(OptionsIn(library, descriptor), kDescriptorBytes - NameBytes(library),
                    [&](const void* word) { return library.IsCache(word); });
}

Figure NotNegative(std::optional<std::int64_t> number) {
  return number && *number >= 0 ? Figure(static_cast<std::uint64_t>(*number)) : Figure();
}

void ReadFamilyOptions(const JniLibrary& library, void* descriptor, FamilyFacts* out) {
  if (library.print_family_options == nullptr) return;
  OutputString text(library.image.strings(), library.strings);
  const InputString delimiter(library.image.strings(), ";");
  StatusReturn status = library.print_family_options(text.address(), OptionsIn(library, descriptor),
                                                     delimiter.address());
  if (!library.Succeeded(&status)) return;
  const StringView view = text.view();
  out->write_buffer_size = NotNegative(NumberOption(view, "write_buffer_size"));
  out->max_write_buffer_number = NotNegative(NumberOption(view, "max_write_buffer_number"));
  out->min_write_buffer_number_to_merge =
      NotNegative(NumberOption(view, "min_write_buffer_number_to_merge"));
  out->max_write_buffer_size_to_maintain =
      NotNegative(NumberOption(view, "max_write_buffer_size_to_maintain"));
  out->arena_block_size = NotNegative(NumberOption(view, "arena_block_size"));
}

}  // namespace

bool ReadFamilyName(const JniLibrary& library, void* handle, std::uint32_t* id, char* name,
                    std::size_t size) {
  auto* get_id = library.Call<std::uint32_t(const void*)>(handle, library.family_id);
  auto* get_name = library.Call<const void*(const void*)>(handle, library.family_name);
  if (get_id == nullptr || get_name == nullptr) return false;
  *id = get_id(handle);
  CopyText(ViewOf(library.image.strings(), get_name(handle)), name, size);
  return true;
}

bool ReadFamilyFacts(const JniLibrary& library, void* handle, FamilyFacts* out) {
  *out = {};
  if (!ReadFamilyName(library, handle, &out->id, out->name, sizeof out->name)) return false;
  void* descriptor = MakeDescriptor(library, handle);
  if (descriptor == nullptr) return true;
  void* factory = FindFactory(library, descriptor);
  if (factory != nullptr) {
    out->block_cache = BlockCacheOf(library, factory);
    ReadTableOptions(library, factory, out);
  }
  out->blob_cache = BlobCacheOf(library, descriptor);
  ReadFamilyOptions(library, descriptor, out);
  FreeDescriptor(library, descriptor);
  return true;
}

bool Hold(const JniLibrary& library, void* handle, Held* out) {
  *out = {};
  void* descriptor = MakeDescriptor(library, handle);
  if (descriptor == nullptr) return false;
  void* factory = FindFactory(library, descriptor);
  out->block_cache = factory == nullptr ? nullptr : BlockCacheOf(library, factory);
  out->blob_cache = BlobCacheOf(library, descriptor);
  out->copy = descriptor;
  return true;
}

void Release(const JniLibrary& library, Held* held) {
  if (held->copy != nullptr) FreeDescriptor(library, held->copy);
  *held = {};
}

bool ReadDatabaseFacts(const JniLibrary& library, void* db, DatabaseFacts* out) {
  *out = {};
  auto* name = library.Call<const void*(const void*)>(db, library.db_name);
  if (name == nullptr) return false;
  const StringAbi abi = library.image.strings();
  CopyText(ViewOf(abi, name(db)), out->path, sizeof out->path);
  auto* get = library.Call<LargeReturn(const void*)>(db, library.db_options);
  if (get == nullptr || library.destroy_db_options == nullptr) return true;
  void* room = MapPages(sizeof(LargeReturn));
  if (room == nullptr) return true;
  auto* options = new (room) LargeReturn(get(db));
  out->write_buffer_manager = FindManager(library, options->bytes, sizeof options->bytes);
  out->row_cache = FindMember(options->bytes, sizeof options->bytes,
                              [&](const void* word) { return library.IsCache(word); });
  if (library.print_db_options != nullptr) {
    OutputString text(abi, library.strings);
    const InputString delimiter(abi, ";");
    StatusReturn status =
        library.print_db_options(text.address(), options->bytes, delimiter.address());
    if (library.Succeeded(&status)) {
      out->max_open_files = NumberOption(text.view(), "max_open_files");
      out->writable_file_max_buffer_size =
          NotNegative(NumberOption(text.view(), "writable_file_max_buffer_size"));
    }
  }
  library.destroy_db_options(options->bytes);
  munmap(room, sizeof(LargeReturn));
  return true;
}

}  // namespace wrackline::rocksdb_jni
