#include "rocksdb_probe/family_files.h"

#include <rocksdb/metadata.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>

#include "rocksdb_probe/block_keys.h"

namespace wrackline::probe {
namespace {

// Of "/folder/000123.sst"; 0: no file's name.
std::uint64_t NumberOf(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return std::strtoull(path.c_str() + (slash == std::string::npos ? 0 : slash + 1), nullptr, 10);
}

bool ByNumber(const FamilyFiles::File& a, const FamilyFiles::File& b) {
  return a.number < b.number;
}

}  // namespace

void FamilyFiles::Refresh(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family) {
  std::uint64_t version = 0;
  if (db->GetIntProperty(family, rocksdb::DB::Properties::kCurrentSuperVersionNumber, &version) &&
      version == version_)
    return;
  std::string db_id;
  std::string session;
  if (!db->GetDbIdentity(db_id).ok() || !db->GetDbSessionId(session).ok()) return;
  rocksdb::ColumnFamilyMetaData now;
  db->GetColumnFamilyMetaData(family, &now);
  std::vector<File> files;
  const auto add = [&](std::uint64_t number, bool blob) {
    const File wanted{number, 0, blob};
    const auto known = std::lower_bound(files_.begin(), files_.end(), wanted, ByNumber);
    if (known != files_.end() && known->number == number) {
      files.push_back(*known);
      return;
    }
    files.push_back({number, BlockKeyPrefixOfOwnFile(db_id, session, number), blob});
    unconfirmed_ = unconfirmed_ || !blob;  // RocksDB names blobs by the session that reads them
  };
  for (const auto& level : now.levels) {
    for (const auto& file : level.files) add(file.file_number, false);
  }
  for (const auto& file : now.blob_files) add(file.blob_file_number, true);
  std::sort(files.begin(), files.end(), ByNumber);
  std::set_difference(files_.begin(), files_.end(), files.begin(), files.end(),
                      std::back_inserter(former_), ByNumber);
  if (former_.size() > kMostFormer)
    former_.erase(former_.begin(),
                  former_.begin() + static_cast<std::ptrdiff_t>(former_.size() - kMostFormer));
  files_ = std::move(files);
  version_ = version;
}

bool FamilyFiles::Confirm(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family) {
  std::string session;
  rocksdb::TablePropertiesCollection all;
  if (!db->GetDbSessionId(session).ok() || !db->GetPropertiesOfAllTables(family, &all).ok())
    return false;
  for (const auto& [path, properties] : all) {
    const File wanted{NumberOf(path), 0, false};
    const auto known = std::lower_bound(files_.begin(), files_.end(), wanted, ByNumber);
    // One that came after Refresh is found by the next.
    if (known == files_.end() || known->number != wanted.number) continue;
    known->prefix = BlockKeyPrefix(*properties, session, wanted.number);
  }
  unconfirmed_ = false;
  return true;
}

}  // namespace wrackline::probe
