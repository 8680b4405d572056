// The live files of a family, as the block cache's keys name them.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <vector>

namespace wrackline::probe {

// What is known of a family's files. A new one knows nothing.
class FamilyFiles {
 public:
  // Brings `prefixes` up to date when the family's files have changed; otherwise costs one integer
  // property. A file that is new is taken for one that this session made, which needs no I/O: a
  // prefix is unique to its file, so one that was made elsewhere matches nothing meanwhile. Such
  // files wait for Confirm.
  void Refresh(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family);

  // True: some files were not yet asked for who made them.
  bool Unconfirmed() const { return unconfirmed_; }

  // Asks all files of the family for who made them. Reads files that RocksDB does not hold open.
  // False: RocksDB could not say; it is asked again.
  bool Confirm(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family);

  struct File {
    std::uint64_t number;
    std::uint64_t prefix;
    bool blob;
  };
  const std::vector<File>& files() const { return files_; }

  // Files that were in files() at an earlier Refresh: their blocks stay in the cache until they are
  // evicted, and longer while a reader of an older state of the family uses them. No more than
  // kMostFormer; the newest.
  static constexpr std::size_t kMostFormer = 4096;
  const std::vector<File>& former() const { return former_; }
  // Forgets the former files for which `gone(prefix)`.
  template <typename Gone>
  void ForgetFormer(const Gone& gone) {
    std::erase_if(former_, [&](const File& file) { return gone(file.prefix); });
  }

 private:
  std::uint64_t version_ = 0;  // rocksdb.current-super-version-number of the last Refresh
  bool unconfirmed_ = false;
  std::vector<File> files_;   // by number
  std::vector<File> former_;  // as they went
};

}  // namespace wrackline::probe
