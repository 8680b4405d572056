// History: the records that a snapshot must repeat and whose source cannot be asked again, in bounded memory.
//
// Kept in the order of arrival. When it is full, every second record of the older half is removed ("old timeline thinned
// first"), so that the past gets coarser the further back it lies; the newest record of each key and all state records
// stay. Memory is mapped once, touched as it fills. One thread; never allocates after Open.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::recorder {

class History {
 public:
  // 0 or an errno value.
  int Open(std::size_t capacity_bytes);
  void Close();

  // Appends a history record. False: larger than a quarter of the capacity.
  bool Append(std::uint64_t key, const void* record, std::size_t length);
  // Keeps one state record per key. False: no room even after thinning.
  bool Set(std::uint64_t key, const void* record, std::size_t length);

  // Walks all records from `*cursor` (0 at first); false at the end. The pointer is valid until the next change.
  bool Next(std::uint64_t* cursor, const void** record, std::size_t* length) const;

  std::uint64_t thinned() const { return thinned_; }
  std::uint64_t own_bytes() const { return capacity_; }

 private:
  std::uint8_t* bytes_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
  std::uint64_t thinned_ = 0;
};

}  // namespace wrackline::recorder
