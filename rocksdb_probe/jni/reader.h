// The reader: one thread that goes through all databases of a Registry, reads them and hands records on.
//
//   reader.Open(&registry, host);
//   for (;;) { reader.Round(true); ...sleep for the period, or until registry.bell() rings: then reader.Round(false)... }
//
// Memory is mapped once; RocksDB itself allocates. One thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rocksdb_probe/jni/records.h"
#include "rocksdb_probe/jni/registry.h"

namespace wrackline::rocksdb_jni {

// What the process offers, as wrackline/shim.h describes it: `kind` 1 is a state, 2 history. 0, or an errno value.
struct Host {
  int (*submit)(std::uint64_t key, std::uint32_t kind, const void* record, std::size_t size);
};

// Keeps work within a part of the time, by its own cost.
class Pace {
 public:
  // After work that cost `cost_ns`, at most one part in `parts` of the time.
  void Spent(std::uint64_t end_ns, std::uint64_t cost_ns, std::uint64_t parts) {
    next_ns_ = end_ns + cost_ns * parts;
  }
  bool Due(std::uint64_t now_ns) const { return now_ns >= next_ns_; }

 private:
  std::uint64_t next_ns_;
};

struct ReaderCounts {
  std::uint64_t rounds;
  std::uint64_t refused;     // records that the host did not take
  std::uint64_t unreadable;  // databases whose library cannot be read
  std::uint64_t unseen;      // databases that were closed before they were read
  std::uint64_t splits;
  const char* why;  // of the last one that was unreadable; a constant text, or nullptr
};

class Reader {
 public:
  // False: no memory.
  bool Open(Registry* registry, const Host& host);

  // Takes notice of what is new and of what has gone. `sample`: and reads all figures; splits caches when that is due.
  void Round(bool sample);
  ReaderCounts Counts() const { return counts_; }
  // Of its memory: for whoever counts what is resident of it.
  const void* memory() const { return tables_; }
  static constexpr std::size_t memory_bytes();

 private:
  static constexpr std::size_t kFamiliesAtOnce = 64;
  static constexpr std::uint32_t kMostCaches = kMostFamilies;
  static constexpr std::uint32_t kCacheHash = 2 * kMostCaches;
  static constexpr std::size_t kMostManagers = 1024;
  // Of one walk; another walk takes the others.
  static constexpr std::size_t kMostHeld = 256;

  struct HeldCaches {
    const JniLibrary* library;
    Held held;
    void* caches[2];  // of `held`: those that no other one in the list has
    CacheKind kinds[2];
  };
  struct KnownCache {
    CacheSample sample;
    std::uint64_t round;  // when it was read last
    std::uint64_t walk;   // 0: never
    std::uint32_t bucket;
    TimedSplit split;
    WalkTrail trail;
    Pace pinned;
  };
  struct KnownManager {
    ManagerSample sample;
    std::uint64_t round;
  };
  struct Tables {
    FamilySample families[kFamiliesAtOnce];
    const CacheSample* used_caches[2 * kFamiliesAtOnce + 2];
    KnownCache caches[kMostCaches + 1];  // from 1 on
    std::uint32_t cache_hash[kCacheHash];
    KnownManager managers[kMostManagers];
    HeldCaches held[kMostHeld];
    BlockBytes by_owner[kMostFamilies + 1];
    const WatchedFamily* state_families[kMostFamilies];
    unsigned char record[kMostRecordBytes];
  };

  void TakeNotice();
  bool LearnDatabase(const Registry::Cursor& at);
  void LearnFamily(const Registry::Cursor& at);
  void RecordState(WatchedDatabase* database, bool closed);
  static void RecordClosed(void* self, WatchedDatabase* database);

  void Sample();
  void BeginDatabase(const Registry::Cursor& at, DatabaseFigures* figures, SamplePart* part);
  void AddFamily(const Registry::Cursor& at, SamplePart* part);
  void Put(SamplePart* part);
  static void ReadDirectly(const JniLibrary& library, void* cache, KnownCache* known,
                           CacheFigures* out);
  KnownCache* CacheAt(const void* cache, CacheKind kind);
  bool UseCache(KnownCache* cache, SamplePart* part);
  const ManagerSample* ManagerOf(const WatchedDatabase& database);
  void ForgetCaches();

  void Split();
  void HoldCaches(const Registry::Cursor& at);
  bool IsHeld(const void* cache) const;
  void WalkHeld(std::uint64_t files_ns);
  void LetGo(HeldCaches* held);

  // False: it was refused, and counted.
  bool Submit(std::uint64_t key, std::uint32_t kind, std::size_t size);

  Registry* registry_;
  Host host_;
  Tables* tables_;
  std::uint32_t cache_count_;
  std::size_t manager_count_, held_count_;
  std::uint64_t round_;
  std::uint64_t walk_;  // those that have this number were walked; 1: none yet
  bool held_all_;
  Pace splits_;
  OwnerTable owners_;
  ReaderCounts counts_;
};

constexpr std::size_t Reader::memory_bytes() { return sizeof(Tables); }

}  // namespace wrackline::rocksdb_jni
