// The thread that reads the databases of a JVM's RocksDB: "wrackline-rocks". It never calls the VM, so that it neither waits for a
// collection nor holds one up; and Java names, which the JVM thread takes, do not wait for a walk over a cache.
//
// The recorder thread makes it when the first database was opened.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/reader.h"
#include "rocksdb_probe/jni/registry.h"

namespace wrackline::preload {

class OwnThread;

// What is open, of all JNI libraries. In static memory: the functions around native methods may be called to the very end.
rocksdb_jni::Registry& RocksDbRegistry();

class RocksDbThread {
 public:
  // RocksDB runs on it: a walk over a cache calls functions of the program's settings.
  static constexpr std::size_t kStackBytes = 1 << 20;

  // From here on databases are watched.
  void Open(std::uint64_t period_ns);
  // A database was opened: the thread is to be made.
  bool Wanted() const;
  // The thread's body; returns when `self` is to leave.
  void Run(OwnThread* self);
  // Makes Run look whether it is to leave.
  void Wake();
  // The VM or the process ends: nothing is read any more. Waits for what is being read, until `until_ns` at the longest.
  static void Stop(std::uint64_t until_ns);
  std::size_t resident_bytes() const;

 private:
  void CountLosses();

  rocksdb_jni::Reader reader_{};
  std::uint64_t refused_ = 0;            // that were counted
  std::atomic<std::uint32_t> wakes_{0};  // futex
  std::uint64_t period_ns_ = 0;
  bool opened_ = false;  // the reader
};

}  // namespace wrackline::preload
