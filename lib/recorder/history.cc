#include "lib/recorder/history.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/recorder/pages.h"

namespace wrackline::recorder {

// In front of each record. `serial` grows with every entry and is what a cursor holds: offsets move
// when records are thinned, serials do not.
struct History::Entry {
  std::uint64_t serial;
  std::uint64_t key;
  std::uint32_t length;
  std::uint32_t flags;
  std::uint32_t chain;  // MarkKeys: next key's newest entry in the same bucket, as offset + 1
  std::uint32_t unused;
};

namespace {

constexpr std::uint32_t kState = 1;   // came by Set
constexpr std::uint32_t kNewest = 2;  // of its key; valid after MarkKeys
constexpr std::uint32_t kSecond = 4;  // the 2nd, 4th, ... of its key; valid after MarkKeys
constexpr std::uint32_t kEnded = 8;   // state of what has ended
constexpr std::size_t kBuckets = 1024;
constexpr std::size_t kPage = 4096;
// Offsets are 32 bits.
constexpr std::size_t kMaxCapacity = std::size_t{1} << 30;

constexpr std::size_t RoundUp(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

constexpr std::size_t EntryBytes(std::size_t header, std::size_t length) {
  return header + RoundUp(length, 8);
}

std::size_t BucketOf(std::uint64_t key) {
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 54);  // 10 bits: kBuckets
}

}  // namespace

int History::Open(std::size_t capacity_bytes) {
  if (bytes_ != nullptr) return EBUSY;
  if (capacity_bytes < kPage || capacity_bytes > kMaxCapacity) return EINVAL;
  const std::size_t capacity = RoundUp(capacity_bytes, kPage);
  const std::size_t mapped = capacity + RoundUp(kBuckets * sizeof(std::uint32_t), kPage);
  std::uint8_t* const memory = MapPages(mapped);
  if (memory == nullptr) return errno;
  *this = History{};
  bytes_ = memory;
  buckets_ = reinterpret_cast<std::uint32_t*>(bytes_ + capacity);
  capacity_ = capacity;
  mapped_ = mapped;
  return 0;
}

void History::Close() {
  if (bytes_ != nullptr) munmap(bytes_, mapped_);
  const std::uint64_t thinned = thinned_;
  *this = History{};
  thinned_ = thinned;
}

History::Entry* History::At(std::size_t offset) const {
  return reinterpret_cast<Entry*>(bytes_ + offset);
}

bool History::Append(std::uint64_t key, const void* record, std::size_t length) {
  if (length > capacity_ / 4 || !MakeRoom(EntryBytes(sizeof(Entry), length))) return false;
  Add(key, record, length, 0);
  return true;
}

bool History::Set(std::uint64_t key, const void* record, std::size_t length, bool ended) {
  if (length > capacity_ / 4) return false;
  const std::size_t bytes = EntryBytes(sizeof(Entry), length);
  std::size_t former = FindState(key);
  const std::size_t freed = former < used_ ? EntryBytes(sizeof(Entry), At(former)->length) : 0;
  if (bytes > freed && !MakeRoom(bytes - freed)) {
    DropEnded(ended_ / 2);
    if (!MakeRoom(bytes - freed)) return false;
  }
  // At the end with a new serial, not in place: a snapshot that has passed the former one still
  // meets the new one.
  former = FindState(key);
  if (former < used_) Remove(former);
  Add(key, record, length, ended ? kState | kEnded : kState);
  if (!ended) return true;
  ended_ += bytes;
  if (ended_ > capacity_ / 8) DropEnded(ended_ / 2);
  return true;
}

bool History::Next(std::uint64_t* cursor, const void** record, std::size_t* length) const {
  bool state = false;
  return Next(cursor, record, length, &state);
}

bool History::Next(std::uint64_t* cursor, const void** record, std::size_t* length,
                   bool* state) const {
  std::size_t offset = hint_serial_ <= *cursor ? hint_offset_ : 0;
  while (offset < used_ && At(offset)->serial < *cursor) {
    offset += EntryBytes(sizeof(Entry), At(offset)->length);
  }
  hint_serial_ = *cursor;
  hint_offset_ = offset;
  if (offset >= used_) return false;
  const Entry* entry = At(offset);
  *record = entry + 1;
  *length = entry->length;
  *state = (entry->flags & kState) != 0;
  *cursor = entry->serial + 1;
  return true;
}

std::size_t History::FindState(std::uint64_t key) const {
  std::size_t offset = 0;
  while (offset < used_) {
    const Entry* entry = At(offset);
    if (entry->key == key && (entry->flags & kState) != 0) break;
    offset += EntryBytes(sizeof(Entry), entry->length);
  }
  return offset;
}

void History::Add(std::uint64_t key, const void* record, std::size_t length, std::uint32_t flags) {
  Entry* entry = At(used_);
  *entry = Entry{next_serial_++, key, static_cast<std::uint32_t>(length), flags, 0, 0};
  memcpy(entry + 1, record, length);
  used_ += EntryBytes(sizeof(Entry), length);
}

void History::Remove(std::size_t offset) {
  const std::size_t bytes = EntryBytes(sizeof(Entry), At(offset)->length);
  if ((At(offset)->flags & kEnded) != 0) ended_ -= bytes;
  memmove(bytes_ + offset, bytes_ + offset + bytes, used_ - offset - bytes);
  used_ -= bytes;
  hint_serial_ = hint_offset_ = 0;
}

bool History::MakeRoom(std::size_t bytes) {
  if (bytes_ == nullptr) return false;
  if (used_ + bytes <= capacity_) return true;
  Shrink(capacity_ - bytes);
  return used_ + bytes <= capacity_;
}

void History::Shrink(std::size_t bytes) {
  while (used_ > bytes) {
    const std::size_t before = used_;
    // A round that frees less than a thirty-second would soon be due again, each time at the cost
    // of a walk over all: then the oldest must go, an eighth at once.
    if (ThinOlderHalf() < before / 32 && used_ > bytes) {
      DropOldest(used_ - bytes + used_ / 8);
      if (used_ == before) return;  // state records only
    }
  }
}

// Marks each history record that is the newest of its key, and every second one of each key. The
// newest entry so far of each key is found through a hash table whose chains run through the
// entries themselves: no key is one too many.
void History::MarkKeys() {
  memset(buckets_, 0, kBuckets * sizeof(std::uint32_t));
  for (std::size_t offset = 0; offset < used_;
       offset += EntryBytes(sizeof(Entry), At(offset)->length)) {
    Entry* entry = At(offset);
    if ((entry->flags & kState) != 0) continue;
    entry->flags = kNewest;
    entry->chain = 0;
    std::uint32_t* link = &buckets_[BucketOf(entry->key)];
    while (*link != 0 && At(*link - 1)->key != entry->key) link = &At(*link - 1)->chain;
    if (*link != 0) {
      Entry* former = At(*link - 1);
      former->flags &= ~kNewest;
      if ((former->flags & kSecond) == 0) entry->flags |= kSecond;
      entry->chain = former->chain;
    }
    *link = static_cast<std::uint32_t>(offset + 1);
  }
}

// Returns the bytes freed.
std::size_t History::ThinOlderHalf() {
  MarkKeys();
  const std::size_t half = used_ / 2;
  std::size_t from = 0;
  std::size_t to = 0;
  while (from < half) {
    const Entry* entry = At(from);
    const std::size_t bytes = EntryBytes(sizeof(Entry), entry->length);
    if (entry->flags == kSecond) {  // not state, not the newest
      ++thinned_;
    } else {
      memmove(bytes_ + to, entry, bytes);
      to += bytes;
    }
    from += bytes;
  }
  memmove(bytes_ + to, bytes_ + from, used_ - from);
  used_ -= from - to;
  hint_serial_ = hint_offset_ = 0;
  return from - to;
}

// Removes the oldest state records of what has ended until they take `most` bytes.
void History::DropEnded(std::size_t most) {
  std::size_t to = 0;
  for (std::size_t from = 0; from < used_;) {
    const Entry* entry = At(from);
    const std::size_t entry_bytes = EntryBytes(sizeof(Entry), entry->length);
    if ((entry->flags & kEnded) != 0 && ended_ > most) {
      ended_ -= entry_bytes;
    } else {
      if (to != from) memmove(bytes_ + to, entry, entry_bytes);
      to += entry_bytes;
    }
    from += entry_bytes;
  }
  used_ = to;
  hint_serial_ = hint_offset_ = 0;
}

// Removes history records, whatever their key, from the old end until `bytes` are freed.
void History::DropOldest(std::size_t bytes) {
  std::size_t from = 0;
  std::size_t to = 0;
  while (from < used_ && from - to < bytes) {
    const Entry* entry = At(from);
    const std::size_t entry_bytes = EntryBytes(sizeof(Entry), entry->length);
    if ((entry->flags & kState) == 0) {
      ++thinned_;
    } else {
      memmove(bytes_ + to, entry, entry_bytes);
      to += entry_bytes;
    }
    from += entry_bytes;
  }
  memmove(bytes_ + to, bytes_ + from, used_ - from);
  used_ -= from - to;
  hint_serial_ = hint_offset_ = 0;
}

}  // namespace wrackline::recorder
