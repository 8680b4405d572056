#include <cstring>

#include "rocksdb_probe/jni/functions.h"
#include "rocksdb_probe/jni/library.h"
#include "rocksdb_probe/jni/roles.h"
#include "rocksdb_probe/jni/walk_trail.h"

namespace wrackline::rocksdb_jni {
namespace {

struct Walk {
  const OwnerTable* owners;
  BlockBytes* by_owner;
  std::size_t owner_count;
  CacheSplit* split;
  EntryKinds* kinds;
  TrailFollower* trail;
  bool session_keys;  // a file's key has a second part
  bool misunderstood = false;
};

constexpr std::uint64_t kFileBits = ~((std::uint64_t{1} << 40) - 1);

std::uint64_t* Part(BlockBytes* bytes, BlockKind kind) {
  switch (kind) {
    case BlockKind::kData:
      return &bytes->data;
    case BlockKind::kIndex:
      return &bytes->index;
    case BlockKind::kFilter:
      return &bytes->filter;
    case BlockKind::kBlob:
      return &bytes->blob;
    default:
      return &bytes->other;
  }
}

void Count(Walk* walk, const Slice& key, std::size_t charge, const void* by) {
  CacheSplit& split = *walk->split;
  ++split.entries;
  split.charged += charge;
  const BlockKind kind = walk->kinds->Of(by);
  FileKey file{};
  if (key.size >= 2 * sizeof file.first) {
    std::memcpy(&file.first, key.data, sizeof file.first);
    if (walk->session_keys) {
      std::memcpy(&file.rest, key.data + sizeof file.first, sizeof file.rest);
      file.rest &= kFileBits;
    }
  }
  if (kind == BlockKind::kMemtables) {
    split.memtable_reservations += charge;
    return;
  }
  if (file.first == 0 || kind == BlockKind::kReservation) {
    split.other_reservations += charge;
    return;
  }
  const std::uint32_t owner = walk->owners->Find(file);
  BlockBytes& to = owner < walk->owner_count ? walk->by_owner[owner] : split.unknown;
  *Part(&to, kind) += charge;
  ++to.entries;
}

// A std::function in libstdc++'s layout: 16 bytes for what is called, then what copies these, then
// what calls it.
struct Function {
  void* stored[2];
  bool (*manage)(void* to, const void* from, int operation);
  void (*call)(const void* stored, const Slice* key, void** object, std::size_t* charge,
               const void** by);
};
static_assert(sizeof(Function) == 32);

bool Manage(void* to, const void* from, int operation) {
  constexpr int kClone = 2;
  if (operation == kClone) std::memcpy(to, from, sizeof Function::stored);
  return false;
}

// Arguments are given by the address of the caller's own, which lie a little above this frame. A
// std::function that gave them as they are would not pass here for addresses on this stack.
bool OnThisStack(const void* argument) {
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const auto at = reinterpret_cast<std::uintptr_t>(argument);
  return at > frame && at - frame < 65536;
}

void OnEntry(const void* stored, const Slice* key, void** object, std::size_t* charge,
             const void** by) {
  Walk* walk = nullptr;
  std::memcpy(&walk, stored, sizeof(void*));
  if (walk->misunderstood || !OnThisStack(object) || !OnThisStack(charge) || !OnThisStack(by)) {
    walk->misunderstood = true;
    return;
  }
  // A cache that keeps hashes alone gives keys that it made on this stack.
  if (!OnThisStack(key->data)) walk->trail->Step(key->data);
  Count(walk, *key, *charge, *by);
}

}  // namespace

bool ScanCache(const JniLibrary& library, void* cache, const OwnerTable& owners,
               BlockBytes* by_owner, std::size_t owner_count, CacheSplit* out, WalkTrail* trail) {
  *out = {};
  CacheFigures before;
  ReadCache(library, cache, false, &before);
  if (before.usage) out->usage = *before.usage;
  auto* walk_all = library.Call<void(void*, const void*, const void*)>(cache, library.cache_walk);
  if (!library.facts.can_split || !before.usage || walk_all == nullptr) return false;
  EntryKinds kinds(library);
  TrailFollower follower(trail);
  Walk walk{&owners, by_owner, owner_count, out, &kinds, &follower, library.base_key == nullptr};
  const Function function{{&walk, nullptr}, Manage, OnEntry};
  // ApplyToAllEntriesOptions: how many entries under one lock; room for what a version adds.
  const std::size_t options[8] = {256};
  walk_all(cache, &function, options);
  // The cache works on meanwhile: the mean of its usage is the nearest to what was walked.
  CacheFigures after;
  ReadCache(library, cache, false, &after);
  if (after.usage) out->usage = *before.usage / 2 + *after.usage / 2;
  return !walk.misunderstood;
}

}  // namespace wrackline::rocksdb_jni
