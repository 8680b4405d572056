#include "rocksdb_probe/jni/registry.h"

#include <cstring>

#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {
namespace {

// Away from those of a probe that the program itself embeds.
constexpr std::uint64_t kFirstId = std::uint64_t{1} << 32;

std::uint32_t HashOf(const void* pointer, std::uint32_t buckets) {
  std::uint64_t x = reinterpret_cast<std::uintptr_t>(pointer);
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
  return static_cast<std::uint32_t>((x ^ (x >> 33)) % buckets);
}

std::uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Takes `index` out of the chain that begins at `*first`.
template <typename Entry>
void Unchain(Entry* entries, std::uint32_t* first, std::uint32_t index) {
  for (std::uint32_t* at = first; *at != kNone; at = &entries[*at].next_of_hash) {
    if (*at != index) continue;
    *at = entries[index].next_of_hash;
    return;
  }
}

// A place that was used before, or a fresh one. kNone: there is none.
template <typename Entry>
std::uint32_t TakePlace(Entry* entries, std::uint32_t* free, std::uint32_t* used,
                        std::uint32_t most) {
  if (const std::uint32_t index = *free; index != kNone) {
    *free = entries[index].next_of_hash;
    return index;
  }
  return *used < most ? ++*used : kNone;
}

}  // namespace

bool Registry::Map() {
  if (tables_ == nullptr) tables_ = static_cast<Tables*>(MapPages(sizeof(Tables)));
  return tables_ != nullptr;
}

// --- the program's threads ---

std::uint32_t Registry::FindDatabase(const void* db) const {
  std::uint32_t at = tables_->database_hash[HashOf(db, kDatabaseHash)];
  while (at != kNone && tables_->databases[at].db != db) at = tables_->databases[at].next_of_hash;
  return at;
}

std::uint32_t Registry::FindFamily(const void* handle) const {
  std::uint32_t at = tables_->family_hash[HashOf(handle, kFamilyHash)];
  while (at != kNone && tables_->families[at].handle != handle) {
    at = tables_->families[at].next_of_hash;
  }
  return at;
}

std::uint32_t Registry::NewFamily(std::uint32_t database, void* handle) {
  if (const std::uint32_t old = FindFamily(handle); old != kNone) CloseFamily(old);
  const std::uint32_t index =
      TakePlace(tables_->families, &free_family_, &families_used_, kMostFamilies);
  if (index == kNone) {
    ++counts_.no_room;
    return kNone;
  }
  WatchedDatabase& owner = tables_->databases[database];
  WatchedFamily& family = tables_->families[index];
  std::uint32_t& bucket = tables_->family_hash[HashOf(handle, kFamilyHash)];
  family.handle = handle;
  family.database = database;
  family.next_of_database = owner.first_family;
  family.next_of_hash = bucket;
  family.life = Life::kOpen;
  bucket = index;
  owner.first_family = index;
  owner.changed = true;
  ++counts_.families;
  return index;
}

// Stays in its database's chain until Sweep.
void Registry::CloseFamily(std::uint32_t index) {
  WatchedFamily& family = tables_->families[index];
  Unchain(tables_->families, &tables_->family_hash[HashOf(family.handle, kFamilyHash)], index);
  family.life = Life::kClosed;
}

void Registry::CloseDatabase(std::uint32_t index) {
  WatchedDatabase& database = tables_->databases[index];
  Unchain(tables_->databases, &tables_->database_hash[HashOf(database.db, kDatabaseHash)], index);
  database.life = Life::kClosed;
  ++counts_.closed;
  for (std::uint32_t at = database.first_family; at != kNone;
       at = tables_->families[at].next_of_database) {
    if (tables_->families[at].life == Life::kOpen) CloseFamily(at);
  }
}

std::uint32_t Registry::NewDatabase(const void* code, void* db) {
  const std::uint32_t index =
      Map() ? TakePlace(tables_->databases, &free_database_, &databases_used_, kMostDatabases)
            : kNone;
  if (tables_ != nullptr) {
    if (const std::uint32_t old = FindDatabase(db); old != kNone) CloseDatabase(old);
  }
  if (index == kNone) {
    ++counts_.no_room;
    return kNone;
  }
  WatchedDatabase& database = tables_->databases[index];
  std::uint32_t& bucket = tables_->database_hash[HashOf(db, kDatabaseHash)];
  database.db = db;
  database.code = code;
  database.id = kFirstId + next_id_++;
  database.first_family = kNone;
  database.next_of_hash = bucket;
  database.changed = true;
  database.life = Life::kOpen;
  bucket = index;
  ++counts_.opened;
  return index;
}

void Registry::Opened(const void* code, void* db, void* const* families, std::size_t count) {
  if (!enabled_.load(std::memory_order_acquire) || db == nullptr || stopped()) return;
  {
    const Locked locked(&lock_);
    if (const std::uint32_t index = NewDatabase(code, db); index != kNone) {
      for (std::size_t i = 0; i < count; ++i) {
        if (families[i] != nullptr) NewFamily(index, families[i]);
      }
    }
  }
  // Also when there was no room: what was closed is to be swept.
  bell_.store(1, std::memory_order_release);
  WakeAll(&bell_);
}

void Registry::FamilyMade(void* db, void* handle) {
  if (handle == nullptr || stopped()) return;
  const Locked locked(&lock_);
  if (tables_ == nullptr) return;
  const std::uint32_t database = FindDatabase(db);
  if (database == kNone) {
    ++counts_.unknown_owner;
  } else {
    NewFamily(database, handle);
  }
}

void Registry::WaitUntilLetGo(std::uint32_t database, std::uint32_t family) {
  const auto held = [&] {
    return held_database_ != kNone &&
           (family == kNone ? held_database_ == database : held_family_ == family);
  };
  if (!held()) return;
  const std::uint64_t began = Now();
  ++waiting_;
  do {
    const std::uint32_t count = let_go_.load(std::memory_order_relaxed);
    lock_.Give();
    SleepWhile(&let_go_, count, nullptr);
    lock_.Take();
  } while (held());
  --waiting_;
  const std::uint64_t waited = Now() - began;
  if (waited > counts_.longest_wait_ns) counts_.longest_wait_ns = waited;
}

void Registry::Closing(void* db) {
  const Locked locked(&lock_);
  if (tables_ == nullptr) return;
  const std::uint32_t index = FindDatabase(db);
  if (index == kNone) return;
  CloseDatabase(index);
  WaitUntilLetGo(index, kNone);
}

void Registry::FamilyClosing(void* handle) {
  const Locked locked(&lock_);
  if (tables_ == nullptr) return;
  const std::uint32_t index = FindFamily(handle);
  if (index == kNone) return;
  CloseFamily(index);
  WaitUntilLetGo(kNone, index);
}

void Registry::ManagerMade(const void* manager, const void* cache) {
  if (manager == nullptr || !enabled_.load(std::memory_order_acquire)) return;
  const Locked locked(&lock_);
  if (!Map()) return;
  // The newest count: an address is used again.
  for (std::uint32_t i = 0; i < manager_count_ && i < kManagers; ++i) {
    if (tables_->managers[i].manager != manager) continue;
    tables_->managers[i].cache = cache;
    return;
  }
  tables_->managers[manager_count_++ % kManagers] = {manager, cache};
}

// --- the reader ---

bool Registry::Stop(std::uint64_t until_ns) {
  stopped_.store(true, std::memory_order_release);
  const timespec until{static_cast<time_t>(until_ns / 1'000'000'000u),
                       static_cast<long>(until_ns % 1'000'000'000u)};
  const Locked locked(&lock_);
  ++waiting_;
  while ((held_database_ != kNone || busy_) && Now() < until_ns) {
    const std::uint32_t count = let_go_.load(std::memory_order_relaxed);
    lock_.Give();
    SleepWhile(&let_go_, count, &until);
    lock_.Take();
  }
  --waiting_;
  return held_database_ == kNone && !busy_;
}

void Registry::SetBusy(bool busy) {
  const Locked locked(&lock_);
  busy_ = busy;
  LetGoLocked();
}

void Registry::LetGoLocked() {
  held_database_ = held_family_ = kNone;
  if (waiting_ == 0) return;
  let_go_.fetch_add(1, std::memory_order_relaxed);
  WakeAll(&let_go_);
}

void Registry::LetGo() {
  const Locked locked(&lock_);
  LetGoLocked();
}

bool Registry::Next(Cursor* at) {
  const Locked locked(&lock_);
  LetGoLocked();
  if (stopped()) return false;
  WatchedFamily* const families = tables_->families;
  if (at->database_index != kNone) {
    // A place that was closed keeps what came behind it until Sweep.
    std::uint32_t next = at->family_index != kNone
                             ? families[at->family_index].next_of_database
                             : tables_->databases[at->database_index].first_family;
    while (next != kNone && families[next].life != Life::kOpen) {
      next = families[next].next_of_database;
    }
    if (next != kNone) {
      at->family_index = next;
      at->family = &families[next];
      held_database_ = at->database_index;
      held_family_ = next;
      return true;
    }
  }
  at->family_index = kNone;
  at->family = nullptr;
  while (++at->database_index <= databases_used_) {
    at->database = &tables_->databases[at->database_index];
    if (at->database->life != Life::kOpen) continue;
    held_database_ = at->database_index;
    held_family_ = kNone;
    return true;
  }
  return false;
}

bool Registry::HoldAgain(const Cursor& at) {
  const Locked locked(&lock_);
  if (stopped() || at.database->life != Life::kOpen ||
      (at.family != nullptr && at.family->life != Life::kOpen)) {
    return false;
  }
  held_database_ = at.database_index;
  held_family_ = at.family_index;
  return true;
}

void Registry::SkipFamilies(Cursor* at) {
  const Locked locked(&lock_);
  LetGoLocked();
  std::uint32_t last = at->family_index;
  std::uint32_t next =
      last != kNone ? tables_->families[last].next_of_database : at->database->first_family;
  for (; next != kNone; next = tables_->families[next].next_of_database) last = next;
  at->family_index = last;
  at->family = last != kNone ? &tables_->families[last] : nullptr;
}

WatchedFamily* Registry::AddFamily(const Cursor& at, void* handle) {
  const Locked locked(&lock_);
  // Closed while it is held: whoever closes it waits.
  if (at.database->life != Life::kOpen) return nullptr;
  if (const std::uint32_t known = FindFamily(handle); known != kNone) {
    return &tables_->families[known];
  }
  const std::uint32_t index = NewFamily(at.database_index, handle);
  return index == kNone ? nullptr : &tables_->families[index];
}

void Registry::Sweep(void (*closed)(void* context, WatchedDatabase* database), void* context) {
  std::uint32_t used = 0;
  {
    const Locked locked(&lock_);
    used = databases_used_;
  }
  for (std::uint32_t index = 1; index <= used; ++index) {
    WatchedDatabase& database = tables_->databases[index];
    bool is_closed = false;
    {
      const Locked locked(&lock_);
      is_closed = database.life == Life::kClosed;
    }
    // It is the reader's own now.
    if (is_closed) closed(context, &database);
    const Locked locked(&lock_);
    std::uint32_t* at = &database.first_family;
    while (*at != kNone) {
      const std::uint32_t family_index = *at;
      WatchedFamily& family = tables_->families[family_index];
      if (family.life != Life::kClosed) {
        at = &family.next_of_database;
        continue;
      }
      *at = family.next_of_database;
      family.files.Forget();
      std::memset(static_cast<void*>(&family), 0, sizeof(family));
      family.next_of_hash = free_family_;
      free_family_ = family_index;
    }
    if (!is_closed) continue;
    std::memset(static_cast<void*>(&database), 0, sizeof(database));
    database.next_of_hash = free_database_;
    free_database_ = index;
  }
}

WatchedFamily* Registry::FamilyOf(const WatchedDatabase& database, std::uint32_t* at) {
  const Locked locked(&lock_);
  *at = *at == kNone ? database.first_family : tables_->families[*at].next_of_database;
  return *at == kNone ? nullptr : &tables_->families[*at];
}

std::uint32_t Registry::IndexOf(const WatchedFamily& family) const {
  return static_cast<std::uint32_t>(&family - tables_->families);
}

std::uint64_t Registry::IdOf(const void* db) {
  const Locked locked(&lock_);
  if (tables_ == nullptr) return 0;
  const std::uint32_t index = FindDatabase(db);
  return index == kNone ? 0 : tables_->databases[index].id;
}

const void* Registry::CacheOf(const void* manager) {
  const Locked locked(&lock_);
  for (std::uint32_t i = 0; i < manager_count_ && i < kManagers; ++i) {
    if (tables_->managers[i].manager == manager) return tables_->managers[i].cache;
  }
  return nullptr;
}

RegistryCounts Registry::Counts() {
  const Locked locked(&lock_);
  return counts_;
}

}  // namespace wrackline::rocksdb_jni
