#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "rocksdb_probe/jni/functions.h"
#include "rocksdb_probe/jni/guarded_read.h"
#include "rocksdb_probe/jni/library.h"
#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {
namespace {

// Of "/folder/000123.sst"; 0: no file's name.
std::uint64_t NumberOf(StringView path) {
  std::size_t at = path.size;
  while (at > 0 && path.data[at - 1] != '/') --at;
  std::uint64_t number = 0;
  for (; at < path.size && path.data[at] >= '0' && path.data[at] <= '9'; ++at) {
    if (__builtin_mul_overflow(number, std::uint64_t{10}, &number) ||
        __builtin_add_overflow(number, static_cast<std::uint64_t>(path.data[at] - '0'), &number))
      return 0;
  }
  return number;
}

// Where files of a session have the same first eight bytes: what of the next eight is the file's.
// The rest is the block's offset, of 40 bits for files below 4 TiB.
constexpr std::uint64_t kFileBits = ~((std::uint64_t{1} << 40) - 1);

FileKey KeyOf(const JniLibrary& library, const void* properties, const void* session,
              std::uint64_t number) {
  std::uint64_t key[8] = {};
  bool stable = false;
  if (library.base_key != nullptr) {
    library.base_key(properties, session, number, key, &stable);
    return {key[0], 0};
  }
  library.base_key_of_size(properties, session, number, std::uint64_t{1} << 32, key, &stable);
  return {key[0], key[1] & kFileBits};
}

// A node of std::unordered_map<std::string, std::shared_ptr<const TableProperties>>: its link, the
// path, the address of the properties.
struct TableNode {
  const HashTable::Node* next;
  StringView path;
  const void* properties;
};

bool ReadNode(StringAbi abi, const HashTable::Node* at, TableNode* out) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(at);
  const std::size_t path_bytes = abi == StringAbi::kOld ? 8 : 32;
  if (!GuardedRead(at, &out->next, sizeof(void*))) return false;
  out->path = ViewOf(abi, bytes + sizeof *at);
  out->properties = reinterpret_cast<const void*>(GuardedWord(bytes + sizeof *at + path_bytes));
  return GuardedWord(out->properties) != 0;
}

}  // namespace

void FamilyFiles::Forget() {
  if (keys_ != nullptr) munmap(keys_, mapped_);
  keys_ = nullptr;
  size_ = mapped_ = 0;
  version_ = 0;
}

bool FamilyFiles::Refresh(const JniLibrary& library, const Family& family) {
  if (!library.facts.can_split) return false;
  const Figure version = ReadProperty(library, family, "rocksdb.current-super-version-number");
  if (version && *version == version_ && keys_ != nullptr) return true;
  auto* get_session = library.Call<StatusReturn(const void*, void*)>(family.db, library.db_session);
  auto* get_all =
      library.Call<StatusReturn(void*, void*, void*)>(family.db, library.db_table_properties);
  if (get_session == nullptr || get_all == nullptr) return false;
  const StringAbi abi = library.image.strings();
  OutputString session(abi, library.strings);
  StatusReturn status = get_session(family.db, session.address());
  if (!library.Succeeded(&status)) return false;

  HashTable tables;
  StatusReturn listed = get_all(family.db, family.handle, &tables);
  bool whole = library.Succeeded(&listed);
  if (whole) {
    // At least a page, so that "no files" is known too.
    const std::size_t bytes = (tables.element_count + 1) * sizeof(FileKey);
    auto* keys = static_cast<FileKey*>(MapPages(bytes));
    std::size_t count = 0;
    const HashTable::Node* at = tables.first;
    whole = keys != nullptr;
    while (whole && at != nullptr && count < tables.element_count) {
      TableNode node;
      whole = ReadNode(abi, at, &node);
      const std::uint64_t number = whole ? NumberOf(node.path) : 0;
      whole = number != 0;
      if (!whole) break;
      keys[count++] = KeyOf(library, node.properties, session.address(), number);
      at = node.next;
    }
    whole = whole && at == nullptr && count == tables.element_count;
    if (whole) {
      Forget();
      keys_ = keys;
      size_ = count;
      mapped_ = bytes;
      version_ = version.value_or(0);
    } else if (keys != nullptr) {
      munmap(keys, bytes);
    }
  }
  library.clear_properties(&tables);
  if (tables.buckets != &tables.single) library.free_object(tables.buckets);
  return whole;
}

}  // namespace wrackline::rocksdb_jni
