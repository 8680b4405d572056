// What Java makes of RocksDB and has to close itself: how many of each kind were made and closed, which caches and write buffer
// managers are still there, and whose iterators are.
//
// Words
//  - Made, closed: the native method that makes the object returned its handle; the one that ends it was called.
//  - Alive: made and not closed. Of a cache and a manager more is known: Java's handle is a std::shared_ptr, so that the object
//    outlives its closing by Java while a database or options hold it, and may have no Java owner for good.
//  - Holder: one std::shared_ptr to the object.
//
//   g_objects.Made(library, ObjectKind::kReadOptions, handle, 0);      // any thread, in the function around the native method
//   g_objects.Closed(library, ObjectKind::kReadOptions, handle);
//   ...
//   ObjectSurvey survey;                                               // one thread, now and then
//   g_objects.Survey(library, &survey);
//
// Cost: kinds of which only the number matters are two counters in one of eight lines, chosen by the thread's stack. Iterators, databases, caches
// and managers have an entry in a table of fixed size as well; what finds no place is counted and not listed. No call waits for
// RocksDB or the VM, none allocates.
//
// A cache or manager is watched by a weak reference of its own, as a std::weak_ptr of the library's would be: its count of holders is read without
// a lock and without asking when Java closed it, and reading its usage holds it like any other user. What is relied on is the layout of
// libstdc++'s control block, unchanged since 2004; it is looked at before it is used, and where it is not as expected,
// the object is listed until Java closes it and nothing is read of it.
//
// All zero bytes is a table that has seen nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "rocksdb_probe/jni/library.h"
#include "rocksdb_probe/jni/lock.h"

namespace wrackline::rocksdb_jni {

// As RocksDbObjectCount.Kind of wrackline.proto.
enum class ObjectKind : std::uint8_t {
  kUnknown,
  kReadOptions,
  kWriteOptions,
  kWriteBatch,
  kIterator,
  kStatistics,
  kOptions,
  kDbOptions,
  kFamilyOptions,
  kCache,
  kWriteBufferManager,
  kSnapshot,
  kDatabase,
  kTransaction,
  kFlushOptions,
};
constexpr std::size_t kObjectKinds = 15;

constexpr std::size_t kObjectLibraries = 16;
constexpr std::size_t kMostSharedObjects = 1024;

struct ObjectCount {
  std::uint64_t made;
  std::uint64_t closed;
};

struct SharedObject {
  const void* object;  // Cache* or WriteBufferManager*
  std::uint64_t made_ns;
  ObjectKind kind;
  bool closed_by_java;
  std::optional<std::uint32_t> holders;
  CacheFigures figures;  // of a cache
};

struct IteratorsOf {
  const void* db;
  std::uint64_t alive;
  std::uint64_t oldest_ns;
};

struct ObjectSurvey {
  static constexpr std::size_t kMostShared = 400;  // that fit a record
  static constexpr std::size_t kMostDatabases = 256;
  ObjectCount counts[kObjectKinds];
  SharedObject shared[kMostShared];
  std::size_t shared_count;
  IteratorsOf iterators[kMostDatabases];
  std::size_t database_count;
  std::uint64_t unlisted;
  bool any;  // something was made or closed, ever
};

class Objects {
 public:
  // --- any thread; `library` is 0 to kObjectLibraries - 1 ---

  // `of`: an iterator's database. `code`: any address in the library; needed of caches and managers alone.
  void Made(int library, ObjectKind kind, std::uint64_t handle, std::uint64_t of,
            const void* code = nullptr);
  // Before the object is ended. Of kinds with entries only the first closing of a handle counts.
  void Closed(int library, ObjectKind kind, std::uint64_t handle);

  // --- one thread ---

  // Reads the library's caches by way of `readable`; nullptr: their figures are absent.
  void Survey(int library, const JniLibrary* readable, ObjectSurvey* out);

 private:
  struct ControlBlock;

  static constexpr std::size_t kStripes = 8;
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> made[kObjectKinds];
    std::atomic<std::uint64_t> closed[kObjectKinds];
  };

  // Iterators and databases, hashed by handle, each part of the table with a lock of its own.
  static constexpr std::size_t kParts = 64;
  static constexpr std::size_t kPlaces = 512;
  struct Entry {
    std::uint64_t handle;  // 0: free
    std::uint64_t of;
    std::uint64_t made_ns;
    std::uint32_t library;
    ObjectKind kind;
  };
  struct Part {
    Lock lock;
    std::uint32_t used;
    std::uint32_t unlisted[kObjectLibraries];
    Entry places[kPlaces];
  };
  struct Parts {
    Part parts[kParts];
  };

  struct Shared {
    std::uint64_t handle;   // 0: Java closed it
    const void* object;     // nullptr: the place is free
    ControlBlock* control;  // nullptr: not as expected
    const void* code;
    std::uint64_t made_ns;
    std::uint32_t library;
    ObjectKind kind;
  };

  void Count(int library, ObjectKind kind, bool made);
  Parts* Table();
  bool Add(const Entry& entry);
  bool Remove(int library, ObjectKind kind, std::uint64_t handle);
  void AddShared(int library, ObjectKind kind, std::uint64_t handle, const void* code);
  bool RemoveShared(int library, ObjectKind kind, std::uint64_t handle);
  static ControlBlock* WeakReference(std::uint64_t handle);
  static bool Hold(ControlBlock* control);
  static void LetGo(ControlBlock* control);
  static void ForgetWeakly(ControlBlock* control, bool callable);
  void SurveyIterators(int library, ObjectSurvey* out);
  void SurveyShared(int library, const JniLibrary* readable, ObjectSurvey* out);

  Stripe stripes_[kObjectLibraries][kStripes] = {};
  std::atomic<Parts*> parts_ = nullptr;
  Lock shared_lock_;
  std::size_t shared_used_ = 0;  // places that were ever used
  std::uint64_t shared_unlisted_[kObjectLibraries] = {};
  Shared shared_[kMostSharedObjects] = {};
};

}  // namespace wrackline::rocksdb_jni
