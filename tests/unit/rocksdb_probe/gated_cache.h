// A block cache that stops whoever walks it, or asks for its usage, until the test lets them go on.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "rocksdb_probe/block_keys.h"
#include "rocksdb_probe/cache_class.h"

namespace wrackline::probe {

class Gate {
 public:
  void Shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    shut_ = false;
    changed_.notify_all();
  }
  void WaitForAVisitor() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !shut_; });
    --waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool shut_ = false;
  int waiting_ = 0;
};

struct Gates {
  Gate walk;
  Gate usage;
};

// What RocksDB 7.8 has no CacheWrapper for: all of the class, handed on.
#if ROCKSDB_MAJOR >= 8
class WrappedCache : public rocksdb::CacheWrapper {
 public:
  explicit WrappedCache(std::shared_ptr<rocksdb::Cache> target)
      : rocksdb::CacheWrapper(std::move(target)) {}
};
#else
class WrappedCache : public rocksdb::Cache {
 public:
  explicit WrappedCache(std::shared_ptr<rocksdb::Cache> target) : target_(std::move(target)) {}
  using Slice = rocksdb::Slice;
  rocksdb::Status Insert(const Slice& key, void* value, size_t charge, DeleterFn deleter,
                         Handle** handle, Priority priority) override {
    return target_->Insert(key, value, charge, deleter, handle, priority);
  }
  rocksdb::Status Insert(const Slice& key, void* value, const CacheItemHelper* helper,
                         size_t charge, Handle** handle, Priority priority) override {
    return target_->Insert(key, value, helper, charge, handle, priority);
  }
  Handle* Lookup(const Slice& key, rocksdb::Statistics* statistics) override {
    return target_->Lookup(key, statistics);
  }
  Handle* Lookup(const Slice& key, const CacheItemHelper* helper, const CreateCallback& create,
                 Priority priority, bool wait, rocksdb::Statistics* statistics) override {
    return target_->Lookup(key, helper, create, priority, wait, statistics);
  }
  bool Ref(Handle* handle) override { return target_->Ref(handle); }
  bool Release(Handle* handle, bool erase) override { return target_->Release(handle, erase); }
  bool Release(Handle* handle, bool useful, bool erase) override {
    return target_->Release(handle, useful, erase);
  }
  void* Value(Handle* handle) override { return target_->Value(handle); }
  void Erase(const Slice& key) override { target_->Erase(key); }
  uint64_t NewId() override { return target_->NewId(); }
  void SetCapacity(size_t capacity) override { target_->SetCapacity(capacity); }
  void SetStrictCapacityLimit(bool strict) override { target_->SetStrictCapacityLimit(strict); }
  bool HasStrictCapacityLimit() const override { return target_->HasStrictCapacityLimit(); }
  size_t GetCapacity() const override { return target_->GetCapacity(); }
  size_t GetUsage() const override { return target_->GetUsage(); }
  size_t GetUsage(Handle* handle) const override { return target_->GetUsage(handle); }
  size_t GetPinnedUsage() const override { return target_->GetPinnedUsage(); }
  size_t GetCharge(Handle* handle) const override { return target_->GetCharge(handle); }
  DeleterFn GetDeleter(Handle* handle) const override { return target_->GetDeleter(handle); }
  void ApplyToAllEntries(
      const std::function<void(const Slice&, void*, size_t, DeleterFn)>& callback,
      const ApplyToAllEntriesOptions& options) override {
    target_->ApplyToAllEntries(callback, options);
  }
  void EraseUnRefEntries() override { target_->EraseUnRefEntries(); }
  bool IsReady(Handle* handle) override { return target_->IsReady(handle); }
  void Wait(Handle* handle) override { target_->Wait(handle); }
  void WaitAll(std::vector<Handle*>& handles) override { target_->WaitAll(handles); }

 protected:
  std::shared_ptr<rocksdb::Cache> target_;
};
#endif

class GatedCache final : public WrappedCache {
 public:
  GatedCache(std::shared_ptr<Gates> gates, std::size_t bytes)
      : WrappedCache(rocksdb::NewLRUCache(bytes)), gates_(std::move(gates)) {}
  const char* Name() const override { return "GatedCache"; }
  using WrappedCache::GetUsage;
  size_t GetUsage() const override {
    gates_->usage.Pass();
    return WrappedCache::GetUsage();
  }
  void ApplyToAllEntries(
      const std::function<void(const rocksdb::Slice&, void*, size_t, EntryKind)>& callback,
      const ApplyToAllEntriesOptions& options) override {
    gates_->walk.Pass();
    WrappedCache::ApplyToAllEntries(callback, options);
  }

 private:
  const std::shared_ptr<Gates> gates_;
};

}  // namespace wrackline::probe
