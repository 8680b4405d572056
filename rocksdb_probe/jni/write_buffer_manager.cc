// A WriteBufferManager has no virtual functions, its accessors are inline, and the C API has some only
// since 8.6. Where its figures are is found out on one of our own: made with a bound that is known,
// given memory that is known, then looked at.
#include <cstring>

#include "rocksdb_probe/jni/functions.h"
#include "rocksdb_probe/jni/guarded_read.h"
#include "rocksdb_probe/jni/library.h"

namespace wrackline::rocksdb_jni {
namespace {

constexpr std::size_t kBound = 8 * 1234567;  // so that 7/8 of it is whole
constexpr std::size_t kGiven = 654321;
constexpr std::size_t kScheduled = 54321;
constexpr std::size_t kDummy = 256 << 10;  // what a charge comes in

enum Word { kBufferSize, kMutableLimit, kUsage, kMutable, kReservation, kWords };

// A manager in memory of ours.
struct Trial {
  alignas(16) unsigned char bytes[1024] = {};
  std::uint64_t At(Word word) const {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes + word * sizeof value, sizeof value);
    return value;
  }
  bool Bounded() const { return At(kBufferSize) == kBound && At(kMutableLimit) == kBound / 8 * 7; }
};

// A std::shared_ptr.
struct SharedPointer {
  void* object = nullptr;
  void* count = nullptr;
};

void TryPlain(JniLibrary* out, const Image& image, void (*destroy)(void*)) {
  auto* make = reinterpret_cast<void (*)(void*, std::size_t, SharedPointer*, bool)>(
      image.FindOwn({"_ZN@18WriteBufferManagerC1EmSt10shared_ptrINS_5CacheEEb"}));
  auto* reserve = reinterpret_cast<void (*)(void*, std::size_t)>(
      image.FindOwn({"_ZN@18WriteBufferManager10ReserveMemEm"}));
  auto* schedule = reinterpret_cast<void (*)(void*, std::size_t)>(
      image.FindOwn({"_ZN@18WriteBufferManager15ScheduleFreeMemEm"}));
  auto* free = reinterpret_cast<void (*)(void*, std::size_t)>(
      image.FindOwn({"_ZN@18WriteBufferManager7FreeMemEm"}));
  if (make == nullptr || reserve == nullptr || schedule == nullptr || free == nullptr) return;
  Trial trial;
  SharedPointer none;
  make(trial.bytes, kBound, &none, false);
  if (trial.Bounded() && trial.At(kUsage) == 0 && trial.At(kMutable) == 0) {
    reserve(trial.bytes, kGiven);
    schedule(trial.bytes, kScheduled);
    out->manager_usage_known = trial.At(kUsage) == kGiven;
    out->manager_mutable_known =
        out->manager_usage_known && trial.At(kMutable) == kGiven - kScheduled;
    schedule(trial.bytes, kGiven - kScheduled);
    free(trial.bytes, kGiven);
  }
  destroy(trial.bytes);
}

// Before 6.21 memory is given by inline code, and only the part that charges a cache is exported.
void TryCharging(JniLibrary* out, const Image& image, void (*destroy)(void*)) {
  auto* make = reinterpret_cast<void (*)(void*, std::size_t, SharedPointer*)>(
      image.FindOwn({"_ZN@18WriteBufferManagerC1EmSt10shared_ptrINS_5CacheEE"}));
  auto* reserve = reinterpret_cast<void (*)(void*, std::size_t)>(
      image.FindOwn({"_ZN@18WriteBufferManager19ReserveMemWithCacheEm"}));
  auto* free = reinterpret_cast<void (*)(void*, std::size_t)>(
      image.FindOwn({"_ZN@18WriteBufferManager16FreeMemWithCacheEm"}));
  // A rocksdb_cache_t is a shared_ptr.
  auto* make_cache = reinterpret_cast<SharedPointer* (*)(std::size_t)>(
      image.FindOwn({"rocksdb_cache_create_lru"}));
  auto* free_cache =
      reinterpret_cast<void (*)(SharedPointer*)>(image.FindOwn({"rocksdb_cache_destroy"}));
  if (make == nullptr || reserve == nullptr || free == nullptr || make_cache == nullptr ||
      free_cache == nullptr)
    return;
  SharedPointer* cache = make_cache(4 << 20);
  Trial trial;
  make(trial.bytes, kBound, cache);  // takes what is in the pointer, and leaves it empty
  if (trial.Bounded() && trial.At(kUsage) == 0) {
    const std::uint64_t before = trial.At(kReservation);
    reserve(trial.bytes, kGiven);
    out->manager_usage_known = trial.At(kUsage) == kGiven;
    out->manager_reservation_known =
        out->manager_usage_known && before == 0 &&
        trial.At(kReservation) == (kGiven + kDummy - 1) / kDummy * kDummy;
    free(trial.bytes, kGiven);
  }
  destroy(trial.bytes);
  free_cache(cache);
}

std::uint64_t WordOf(const void* manager, Word word) {
  // The owner's threads add to it meanwhile.
  return __atomic_load_n(static_cast<const std::uint64_t*>(manager) + word, __ATOMIC_RELAXED);
}

}  // namespace

void TryManagers(JniLibrary* library) {
  const Image& image = library->image;
  static constexpr const char* kCounts[] = {
      "_ZTVSt15_Sp_counted_ptrIPN@18WriteBufferManagerELN9__gnu_cxx12_Lock_policyE2EE",
      "_ZTVSt19_Sp_counted_deleterIPN@18WriteBufferManagerENSt12__shared_ptrIS1_LN9__gnu_cxx12_"
      "Lock_policyE2EE8_DeleterISaIS1_EEES8_LS5_2EE",
      "_ZTVSt23_Sp_counted_ptr_inplaceIN@18WriteBufferManagerESaIS1_ELN9__gnu_cxx12_Lock_"
      "policyE2EE",
      "_ZTVSt23_Sp_counted_ptr_inplaceIN@18WriteBufferManagerESaIvELN9__gnu_cxx12_Lock_policyE2EE"};
  static_assert(sizeof kCounts / sizeof *kCounts == JniLibrary::kManagerCounts);
  for (std::size_t i = 0; i < JniLibrary::kManagerCounts; ++i)
    library->manager_counts[i] = image.Table({kCounts[i]});
  library->manager_reservation = reinterpret_cast<std::size_t (*)(const void*)>(
      image.FindOwn({"_ZNK@18WriteBufferManager28dummy_entries_in_cache_usageEv"}));
  library->manager_charges = reinterpret_cast<unsigned char (*)(void*)>(
      image.FindOwn({"rocksdb_write_buffer_manager_cost_to_cache"}));
  auto* destroy =
      reinterpret_cast<void (*)(void*)>(image.FindOwn({"_ZN@18WriteBufferManagerD1Ev"}));
  if (destroy == nullptr) return;
  TryPlain(library, image, destroy);
  if (!library->manager_usage_known) TryCharging(library, image, destroy);
}

void* FindManager(const JniLibrary& library, const void* options, std::size_t bytes) {
  for (std::size_t at = 0; at + 2 * sizeof(void*) <= bytes; at += sizeof(void*)) {
    void* words[2];
    std::memcpy(words, static_cast<const unsigned char*>(options) + at, sizeof words);
    const auto count = reinterpret_cast<std::uintptr_t>(words[1]);
    if (words[0] == nullptr || count < 65536) continue;
    const auto table = reinterpret_cast<const void*>(GuardedWord(words[1]));
    if (table == nullptr) continue;
    for (const void* known : library.manager_counts) {
      if (known != table) continue;
      WriteBufferManagerFigures figures;
      ReadWriteBufferManager(library, words[0], &figures);
      // The one that RocksDB makes when the program gives none counts nothing.
      return figures.buffer_size || figures.charged_to_cache == true ? words[0] : nullptr;
    }
  }
  return nullptr;
}

void ReadWriteBufferManager(const JniLibrary& library, const void* manager,
                            WriteBufferManagerFigures* out) {
  *out = {};
  std::uint64_t words[kWords];
  if (!library.manager_usage_known || !GuardedRead(manager, words, sizeof words)) return;
  const std::uint64_t bound = WordOf(manager, kBufferSize);
  if (bound != 0) out->buffer_size = bound;
  if (library.manager_reservation != nullptr) {
    out->cache_reservation = library.manager_reservation(manager);
  } else if (library.manager_reservation_known) {
    out->cache_reservation = WordOf(manager, kReservation);
  }
  const std::uint64_t usage = WordOf(manager, kUsage);
  if (library.manager_charges != nullptr) {
    SharedPointer pointer{const_cast<void*>(manager), nullptr};  // a shared_ptr that owns nothing
    out->charged_to_cache = library.manager_charges(&pointer) != 0;
  } else if (out->cache_reservation && *out->cache_reservation != 0) {
    out->charged_to_cache = true;
  }
  if (bound != 0 || out->charged_to_cache == true) out->memory_usage = usage;
  if (bound != 0 && library.manager_mutable_known) out->mutable_usage = WordOf(manager, kMutable);
  // With memory and no reservation none is charged; before there is memory it is not known.
  if (!out->charged_to_cache && out->cache_reservation && usage != 0) out->charged_to_cache = false;
}

}  // namespace wrackline::rocksdb_jni
