// A real JNI library, loaded without a JVM, and databases made with the C API that it exports.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace wrackline::rocksdb_jni {

// One library file, loaded as a JVM loads it.
class JniApi {
 public:
  explicit JniApi(const std::string& file) : handle_(dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL)) {
    if (handle_ == nullptr) error_ = dlerror();
  }
  JniApi(const JniApi&) = delete;
  JniApi& operator=(const JniApi&) = delete;
  // Stays loaded: RocksDB leaves threads behind that run in it.
  ~JniApi() = default;

  const std::string& error() const { return error_; }
  bool Has(const char* name) const { return dlsym(handle_, name) != nullptr; }
  // What a JVM binds, and so where a library is known by.
  const void* Code() const { return dlsym(handle_, "rocksdb_open"); }

  // Arguments have the types that the C API gives them.
  template <typename Result = void, typename... Arguments>
  Result Call(const char* name, Arguments... arguments) const {
    auto* function = reinterpret_cast<Result (*)(Arguments...)>(dlsym(handle_, name));
    if (function == nullptr) {
      missing_ += std::string(name) + " ";
      if constexpr (std::is_void_v<Result>) {
        return;
      } else {
        return Result{};
      }
    }
    return function(arguments...);
  }
  // One of the functions that Java calls and that look at neither their environment nor their
  // class. Since 9 some have "Jni" behind their names.
  template <typename Result = void, typename... Arguments>
  Result CallJava(const std::string& name, Arguments... arguments) const {
    for (const char* package : {"Java_org_rocksdb_", "Java_org_forstdb_"}) {
      for (const char* suffix : {"", "Jni"}) {
        const std::string whole = package + name + suffix;
        if (!Has(whole.c_str())) continue;
        return Call<Result>(whole.c_str(), static_cast<void*>(nullptr), static_cast<void*>(nullptr),
                            arguments...);
      }
    }
    return Call<Result>(name.c_str(), arguments...);
  }
  // Names that were called and are not there: a test's own mistake.
  const std::string& missing() const { return missing_; }

 private:
  void* handle_;
  std::string error_;
  mutable std::string missing_;
};

class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A cache by the C API; `handle` is what Java's nativeHandle_ of a Cache is.
class JniCache {
 public:
  JniCache(const JniApi& api, std::size_t bytes, bool hyper_clock = false);
  ~JniCache();
  JniCache(const JniCache&) = delete;
  JniCache& operator=(const JniCache&) = delete;
  void* handle() const { return handle_; }
  void* object() const { return *static_cast<void**>(handle_); }
  std::size_t Usage() const;

 private:
  const JniApi& api_;
  void* handle_;
};

// A write buffer manager that charges a cache, as Java makes one.
class JniManager {
 public:
  JniManager(const JniApi& api, std::size_t bytes, const JniCache& cache);
  ~JniManager();
  JniManager(const JniManager&) = delete;
  JniManager& operator=(const JniManager&) = delete;
  void* handle() const { return handle_; }
  void* object() const { return *static_cast<void**>(handle_); }

 private:
  const JniApi& api_;
  void* handle_;
};

struct DatabaseSetup {
  std::vector<std::string> families = {"default", "value", "list"};
  const JniCache* cache = nullptr;  // null: each family its own
  bool no_cache = false;
  bool index_in_cache = false;
  bool filters = false;
  std::size_t write_buffer_size = 64 << 20;
  std::size_t block_size = 4096;
  const JniManager* manager = nullptr;
  std::size_t db_write_buffer_size = 0;
};

enum class OpenAs { kPlain, kTtl };

class JniDatabase {
 public:
  JniDatabase(const JniApi& api, const std::string& path, const DatabaseSetup& setup,
              OpenAs as = OpenAs::kPlain);
  ~JniDatabase();
  JniDatabase(const JniDatabase&) = delete;
  JniDatabase& operator=(const JniDatabase&) = delete;

  const std::string& error() const { return error_; }
  std::size_t size() const { return handles_.size(); }
  // The pointers that Java's nativeHandle_ have: those inside of the C API's own handles.
  void* db() const { return *static_cast<void**>(db_); }
  void* handle(std::size_t family) const { return *static_cast<void**>(handles_[family]); }

  // Keys [from, from + count) with values of 400 bytes.
  void Put(std::size_t family, int from, int count);
  void Flush(std::size_t family);
  // Reads them all, so that their blocks are in the cache.
  void Read(std::size_t family, int from, int count);
  // A table file written outside and ingested.
  void Ingest(std::size_t family, const std::string& file, int from, int count);
  void Checkpoint(const std::string& path);
  void CompactAll(std::size_t family);
  // By the C API; what is no number or not offered is -1.
  std::int64_t Property(std::size_t family, const char* name) const;
  std::string TextProperty(std::size_t family, const char* name) const;

 private:
  bool Failed(char* error);
  void WaitUntilIdle() const;

  const JniApi& api_;
  DatabaseSetup setup_;
  std::string error_;
  void* options_;
  void* table_options_;
  void* write_options_;
  void* read_options_;
  void* flush_options_;
  void* db_ = nullptr;
  std::vector<void*> handles_;
};

}  // namespace wrackline::rocksdb_jni
