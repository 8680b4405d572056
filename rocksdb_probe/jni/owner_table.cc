#include <sys/mman.h>

#include <cstring>

#include "rocksdb_probe/jni/library.h"
#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {

bool OwnerTable::Reset(std::size_t files) {
  std::size_t size = 64;
  while (size < files * 2 + 2) size *= 2;
  const std::size_t bytes = size * sizeof(Slot);
  if (bytes > mapped_) {
    Forget();
    slots_ = static_cast<Slot*>(MapPages(bytes));
    if (slots_ == nullptr) return false;
    mapped_ = bytes;
  } else {
    std::memset(slots_, 0, bytes);
  }
  used_ = 0;
  mask_ = size - 1;
  return true;
}

void OwnerTable::Forget() {
  if (slots_ != nullptr) munmap(slots_, mapped_);
  slots_ = nullptr;
  used_ = mask_ = mapped_ = 0;
}

// Keys of one session differ in a few of their highest bits only: a product alone would not bring
// these down to where the table looks.
std::size_t OwnerTable::Place(const FileKey& file) const {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
  const std::uint64_t mixed = (file.first ^ __builtin_bswap64(file.rest)) * kGolden;
  return static_cast<std::size_t>((__builtin_bswap64(mixed) * kGolden) >> 32) & mask_;
}

void OwnerTable::Add(const FileKey& file, std::uint32_t owner) {
  if (slots_ == nullptr || file.first == 0) return;
  for (std::size_t at = Place(file);; at = (at + 1) & mask_) {
    Slot& slot = slots_[at];
    if (slot.file.first == file.first && slot.file.rest == file.rest) return;
    if (slot.file.first != 0) continue;
    if (used_ > mask_ / 2) return;  // more files than Reset was told of: they are nobody's
    slot.file = file;
    slot.owner = owner;
    ++used_;
    return;
  }
}

std::uint32_t OwnerTable::Find(const FileKey& file) const {
  if (slots_ == nullptr || file.first == 0) return kNobody;
  for (std::size_t at = Place(file);; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.file.first == file.first && slot.file.rest == file.rest) return slot.owner;
    if (slot.file.first == 0) return kNobody;
  }
}

}  // namespace wrackline::rocksdb_jni
