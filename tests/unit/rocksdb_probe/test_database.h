// A real RocksDB in a temporary folder that goes with it.
#pragma once

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rocksdb_probe/cache_class.h"

namespace wrackline::probe {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "wrackline-probe-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct DatabaseSetup {
  std::vector<std::string> families = {"value", "list"};
  std::shared_ptr<rocksdb::Cache> shared_cache;  // null: each family has its own of own_cache_bytes
  std::size_t own_cache_bytes = 8u << 20;
  std::shared_ptr<rocksdb::WriteBufferManager> manager;
  std::size_t write_buffer_size = 64u << 20;
  std::vector<std::shared_ptr<rocksdb::EventListener>> listeners;
};

class TestDatabase {
 public:
  explicit TestDatabase(const DatabaseSetup& setup = {}) {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.write_buffer_manager = setup.manager;
    options.listeners = setup.listeners;
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
        {rocksdb::kDefaultColumnFamilyName, {}}};
    for (const std::string& name : setup.families)
      descriptors.emplace_back(name, FamilyOptions(setup));
    rocksdb::DB* db = nullptr;
    const rocksdb::Status status =
        rocksdb::DB::Open(options, folder_.path() + "/db", descriptors, &handles_, &db);
    EXPECT_TRUE(status.ok()) << status.ToString();
    db_.reset(db);
  }
  ~TestDatabase() { Close(); }

  static rocksdb::ColumnFamilyOptions FamilyOptions(const DatabaseSetup& setup) {
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = setup.write_buffer_size;
    rocksdb::BlockBasedTableOptions table;
    table.block_cache =
        setup.shared_cache ? setup.shared_cache : rocksdb::NewLRUCache(setup.own_cache_bytes);
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return options;
  }

  void Close() {
    if (!db_) return;
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      EXPECT_TRUE(db_->DestroyColumnFamilyHandle(handle).ok());
    }
    handles_.clear();
    db_.reset();
  }

  // The families of the setup, without the default one.
  std::vector<rocksdb::ColumnFamilyHandle*> families() const {
    return {handles_.begin() + 1, handles_.end()};
  }
  std::vector<rocksdb::ColumnFamilyHandle*>& handles() { return handles_; }
  rocksdb::DB* db() const { return db_.get(); }

  void Write(rocksdb::ColumnFamilyHandle* family, int count, std::size_t bytes = 1000) {
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(db_->Put(rocksdb::WriteOptions(), family, "key-" + std::to_string(i),
                           std::string(bytes, 'x'))
                      .ok());
    }
  }
  void Flush(rocksdb::ColumnFamilyHandle* family) {
    ASSERT_TRUE(db_->Flush(rocksdb::FlushOptions(), family).ok());
  }
  void ReadAll(rocksdb::ColumnFamilyHandle* family) {
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), family));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
    }
    ASSERT_TRUE(it->status().ok());
  }
  std::uint64_t Property(rocksdb::ColumnFamilyHandle* family, const std::string& name) const {
    std::uint64_t value = 0;
    EXPECT_TRUE(db_->GetIntProperty(family, name, &value)) << name;
    return value;
  }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace wrackline::probe
