#include "rocksdb_probe/jni/objects.h"

#include <cstring>
#include <ctime>

#include "rocksdb_probe/jni/guarded_read.h"
#include "rocksdb_probe/jni/pages.h"

namespace wrackline::rocksdb_jni {

// libstdc++'s std::_Sp_counted_base of programs with threads. All holders together are one weak reference.
struct Objects::ControlBlock {
  void (**functions)(ControlBlock*);
  std::atomic<std::int32_t> holders;
  std::atomic<std::int32_t> weak;
};

namespace {

// Of std::_Sp_counted_base: two destructors come first.
constexpr int kDispose = 2, kDestroy = 3;
// More holders than this are no count of holders.
constexpr std::int32_t kBelievable = 1 << 24;

std::uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t Mix(std::uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdu;
  return x ^ (x >> 33);
}

// Threads that run at once have stacks of their own.
std::size_t StripeOfThisThread(std::size_t stripes) {
  const auto stack = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return static_cast<std::size_t>(Mix(stack >> 18)) % stripes;
}

bool HasEntry(ObjectKind kind) {
  return kind == ObjectKind::kIterator || kind == ObjectKind::kDatabase;
}
bool IsShared(ObjectKind kind) {
  return kind == ObjectKind::kCache || kind == ObjectKind::kWriteBufferManager;
}

}  // namespace

void Objects::Count(int library, ObjectKind kind, bool made) {
  Stripe& stripe = stripes_[library][StripeOfThisThread(kStripes)];
  auto& counters = made ? stripe.made : stripe.closed;
  counters[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
}

void Objects::Made(int library, ObjectKind kind, std::uint64_t handle, std::uint64_t of,
                   const void* code) {
  if (handle == 0) return;
  if (IsShared(kind)) AddShared(library, kind, handle, code);
  // A handle that is known already ended without being seen to.
  if (HasEntry(kind) && !Add({handle, of, Now(), static_cast<std::uint32_t>(library), kind})) {
    Count(library, kind, false);
  }
  Count(library, kind, true);
}

void Objects::Closed(int library, ObjectKind kind, std::uint64_t handle) {
  if (handle == 0) return;
  if (IsShared(kind)) RemoveShared(library, kind, handle);
  if (HasEntry(kind) && !Remove(library, kind, handle)) return;
  Count(library, kind, false);
}

// --- iterators and databases ---

Objects::Parts* Objects::Table() {
  Parts* parts = parts_.load(std::memory_order_acquire);
  if (parts != nullptr) return parts;
  auto* fresh = static_cast<Parts*>(MapPages(sizeof(Parts)));
  if (fresh == nullptr) return nullptr;
  if (parts_.compare_exchange_strong(parts, fresh, std::memory_order_acq_rel)) return fresh;
  munmap(fresh, sizeof(Parts));
  return parts;
}

// False: it takes the place of one with the same handle.
bool Objects::Add(const Entry& entry) {
  Parts* table = Table();
  if (table == nullptr) return true;
  const std::uint64_t hash = Mix(entry.handle);
  Part& part = table->parts[hash % kParts];
  const Locked locked(&part.lock);
  for (std::size_t i = 0, at = (hash >> 8) % kPlaces; i < kPlaces; ++i, at = (at + 1) % kPlaces) {
    Entry& place = part.places[at];
    if (place.handle == entry.handle && place.kind == entry.kind &&
        place.library == entry.library) {
      place = entry;
      return false;
    }
    if (place.handle != 0) continue;
    // One place stays free, so that every search ends.
    if (part.used + 1 == kPlaces) break;
    ++part.used;
    place = entry;
    return true;
  }
  ++part.unlisted[entry.library];
  return true;
}

// False: it is not there, and there is no other reason than that it was closed before.
bool Objects::Remove(int library, ObjectKind kind, std::uint64_t handle) {
  Parts* table = parts_.load(std::memory_order_acquire);
  if (table == nullptr) return true;
  const std::uint64_t hash = Mix(handle);
  Part& part = table->parts[hash % kParts];
  const Locked locked(&part.lock);
  std::size_t at = (hash >> 8) % kPlaces;
  for (; part.places[at].handle != 0; at = (at + 1) % kPlaces) {
    const Entry& place = part.places[at];
    if (place.handle == handle && place.kind == kind &&
        place.library == static_cast<std::uint32_t>(library)) {
      break;
    }
  }
  if (part.places[at].handle == 0) {
    // A database is closed by two calls, an iterator by one: it may be one that found no place.
    if (kind == ObjectKind::kDatabase || part.unlisted[library] == 0) return false;
    --part.unlisted[library];
    return true;
  }
  --part.used;
  // What comes after the gap moves into it, unless it would come before where its search begins.
  std::size_t gap = at;
  for (std::size_t next = (gap + 1) % kPlaces; part.places[next].handle != 0;
       next = (next + 1) % kPlaces) {
    const std::size_t home = (Mix(part.places[next].handle) >> 8) % kPlaces;
    const std::size_t from_home = (next + kPlaces - home) % kPlaces;
    const std::size_t from_gap = (next + kPlaces - gap) % kPlaces;
    if (from_home < from_gap) continue;
    part.places[gap] = part.places[next];
    gap = next;
  }
  part.places[gap] = {};
  return true;
}

// --- caches and managers ---

// Takes a weak reference to what `handle`, a std::shared_ptr, points to. nullptr: its control block is not as expected.
Objects::ControlBlock* Objects::WeakReference(std::uint64_t handle) {
  auto* const control = reinterpret_cast<ControlBlock*>(
      GuardedWord(reinterpret_cast<const void*>(handle + sizeof(void*))));
  struct {
    std::uint64_t functions;
    std::int32_t holders, weak;
  } seen;
  if (control == nullptr || !GuardedRead(control, &seen, sizeof(seen))) {
    return nullptr;
  }
  const auto believable = [](std::int32_t count) { return count >= 1 && count < kBelievable; };
  if (!believable(seen.holders) || !believable(seen.weak) || seen.functions % 8 != 0 ||
      seen.functions == 0) {
    return nullptr;
  }
  control->weak.fetch_add(1, std::memory_order_relaxed);
  return control;
}

// As std::weak_ptr::lock.
bool Objects::Hold(ControlBlock* control) {
  std::int32_t holders = control->holders.load(std::memory_order_relaxed);
  while (holders > 0) {
    if (control->holders.compare_exchange_weak(holders, holders + 1, std::memory_order_acq_rel)) {
      return true;
    }
  }
  return false;
}

// The last one destroys the object. The library is there: whoever holds has seen to it.
void Objects::LetGo(ControlBlock* control) {
  if (control->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  control->functions[kDispose](control);
  ForgetWeakly(control, true);
}

// Where the library may be gone the block is left lying: a few hundred bytes.
void Objects::ForgetWeakly(ControlBlock* control, bool callable) {
  if (!callable) return;
  if (control->weak.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    control->functions[kDestroy](control);
  }
}

void Objects::AddShared(int library, ObjectKind kind, std::uint64_t handle, const void* code) {
  const void* object = nullptr;
  if (!GuardedRead(reinterpret_cast<const void*>(handle), &object, sizeof(object)) ||
      object == nullptr) {
    return;
  }
  const Shared added = {handle, object, WeakReference(handle),
                        code,   Now(),  static_cast<std::uint32_t>(library),
                        kind};
  const Locked locked(&shared_lock_);
  Shared* place = nullptr;
  for (std::size_t i = 0; place == nullptr && i < shared_used_; ++i) {
    if (shared_[i].object == nullptr) place = &shared_[i];
  }
  if (place == nullptr && shared_used_ < kMostSharedObjects) place = &shared_[shared_used_++];
  if (place == nullptr) {
    ++shared_unlisted_[library];
    // Nobody holds it less for it: Java does.
    if (added.control != nullptr) added.control->weak.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  *place = added;
}

bool Objects::RemoveShared(int library, ObjectKind kind, std::uint64_t handle) {
  const Locked locked(&shared_lock_);
  for (std::size_t i = 0; i < shared_used_; ++i) {
    Shared& shared = shared_[i];
    if (shared.object == nullptr || shared.handle != handle || shared.kind != kind ||
        shared.library != static_cast<std::uint32_t>(library)) {
      continue;
    }
    // With a weak reference it is known when it really ends.
    shared.handle = 0;
    if (shared.control == nullptr) shared = {};
    return true;
  }
  if (shared_unlisted_[library] > 0) --shared_unlisted_[library];
  return false;
}

// --- the survey ---

void Objects::SurveyIterators(int library, ObjectSurvey* out) {
  Parts* table = parts_.load(std::memory_order_acquire);
  if (table == nullptr) return;
  for (Part& part : table->parts) {
    const Locked locked(&part.lock);
    out->unlisted += part.unlisted[library];
    if (part.used == 0) continue;
    for (const Entry& entry : part.places) {
      if (entry.handle == 0 || entry.kind != ObjectKind::kIterator ||
          entry.library != static_cast<std::uint32_t>(library)) {
        continue;
      }
      const auto* db = reinterpret_cast<const void*>(entry.of);
      std::size_t at = 0;
      while (at < out->database_count && out->iterators[at].db != db) ++at;
      if (at == ObjectSurvey::kMostDatabases) {
        ++out->unlisted;
        continue;
      }
      if (at == out->database_count) out->iterators[out->database_count++] = {db, 0, entry.made_ns};
      IteratorsOf& of = out->iterators[at];
      ++of.alive;
      if (entry.made_ns < of.oldest_ns) of.oldest_ns = entry.made_ns;
    }
  }
}

// The lock is not held over a call into RocksDB: only this function frees a place whose control block is known, so what was
// copied stays true.
void Objects::SurveyShared(int library, const JniLibrary* readable, ObjectSurvey* out) {
  std::size_t used = 0;
  {
    const Locked locked(&shared_lock_);
    used = shared_used_;
    out->unlisted += shared_unlisted_[library];
  }
  for (std::size_t i = 0; i < used; ++i) {
    Shared shared;
    {
      const Locked locked(&shared_lock_);
      shared = shared_[i];
    }
    if (shared.object == nullptr || shared.library != static_cast<std::uint32_t>(library)) continue;
    SharedObject seen = {shared.object, shared.made_ns, shared.kind, shared.handle == 0, {}, {}};
    if (shared.control != nullptr) {
      const std::int32_t holders = shared.control->holders.load(std::memory_order_acquire);
      if (holders <= 0) {
        ForgetWeakly(shared.control, readable != nullptr);
        const Locked locked(&shared_lock_);
        shared_[i] = {};
        continue;
      }
      seen.holders = static_cast<std::uint32_t>(holders);
      if (shared.kind == ObjectKind::kCache && readable != nullptr && Hold(shared.control)) {
        ReadCache(*readable, const_cast<void*>(shared.object), false, &seen.figures);
        LetGo(shared.control);
      }
    }
    if (out->shared_count == ObjectSurvey::kMostShared) {
      ++out->unlisted;
      continue;
    }
    out->shared[out->shared_count++] = seen;
  }
}

void Objects::Survey(int library, const JniLibrary* readable, ObjectSurvey* out) {
  std::memset(static_cast<void*>(out), 0, sizeof(*out));
  for (std::size_t kind = 0; kind < kObjectKinds; ++kind) {
    // Closed first: what is closed meanwhile was made before, and never more was closed than made.
    for (const Stripe& stripe : stripes_[library]) {
      out->counts[kind].closed += stripe.closed[kind].load(std::memory_order_acquire);
    }
    for (const Stripe& stripe : stripes_[library]) {
      out->counts[kind].made += stripe.made[kind].load(std::memory_order_acquire);
    }
    out->any = out->any || out->counts[kind].made > 0 || out->counts[kind].closed > 0;
  }
  if (!out->any) return;
  SurveyIterators(library, out);
  SurveyShared(library, readable, out);
}

}  // namespace wrackline::rocksdb_jni
