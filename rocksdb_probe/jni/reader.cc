#include "rocksdb_probe/jni/reader.h"

#include <cerrno>
#include <cstring>
#include <ctime>

#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {
namespace {

constexpr std::uint32_t kState = 1, kHistory = 2, kEnded = 3;

std::uint64_t Clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}
std::uint64_t Monotonic() { return Clock(CLOCK_MONOTONIC); }

// splitmix64's finalizer, as the embedded probe does it: away from the keys of other submitters.
std::uint64_t KeyOf(std::uint64_t database_id, std::uint64_t stream) {
  std::uint64_t x = 0x726f636b73646221u + database_id * 2 + stream;  // "rocksdb!"
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint32_t HashOf(const void* pointer, std::uint32_t buckets) {
  const std::uint64_t x = reinterpret_cast<std::uintptr_t>(pointer) * 0x9e3779b97f4a7c15u;
  return static_cast<std::uint32_t>((x >> 32) % buckets);
}

}  // namespace

bool Reader::Open(Registry* registry, const Host& host) {
  registry_ = registry;
  host_ = host;
  walk_ = 1;
  tables_ = static_cast<Tables*>(MapPages(sizeof(Tables)));
  return tables_ != nullptr;
}

void Reader::Round(bool sample) {
  // RocksDB's code runs here also where no database is held: what is closed for good has to wait for all of it.
  registry_->SetBusy(true);
  TakeNotice();
  if (sample) {
    ++round_;
    Sample();
    ForgetCaches();
    ++counts_.rounds;
  }
  registry_->Sweep(RecordClosed, this);
  registry_->SetBusy(false);
}

// Nothing is held: a full mailbox is emptied every 100 ms.
bool Reader::Submit(std::uint64_t key, std::uint32_t kind, std::size_t size) {
  constexpr int kAttempts = 30;
  for (int i = 0; i < kAttempts && size > 0; ++i) {
    const int error = host_.submit(key, kind, tables_->record, size);
    if (error == 0 || error == ENODEV) return true;
    if (error != EAGAIN || registry_->stopped()) break;
    constexpr timespec kMoment = {0, 10'000'000};
    nanosleep(&kMoment, nullptr);
  }
  ++counts_.refused;
  return false;
}

// --- what is new ---

void Reader::TakeNotice() {
  Registry::Cursor at;
  WatchedDatabase* changed = nullptr;
  const auto record = [&] {
    if (changed != nullptr && changed->facts_known) RecordState(changed, false);
    changed = nullptr;
  };
  while (registry_->Next(&at)) {
    if (at.family != nullptr) {
      // Of a library that cannot be read a family may have come meanwhile.
      if (at.database->facts_known && !at.family->facts_known) LearnFamily(at);
      continue;
    }
    const bool look =
        !at.database->unreadable && at.database->changed.exchange(false, std::memory_order_relaxed);
    if (look && changed == nullptr) {
      changed = at.database;
      if (LearnDatabase(at)) continue;
      registry_->SkipFamilies(&at);
      continue;
    }
    registry_->LetGo();
    record();
    if (look && registry_->HoldAgain(at)) {
      changed = at.database;
      if (LearnDatabase(at)) continue;
    }
    registry_->SkipFamilies(&at);
  }
  record();
}

// The database is held, and still is on return of true.
bool Reader::LearnDatabase(const Registry::Cursor& at) {
  WatchedDatabase& database = *at.database;
  if (database.facts_known) return true;
  if (database.library == nullptr) {
    // Takes the loader's lock, which may be held for long.
    registry_->LetGo();
    database.library = FindJniLibrary(database.code, &counts_.why);
    if (database.library == nullptr) {
      database.unreadable = true;
      ++counts_.unreadable;
      return false;
    }
    if (!registry_->HoldAgain(at)) return false;
  }
  ReadDatabaseFacts(*database.library, database.db, &database.facts);
  database.facts_known = true;
  database.default_family = DefaultFamily(*database.library, database.db);
  if (database.default_family != nullptr) {
    database.has_default = true;
    registry_->AddFamily(at, database.default_family);
  }
  return true;
}

void Reader::LearnFamily(const Registry::Cursor& at) {
  WatchedFamily& family = *at.family;
  if (!ReadFamilyFacts(*at.database->library, family.handle, &family.facts)) return;
  if (family.facts.id == 0 && family.handle != at.database->default_family) {
    // Java asks for a handle of its own of this family.
    family.shadow = at.database->has_default;
    at.database->has_default = true;
  }
  family.facts_known = true;
}

void Reader::RecordState(WatchedDatabase* database, bool closed) {
  std::size_t count = 0;
  std::uint32_t at = kNone;
  while (const WatchedFamily* family = registry_->FamilyOf(*database, &at)) {
    if (family->facts_known && !family->shadow && count < kMostFamilies) {
      tables_->state_families[count++] = family;
    }
  }
  // Newest first in the chain; the record has them as they came.
  for (std::size_t i = 0; i < count / 2; ++i) {
    const WatchedFamily* other = tables_->state_families[i];
    tables_->state_families[i] = tables_->state_families[count - 1 - i];
    tables_->state_families[count - 1 - i] = other;
  }
  const bool taken =
      Submit(KeyOf(database->id, 0), closed ? kEnded : kState,
             EncodeDatabase(*database, tables_->state_families, count, closed,
                            Clock(CLOCK_REALTIME), tables_->record, sizeof(tables_->record)));
  database->recorded = database->recorded || taken;
  // Its samples have neither a path nor options without it: again with the next round.
  if (!taken && !closed) database->changed.store(true, std::memory_order_relaxed);
}

void Reader::RecordClosed(void* self, WatchedDatabase* database) {
  auto* reader = static_cast<Reader*>(self);
  if (database->recorded) {
    reader->RecordState(database, true);
  } else if (!database->unreadable) {
    ++reader->counts_.unseen;
  }
}

// --- figures ---

void Reader::Sample() {
  Split();
  Registry::Cursor at;
  DatabaseFigures figures;
  SamplePart part = {};
  while (registry_->Next(&at)) {
    if (at.family == nullptr && part.database_id != 0) {
      // The one before is finished.
      registry_->LetGo();
      Put(&part);
      part.database_id = 0;
      if (!registry_->HoldAgain(at)) continue;
    }
    const std::uint64_t begin = Monotonic();
    if (at.family == nullptr) {
      if (!at.database->facts_known) {
        registry_->SkipFamilies(&at);
        continue;
      }
      BeginDatabase(at, &figures, &part);
      part.monotonic_ns = begin;
      part.time_ns = Clock(CLOCK_REALTIME);
    } else if (at.family->facts_known && !at.family->shadow) {
      if (part.family_count == kFamiliesAtOnce) {
        registry_->LetGo();
        Put(&part);
        if (!registry_->HoldAgain(at)) continue;
      }
      AddFamily(at, &part);
    }
    part.cost_ns += Monotonic() - begin;
  }
  if (part.database_id != 0) Put(&part);
}

// Nothing is held. The next part of the same database begins.
void Reader::Put(SamplePart* part) {
  part->families = tables_->families;
  part->caches = tables_->used_caches;
  Submit(KeyOf(part->database_id, 1), kHistory,
         EncodeSample(*part, tables_->record, sizeof(tables_->record)));
  part->figures = nullptr;
  part->manager = nullptr;
  part->family_count = part->cache_count = 0;
}

void Reader::BeginDatabase(const Registry::Cursor& at, DatabaseFigures* figures, SamplePart* part) {
  const WatchedDatabase& database = *at.database;
  const JniLibrary& library = *database.library;
  *part = {};
  *figures = {};
  part->database_id = database.id;
  if (database.default_family != nullptr) {
    ReadDatabase(library, {database.db, database.default_family}, figures);
    part->figures = figures;
  }
  const auto use = [&](const void* cache, CacheKind kind) {
    if (cache == nullptr) return;
    KnownCache* known = CacheAt(cache, kind);
    if (!UseCache(known, part)) return;
    ReadDirectly(library, const_cast<void*>(cache), known, &known->sample.figures);
  };
  use(database.facts.row_cache, CacheKind::kRow);
  if (database.facts.write_buffer_manager == nullptr) return;
  part->manager = ManagerOf(database);
  // The manager keeps its cache alive, and the database its manager.
  if (part->manager != nullptr && part->manager->figures.charged_to_cache.value_or(false)) {
    use(part->manager->cache, CacheKind::kBlock);
  }
}

void Reader::AddFamily(const Registry::Cursor& at, SamplePart* part) {
  const WatchedFamily& family = *at.family;
  const JniLibrary& library = *at.database->library;
  FamilySample& sample = tables_->families[part->family_count++];
  sample = {};
  sample.family = &family;
  const Family of{at.database->db, family.handle};
  ReadFamily(library, of, &sample.figures, false);
  const auto use = [&](void* cache, CacheKind kind) {
    if (cache == nullptr) return;
    KnownCache* known = CacheAt(cache, kind);
    if (!UseCache(known, part)) return;
    CacheFigures own;
    ReadDirectly(library, cache, known, &own);
    ReadCacheOf(library, of, kind == CacheKind::kBlob, &known->sample.figures);
    known->sample.figures.pinned_usage = own.pinned_usage;
    known->sample.figures.strict_capacity_limit = own.strict_capacity_limit;
  };
  use(family.facts.block_cache, CacheKind::kBlock);
  if (family.facts.blob_cache != family.facts.block_cache) {
    use(family.facts.blob_cache, CacheKind::kBlob);
  }
}

// What is pinned costs a HyperClockCache a walk through all that it holds: no more than a thousandth of the time.
void Reader::ReadDirectly(const JniLibrary& library, void* cache, KnownCache* known,
                          CacheFigures* out) {
  constexpr std::uint64_t kParts = 1000;
  const bool pinned = known->pinned.Due(Monotonic());
  // Processor time: of another one's turn it is not to blame.
  const std::uint64_t begin = Clock(CLOCK_THREAD_CPUTIME_ID);
  ReadCache(library, cache, pinned, out);
  if (pinned) known->pinned.Spent(Monotonic(), Clock(CLOCK_THREAD_CPUTIME_ID) - begin, kParts);
}

// --- caches and managers, once a round however many share them ---

Reader::KnownCache* Reader::CacheAt(const void* cache, CacheKind kind) {
  std::uint32_t bucket = HashOf(cache, kCacheHash);
  for (; tables_->cache_hash[bucket] != 0; bucket = (bucket + 1) % kCacheHash) {
    KnownCache& known = tables_->caches[tables_->cache_hash[bucket]];
    if (known.sample.id != cache) continue;
    // One that holds blocks and others is a block cache.
    if (kind == CacheKind::kBlock) known.sample.kind = kind;
    return &known;
  }
  if (cache_count_ == kMostCaches) return nullptr;
  tables_->cache_hash[bucket] = ++cache_count_;
  KnownCache& known = tables_->caches[cache_count_];
  known = {};
  known.sample.id = cache;
  known.sample.kind = kind;
  known.bucket = bucket;
  return &known;
}

// Puts it into the part. True: its figures are to be read, once a round.
bool Reader::UseCache(KnownCache* cache, SamplePart* part) {
  if (cache == nullptr) return false;
  bool in_part = false;
  for (std::size_t i = 0; i < part->cache_count; ++i) {
    in_part = in_part || tables_->used_caches[i] == &cache->sample;
  }
  if (!in_part) tables_->used_caches[part->cache_count++] = &cache->sample;
  const bool read = cache->round != round_;
  cache->round = round_;
  return read;
}

// Those that nobody uses any more: their addresses may become others'.
void Reader::ForgetCaches() {
  if (registry_->stopped()) return;
  bool all = true;
  for (std::uint32_t i = 1; i <= cache_count_; ++i) {
    all = all && tables_->caches[i].round == round_;
  }
  if (all) return;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 1; i <= cache_count_; ++i) {
    KnownCache& known = tables_->caches[i];
    tables_->cache_hash[known.bucket] = 0;
    if (known.round != round_) {
      known.trail.Forget();
      continue;
    }
    if (++kept == i) continue;
    tables_->caches[kept] = known;
    if (known.sample.split != nullptr)
      tables_->caches[kept].sample.split = &tables_->caches[kept].split;
  }
  cache_count_ = kept;
  for (std::uint32_t i = 1; i <= kept; ++i) {
    std::uint32_t bucket = HashOf(tables_->caches[i].sample.id, kCacheHash);
    while (tables_->cache_hash[bucket] != 0) bucket = (bucket + 1) % kCacheHash;
    tables_->cache_hash[bucket] = i;
    tables_->caches[i].bucket = bucket;
  }
}

const ManagerSample* Reader::ManagerOf(const WatchedDatabase& database) {
  const void* manager = database.facts.write_buffer_manager;
  KnownManager* known = nullptr;
  for (std::size_t i = 0; i < manager_count_; ++i) {
    KnownManager& entry = tables_->managers[i];
    if (entry.sample.id == manager) {
      known = &entry;
      break;
    }
    if (entry.round + 1 < round_) known = &entry;  // nobody's any more
  }
  if (known == nullptr) {
    if (manager_count_ == kMostManagers) return nullptr;
    known = &tables_->managers[manager_count_++];
  }
  if (known->sample.id != manager || known->round != round_) {
    *known = {};
    known->sample.id = manager;
    known->sample.cache = registry_->CacheOf(manager);
    known->round = round_;
    ReadWriteBufferManager(*database.library, manager, &known->sample.figures);
  }
  return &known->sample;
}

// --- whose the blocks of a cache are ---

bool Reader::IsHeld(const void* cache) const {
  for (std::size_t i = 0; cache != nullptr && i < held_count_; ++i) {
    if (tables_->held[i].caches[0] == cache || tables_->held[i].caches[1] == cache) return true;
  }
  return false;
}

void Reader::HoldCaches(const Registry::Cursor& at) {
  const JniLibrary& library = *at.database->library;
  const FamilyFacts& facts = at.family->facts;
  const auto wanted = [&](const void* cache, CacheKind kind) {
    if (cache == nullptr || IsHeld(cache)) return false;
    const KnownCache* known = CacheAt(cache, kind);
    return known != nullptr && known->walk != walk_;
  };
  const bool block = wanted(facts.block_cache, CacheKind::kBlock);
  const bool blob =
      facts.blob_cache != facts.block_cache && wanted(facts.blob_cache, CacheKind::kBlob);
  if (!block && !blob) return;
  if (held_count_ == kMostHeld) {
    held_all_ = false;
    return;
  }
  HeldCaches& held = tables_->held[held_count_];
  held = {};
  held.library = &library;
  if (!Hold(library, at.family->handle, &held.held)) return;
  // The table options may have been changed since.
  if (block && held.held.block_cache == facts.block_cache) held.caches[0] = facts.block_cache;
  if (blob && held.held.blob_cache == facts.blob_cache) held.caches[1] = facts.blob_cache;
  held.kinds[0] = CacheKind::kBlock;
  held.kinds[1] = CacheKind::kBlob;
  if (held.caches[0] == nullptr && held.caches[1] == nullptr) {
    LetGo(&held);
  } else {
    ++held_count_;
  }
}

void Reader::WalkHeld(std::uint64_t files_ns) {
  for (std::size_t i = 0; i < held_count_; ++i) {
    HeldCaches& held = tables_->held[i];
    for (int j = 0; j < 2 && !registry_->stopped(); ++j) {
      KnownCache* known =
          held.caches[j] == nullptr ? nullptr : CacheAt(held.caches[j], held.kinds[j]);
      if (known == nullptr) continue;
      TimedSplit split = {};
      split.monotonic_ns = Monotonic();
      const std::uint64_t cpu = Clock(CLOCK_THREAD_CPUTIME_ID);
      if (ScanCache(*held.library, held.caches[j], owners_, tables_->by_owner, kMostFamilies + 1,
                    &split.split, &known->trail)) {
        split.duration_ns = Monotonic() - split.monotonic_ns;
        split.cpu_ns = Clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
        split.files_ns = files_ns;
        known->split = split;
        known->sample.split = &known->split;
      } else {
        held.caches[j] = nullptr;
      }
      known->walk = walk_;
    }
    LetGo(&held);
  }
}

// Once everything ends what was held is left: the last one to hold options runs their destructors, and Java's are among them.
void Reader::LetGo(HeldCaches* held) {
  if (!registry_->stopped()) Release(*held->library, &held->held);
}

void Reader::Split() {
  // A walk takes two cache lines of each entry, and asking for files may read them: no more than a hundredth of the time.
  constexpr std::uint64_t kParts = 100;
  const std::uint64_t begin = Monotonic();
  if (!splits_.Due(begin)) return;
  const std::uint64_t cpu = Clock(CLOCK_THREAD_CPUTIME_ID);
  const auto takes_part = [](const Registry::Cursor& at) {
    return at.family != nullptr && at.family->facts_known && !at.family->shadow &&
           at.database->library != nullptr && Facts(*at.database->library).can_split;
  };
  held_count_ = 0;
  held_all_ = true;
  std::size_t files = 0;
  std::uint64_t asked_ns = 0;
  for (Registry::Cursor at; registry_->Next(&at);) {
    if (!takes_part(at)) continue;
    const std::uint64_t asking = Monotonic();
    at.family->files.Refresh(*at.database->library, {at.database->db, at.family->handle});
    asked_ns += Monotonic() - asking;
    files += at.family->files.size();
    tables_->by_owner[registry_->IndexOf(*at.family)] = {};
    HoldCaches(at);
  }
  if (held_count_ > 0 && owners_.Reset(files)) {
    for (Registry::Cursor at; registry_->Next(&at);) {
      if (!takes_part(at)) continue;
      for (std::size_t i = 0; i < at.family->files.size(); ++i) {
        owners_.Add(at.family->files.key(i), registry_->IndexOf(*at.family));
      }
    }
    WalkHeld(asked_ns);
    for (Registry::Cursor at; registry_->Next(&at);) {
      if (!takes_part(at) ||
          !(IsHeld(at.family->facts.block_cache) || IsHeld(at.family->facts.blob_cache))) {
        continue;
      }
      at.family->blocks = tables_->by_owner[registry_->IndexOf(*at.family)];
      at.family->split = true;
    }
    ++counts_.splits;
  } else {
    for (std::size_t i = 0; i < held_count_; ++i) {
      LetGo(&tables_->held[i]);
    }
  }
  if (held_all_) ++walk_;
  const std::uint64_t used = Clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
  splits_.Spent(Monotonic(), used > asked_ns ? used : asked_ns, kParts);
}

}  // namespace wrackline::rocksdb_jni
