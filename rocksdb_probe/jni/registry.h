// The databases and column families that are open in the process's JNI libraries, and the promise that none of them is closed
// while it is read.
//
// Two sides. The program's threads, in the functions around its native methods, say what was opened and what is about to be closed. One
// thread of ours, the reader, goes through what is open and reads it:
//
//   Registry::Cursor at;
//   while (registry->Next(&at)) { ...read at.database->db and at.family->handle... }   // held meanwhile
//
// Closing waits while that very database or family is held, which is for the reading of one family, and for no longer. What is
// being closed is not held any more. Memory of what was closed is used again after the reader's Sweep only, so that a
// reader who goes on from one family to the next need not lock out the program.
//
// Bounded: what does not fit is counted and not watched. The memory is mapped when the first database is opened, and touched as
// it fills. All zero bytes is a registry that was not enabled: it takes nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/library.h"
#include "rocksdb_probe/jni/lock.h"

namespace wrackline::rocksdb_jni {

constexpr std::uint32_t kMostDatabases = 4096;
constexpr std::uint32_t kMostFamilies = 65536;
constexpr std::uint32_t kNone = 0;  // indexes count from 1

enum class Life : std::uint8_t { kFree, kOpen, kClosed };

struct WatchedFamily {
  // --- under the registry's lock ---
  void* handle;
  std::uint32_t database, next_of_database, next_of_hash;
  Life life;
  // --- the reader's ---
  bool facts_known;
  bool shadow;  // another handle of a family that is watched already
  bool split;   // `blocks` is known
  FamilyFacts facts;
  FamilyFiles files;
  BlockBytes blocks;
};

struct WatchedDatabase {
  // --- under the registry's lock ---
  void* db;
  const void* code;  // an address in its library
  std::uint64_t id;  // from 1 on, never used again
  std::uint32_t first_family, next_of_hash;
  Life life;
  std::atomic<bool> changed;  // families came since the reader took notice
  // --- the reader's ---
  bool facts_known;
  bool recorded;  // its state is in the file
  bool unreadable;
  bool has_default;      // one family is taken for "default"
  void* default_family;  // the database's own handle; nullptr: not known
  const JniLibrary* library;
  DatabaseFacts facts;
};

struct RegistryCounts {
  std::uint64_t opened;           // databases, ever
  std::uint64_t closed;           //
  std::uint64_t families;         // ever
  std::uint64_t no_room;          // databases and families that did not fit
  std::uint64_t unknown_owner;    // families of databases that are not watched
  std::uint64_t longest_wait_ns;  // of a closing for the reader
};

class Registry {
 public:
  bool enabled() const { return enabled_.load(std::memory_order_acquire); }
  void Enable() { enabled_.store(true, std::memory_order_release); }

  // --- the program's threads; any, at once ---

  // `code`: any address in the library. A database that is known already is taken for a new one: its end was not seen.
  void Opened(const void* code, void* db, void* const* families, std::size_t count);
  void FamilyMade(void* db, void* handle);
  // Before it is closed. When it has returned, nobody reads it.
  void Closing(void* db);
  void FamilyClosing(void* handle);
  // A write buffer manager that charges `cache`: RocksDB does not tell later.
  void ManagerMade(const void* manager, const void* cache);

  // --- the end of the process ---

  // Nothing is held any more when this has returned true; false: the reader did not come out until `until_ns`.
  bool Stop(std::uint64_t until_ns);
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }

  // --- the reader: one thread ---

  struct Cursor {
    WatchedDatabase* database = nullptr;
    WatchedFamily* family = nullptr;  // nullptr: the database itself, before its families
    std::uint32_t database_index = kNone, family_index = kNone;
  };
  // Lets go of what `at` holds and holds the next: each database first by itself and then with each of its families. False:
  // that was all, or the registry was stopped; nothing is held.
  bool Next(Cursor* at);
  // Lets go, without going on: the next Next goes on from there. For what takes long and needs nothing held.
  void LetGo();
  // What `at` had before LetGo. False: it was closed meanwhile.
  bool HoldAgain(const Cursor& at);
  // Goes on with the next database.
  void SkipFamilies(Cursor* at);
  // The caller holds the database. Its default family, or one more that the reader found.
  WatchedFamily* AddFamily(const Cursor& at, void* handle);

  // What needs nothing held, but is still to be waited for at the end of the process.
  void SetBusy(bool busy);

  // Between two rounds, nothing held: `closed` is told of each database that was closed, and then everything that was closed is
  // free for others.
  void Sweep(void (*closed)(void* context, WatchedDatabase* database), void* context);
  // Families of a database, open ones and those that Sweep has not seen; any order. `at` kNone at first; nullptr: no more.
  WatchedFamily* FamilyOf(const WatchedDatabase& database, std::uint32_t* at);
  std::uint32_t IndexOf(const WatchedFamily& family) const;

  const void* CacheOf(const void* manager);
  // Of an open database; 0: it is not watched.
  std::uint64_t IdOf(const void* db);
  RegistryCounts Counts();
  // Of its memory: for whoever counts what is resident of it.
  const void* memory() const { return tables_; }
  static constexpr std::size_t memory_bytes();

  // 1 since something was opened; the reader puts 0 there.
  std::atomic<std::uint32_t>* bell() { return &bell_; }

 private:
  static constexpr std::uint32_t kDatabaseHash = 2 * kMostDatabases;
  static constexpr std::uint32_t kFamilyHash = 2 * kMostFamilies;
  static constexpr std::uint32_t kManagers = 1024;
  struct Manager {
    const void* manager;
    const void* cache;
  };
  struct Tables {
    WatchedDatabase databases[kMostDatabases + 1];
    WatchedFamily families[kMostFamilies + 1];
    std::uint32_t database_hash[kDatabaseHash];
    std::uint32_t family_hash[kFamilyHash];
    Manager managers[kManagers];
  };

  // All with the lock held.
  bool Map();
  std::uint32_t FindDatabase(const void* db) const;
  std::uint32_t FindFamily(const void* handle) const;
  std::uint32_t NewDatabase(const void* code, void* db);
  std::uint32_t NewFamily(std::uint32_t database, void* handle);
  void CloseFamily(std::uint32_t index);
  void CloseDatabase(std::uint32_t index);
  void WaitUntilLetGo(std::uint32_t database, std::uint32_t family);
  void LetGoLocked();

  Tables* tables_ = nullptr;
  Lock lock_;
  std::atomic<bool> enabled_{false}, stopped_{false};
  std::atomic<std::uint32_t> bell_{0};
  std::atomic<std::uint32_t> let_go_{0};  // futex: counts
  std::uint32_t held_database_ = kNone, held_family_ = kNone;
  bool busy_ = false;
  std::uint32_t waiting_ = 0;
  std::uint32_t databases_used_ = 0, families_used_ = 0;       // highest index
  std::uint32_t free_database_ = kNone, free_family_ = kNone;  // chained by next_of_hash
  std::uint32_t manager_count_ = 0;
  std::uint64_t next_id_ = 0;
  RegistryCounts counts_ = {};
};

constexpr std::size_t Registry::memory_bytes() { return sizeof(Tables); }

}  // namespace wrackline::rocksdb_jni
