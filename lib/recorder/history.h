// History: the records that a snapshot must repeat and whose source cannot be asked again, in
// bounded memory.
//
// Kept in the order of arrival. When it is full, every second record of each key in the older half
// is removed ("old timeline thinned first"), so that the past gets coarser the further back it
// lies; the newest record of each key and all state records stay. Only when that frees too little
// (thousands of keys, each with one record) the oldest history records go whatever their key; state
// records never do, but those of what has ended: when they take an eighth, the oldest half of them
// goes. Memory is mapped once, touched as it fills. One thread; never allocates after
// Open. The zero-initialised object is closed: it holds and takes nothing.
//
//   History history;
//   history.Open(1 << 20);
//   history.Append(kTimelineKey, record, length);
//   for (std::uint64_t cursor = 0; history.Next(&cursor, &record, &length);) ...
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

class History {
 public:
  // 0 or an errno value.
  int Open(std::size_t capacity_bytes);
  void Close();

  // Appends a history record. False: larger than a quarter of the capacity, or no room beside the
  // state records.
  bool Append(std::uint64_t key, const void* record, std::size_t length);
  // Keeps one state record per key (state and history keys do not meet). False: no room even after
  // thinning; then the former record of this key stays.
  // `ended`: what it is the state of has ended.
  bool Set(std::uint64_t key, const void* record, std::size_t length, bool ended = false);

  // Walks all records from `*cursor` (0 at first); false at the end. The pointer is valid until the
  // next change, the cursor across changes: what was appended meanwhile is still to come, what was
  // thinned is skipped.
  bool Next(std::uint64_t* cursor, const void** record, std::size_t* length) const;
  // The same; `*state` says whether it came by Set.
  bool Next(std::uint64_t* cursor, const void** record, std::size_t* length, bool* state) const;
  // A cursor behind the newest record.
  std::uint64_t End() const { return next_serial_; }

  // Thins until at most `bytes` are used, as far as the rules above allow.
  void Shrink(std::size_t bytes);

  std::uint64_t thinned() const { return thinned_; }
  // Of records, what keeping them costs included.
  std::size_t used_bytes() const { return used_; }
  // Of address space; what was never filled is not resident.
  std::uint64_t own_bytes() const { return mapped_; }
  const void* memory() const { return bytes_; }

 private:
  struct Entry;

  Entry* At(std::size_t offset) const;
  std::size_t FindState(std::uint64_t key) const;  // used_ when there is none
  bool MakeRoom(std::size_t bytes);
  void Add(std::uint64_t key, const void* record, std::size_t length, std::uint32_t flags);
  void Remove(std::size_t offset);
  void MarkKeys();
  std::size_t ThinOlderHalf();
  void DropOldest(std::size_t bytes);
  void DropEnded(std::size_t most);

  std::uint8_t* bytes_ = nullptr;
  std::uint32_t* buckets_ = nullptr;  // of MarkKeys; behind bytes_
  std::size_t mapped_ = 0;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::size_t ended_ = 0;  // of `used_`: state of what has ended
  std::uint64_t next_serial_ = 1;
  std::uint64_t thinned_ = 0;
  // Where Next went on last time, so that a walk is linear: the entry with that serial or a later
  // one.
  mutable std::uint64_t hint_serial_ = 0;
  mutable std::size_t hint_offset_ = 0;
};

}  // namespace wrackline::recorder
