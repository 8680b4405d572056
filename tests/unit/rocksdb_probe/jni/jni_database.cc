#include "tests/unit/rocksdb_probe/jni/jni_database.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

namespace wrackline::rocksdb_jni {
namespace {

std::string Key(int number) {
  char text[16];
  std::snprintf(text, sizeof text, "key-%08d", number);
  return text;
}

std::string Value(int number) {
  std::string value(400, ' ');
  std::uint32_t state = static_cast<std::uint32_t>(number) * 2654435761u + 1;
  for (char& c : value) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(33 + (state >> 24) % 90);  // does not compress well
  }
  return value;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = ::testing::TempDir() + "wrackline-jni-XXXXXX";
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

JniCache::JniCache(const JniApi& api, std::size_t bytes, bool hyper_clock)
    : api_(api),
      handle_(hyper_clock
                  ? api.Call<void*>("rocksdb_cache_create_hyper_clock", bytes, std::size_t{8192})
                  : api.Call<void*>("rocksdb_cache_create_lru", bytes)) {}

JniCache::~JniCache() { api_.Call("rocksdb_cache_destroy", handle_); }

std::size_t JniCache::Usage() const {
  return api_.Call<std::size_t>("rocksdb_cache_get_usage", handle_);
}

JniDatabase::JniDatabase(const JniApi& api, const std::string& path, const DatabaseSetup& setup,
                         OpenAs as)
    : api_(api), setup_(setup) {
  options_ = api.Call<void*>("rocksdb_options_create");
  table_options_ = api.Call<void*>("rocksdb_block_based_options_create");
  write_options_ = api.Call<void*>("rocksdb_writeoptions_create");
  read_options_ = api.Call<void*>("rocksdb_readoptions_create");
  flush_options_ = api.Call<void*>("rocksdb_flushoptions_create");
  api.Call("rocksdb_options_set_create_if_missing", options_, std::uint8_t{1});
  api.Call("rocksdb_options_set_create_missing_column_families", options_, std::uint8_t{1});
  api.Call("rocksdb_options_set_write_buffer_size", options_, setup.write_buffer_size);
  api.Call("rocksdb_options_set_compression", options_, 0);
  api.Call("rocksdb_options_set_disable_auto_compactions", options_, 1);
  if (setup.db_write_buffer_size != 0) {
    api.Call("rocksdb_options_set_db_write_buffer_size", options_, setup.db_write_buffer_size);
  }
  if (setup.cache != nullptr) {
    api.Call("rocksdb_block_based_options_set_block_cache", table_options_, setup.cache->handle());
  }
  api.Call("rocksdb_block_based_options_set_no_block_cache", table_options_,
           std::uint8_t{setup.no_cache});
  api.Call("rocksdb_block_based_options_set_cache_index_and_filter_blocks", table_options_,
           std::uint8_t{setup.index_in_cache});
  api.Call("rocksdb_block_based_options_set_block_size", table_options_, setup.block_size);
  if (setup.filters) {
    // An int in old versions, a double in newer ones: each looks where it looks.
    void* policy = api.Call<void*>("rocksdb_filterpolicy_create_bloom_full", 10, 10.0);
    api.Call("rocksdb_block_based_options_set_filter_policy", table_options_, policy);
  }
  api.Call("rocksdb_options_set_block_based_table_factory", options_, table_options_);
  if (setup.manager != nullptr) {
    api.CallJava("Options_setWriteBufferManager", reinterpret_cast<std::int64_t>(options_),
                 reinterpret_cast<std::int64_t>(setup.manager->handle()));
  }
  const auto count = static_cast<int>(setup.families.size());
  std::vector<const char*> names;
  for (const std::string& name : setup.families) names.push_back(name.c_str());
  std::vector<void*> options(names.size(), options_);
  handles_.resize(names.size());
  char* error = nullptr;
  if (as == OpenAs::kPlain) {
    db_ = api.Call<void*>("rocksdb_open_column_families", options_, path.c_str(), count,
                          names.data(), options.data(), handles_.data(), &error);
  } else {
    std::vector<int> ttls(names.size(), 3600);
    db_ = api.Call<void*>("rocksdb_open_column_families_with_ttl", options_, path.c_str(), count,
                          names.data(), options.data(), handles_.data(), ttls.data(), &error);
  }
  Failed(error);
  if (db_ == nullptr) handles_.clear();
}

JniDatabase::~JniDatabase() {
  for (void* handle : handles_) api_.Call("rocksdb_column_family_handle_destroy", handle);
  if (db_ != nullptr) api_.Call("rocksdb_close", db_);
  api_.Call("rocksdb_flushoptions_destroy", flush_options_);
  api_.Call("rocksdb_readoptions_destroy", read_options_);
  api_.Call("rocksdb_writeoptions_destroy", write_options_);
  api_.Call("rocksdb_block_based_options_destroy", table_options_);
  api_.Call("rocksdb_options_destroy", options_);
}

bool JniDatabase::Failed(char* error) {
  if (error == nullptr) return false;
  error_ = error;
  free(error);
  return true;
}

JniManager::JniManager(const JniApi& api, std::size_t bytes, const JniCache& cache)
    : api_(api),
      handle_(reinterpret_cast<void*>(api.CallJava<std::int64_t>(
          "WriteBufferManager_newWriteBufferManager", static_cast<std::int64_t>(bytes),
          reinterpret_cast<std::int64_t>(cache.handle()), std::uint8_t{0}))) {}

JniManager::~JniManager() {
  api_.CallJava("WriteBufferManager_disposeInternal", reinterpret_cast<std::int64_t>(handle_));
}

void JniDatabase::Put(std::size_t family, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    const std::string key = Key(i);
    const std::string value = Value(i);
    char* error = nullptr;
    api_.Call("rocksdb_put_cf", db_, write_options_, handles_[family], key.data(), key.size(),
              value.data(), value.size(), &error);
    ASSERT_FALSE(Failed(error)) << error_;
  }
}

void JniDatabase::Flush(std::size_t family) {
  char* error = nullptr;
  if (api_.Has("rocksdb_flush_cf")) {
    api_.Call("rocksdb_flush_cf", db_, flush_options_, handles_[family], &error);
  } else {  // 5.17 flushes the default family alone; a compaction flushes first
    CompactAll(family);
  }
  ASSERT_FALSE(Failed(error)) << error_;
  WaitUntilIdle();
}

void JniDatabase::WaitUntilIdle() const {
  // The job that is waited for counts as running a moment longer.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (Property(0, "rocksdb.num-running-flushes") +
             Property(0, "rocksdb.num-running-compactions") >
         0) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "a job of RocksDB does not end";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // leaves it the mutex
  }
}

void JniDatabase::Read(std::size_t family, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    const std::string key = Key(i);
    char* error = nullptr;
    std::size_t length = 0;
    char* value = api_.Call<char*>("rocksdb_get_cf", db_, read_options_, handles_[family],
                                   key.data(), key.size(), &length, &error);
    ASSERT_FALSE(Failed(error)) << error_;
    ASSERT_NE(value, nullptr) << key << " in " << setup_.families[family];
    free(value);
  }
}

void JniDatabase::Ingest(std::size_t family, const std::string& file, int from, int count) {
  void* environment = api_.Call<void*>("rocksdb_envoptions_create");
  void* writer = api_.Call<void*>("rocksdb_sstfilewriter_create", environment, options_);
  char* error = nullptr;
  api_.Call("rocksdb_sstfilewriter_open", writer, file.c_str(), &error);
  ASSERT_FALSE(Failed(error)) << error_;
  for (int i = from; i < from + count; ++i) {
    const std::string key = Key(i);
    const std::string value = Value(i);
    api_.Call("rocksdb_sstfilewriter_put", writer, key.data(), key.size(), value.data(),
              value.size(), &error);
    ASSERT_FALSE(Failed(error)) << error_;
  }
  api_.Call("rocksdb_sstfilewriter_finish", writer, &error);
  ASSERT_FALSE(Failed(error)) << error_;
  api_.Call("rocksdb_sstfilewriter_destroy", writer);
  api_.Call("rocksdb_envoptions_destroy", environment);
  void* ingest = api_.Call<void*>("rocksdb_ingestexternalfileoptions_create");
  const char* files[] = {file.c_str()};
  api_.Call("rocksdb_ingest_external_file_cf", db_, handles_[family], files, std::size_t{1}, ingest,
            &error);
  ASSERT_FALSE(Failed(error)) << error_;
  api_.Call("rocksdb_ingestexternalfileoptions_destroy", ingest);
}

void JniDatabase::Checkpoint(const std::string& path) {
  char* error = nullptr;
  void* checkpoint = api_.Call<void*>("rocksdb_checkpoint_object_create", db_, &error);
  ASSERT_FALSE(Failed(error)) << error_;
  api_.Call("rocksdb_checkpoint_create", checkpoint, path.c_str(), std::uint64_t{0}, &error);
  ASSERT_FALSE(Failed(error)) << error_;
  api_.Call("rocksdb_checkpoint_object_destroy", checkpoint);
}

void JniDatabase::CompactAll(std::size_t family) {
  const char* none = nullptr;
  api_.Call("rocksdb_compact_range_cf", db_, handles_[family], none, std::size_t{0}, none,
            std::size_t{0});
  WaitUntilIdle();
}

std::string JniDatabase::TextProperty(std::size_t family, const char* name) const {
  char* text = api_.Call<char*>("rocksdb_property_value_cf", db_, handles_[family], name);
  if (text == nullptr) return "";
  std::string out = text;
  free(text);
  return out;
}

std::int64_t JniDatabase::Property(std::size_t family, const char* name) const {
  if (api_.Has("rocksdb_property_int_cf")) {
    std::uint64_t value = 0;
    return api_.Call<int>("rocksdb_property_int_cf", db_, handles_[family], name, &value) == 0
               ? static_cast<std::int64_t>(value)
               : -1;
  }
  const std::string text = TextProperty(family, name);
  return text.empty() ? -1 : std::strtoll(text.c_str(), nullptr, 10);
}

}  // namespace wrackline::rocksdb_jni
