#include "preload/unwind/local_objects.h"

#include <dlfcn.h>
#include <link.h>
#include <sched.h>

#include <atomic>

#include "preload/clock.h"
#include "preload/unwind/code_changes.h"

namespace wrackline::preload {
namespace {

// struct dl_find_object of glibc 2.35's <dlfcn.h> on x86-64 and aarch64, here so that an older
// glibc's headers do; the reserve covers what a later glibc may fill.
struct FoundObject {
  unsigned long long flags;
  void* map_start;
  void* map_end;
  const struct link_map* map;
  void* eh_frame;
  unsigned long long reserved[16];
};
using DlFindObject = int (*)(void* pc, FoundObject* result);

std::atomic<DlFindObject> g_dl_find_object{nullptr};

// The snapshot: entries in no order behind a sequence count, odd while they change. One writer.
constexpr std::uint32_t kMaxObjects = 2048;
struct Entry {
  std::atomic<std::uint64_t> start, end, eh_frame_header;
  std::atomic<const char*> path;
};
struct Snapshot {
  std::atomic<std::uint32_t> sequence;
  std::atomic<std::uint32_t> count;
  Entry entries[kMaxObjects];
  unsigned long long adds, subs;  // the loader's counters at the last renewal
  // g_code_changes up to which it is right: what was unloaded since is still in it. ~0: for no moment.
  std::atomic<std::uint64_t> changes;
};
Snapshot g_snapshot;

struct Renewal {
  std::uint64_t changes;  // g_code_changes before it, and what it adds itself
  bool started;
  std::uint32_t count;
};

int AddObject(struct dl_phdr_info* info, std::size_t size, void* data) {
  auto* renewal = static_cast<Renewal*>(data);
  if (!renewal->started) {
    const bool has_counters =
        size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs;
    if (has_counters) {
      const bool first = g_snapshot.count.load(std::memory_order_relaxed) == 0;
      if (!first && info->dlpi_subs != g_snapshot.subs) {
        // Also what went without a call of dlclose that we saw.
        BeginUnload();
        EndUnload();
        renewal->changes += internal::kUnloadEnded;
      }
      if (!first && info->dlpi_adds == g_snapshot.adds && info->dlpi_subs == g_snapshot.subs) {
        return 1;  // nothing came or went
      }
      g_snapshot.adds = info->dlpi_adds;
      g_snapshot.subs = info->dlpi_subs;
    }
    renewal->started = true;
    g_snapshot.sequence.fetch_add(1, std::memory_order_acq_rel);  // odd: readers turn away
  }
  if (renewal->count == kMaxObjects) return 1;
  std::uint64_t start = ~0ull;
  std::uint64_t end = 0;
  std::uint64_t eh_frame_header = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    const std::uint64_t address = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      if (address < start) start = address;
      if (address + header.p_memsz > end) end = address + header.p_memsz;
    } else if (header.p_type == PT_GNU_EH_FRAME) {
      eh_frame_header = address;
    }
  }
  Entry& entry = g_snapshot.entries[renewal->count++];
  entry.start.store(start, std::memory_order_release);
  entry.end.store(end, std::memory_order_release);
  entry.eh_frame_header.store(eh_frame_header, std::memory_order_release);
  entry.path.store(info->dlpi_name, std::memory_order_release);
  return 0;
}

// A fork while the loader's lock is held here would leave it taken in the child for ever.
std::atomic<std::uint32_t> g_forks_begun{0};
std::atomic<bool> g_renewing{false};

void RenewSnapshot() {
  g_renewing.store(true);
  if (g_forks_begun.load() != 0) return g_renewing.store(false);  // the next one is as good
  Renewal renewal = {};
  renewal.changes = internal::g_code_changes.load();
  const bool stale = g_snapshot.changes.load(std::memory_order_relaxed) != renewal.changes;
  dl_iterate_phdr(AddObject, &renewal);
  g_renewing.store(false);
  if (renewal.started) {
    g_snapshot.count.store(renewal.count, std::memory_order_release);
    g_snapshot.sequence.fetch_add(1, std::memory_order_acq_rel);
  }
  if (!renewal.started && !stale) return;
  // What was not found until now is remembered as the end of stacks.
  BeginUnload();
  EndUnload();
  renewal.changes += internal::kUnloadEnded;
  const bool under_way = renewal.changes % internal::kUnloadEnded != 0;
  g_snapshot.changes.store(under_way ? ~std::uint64_t{0} : renewal.changes,
                           std::memory_order_release);
}

bool FindInSnapshot(std::uint64_t pc, LocalObject* out) {
  const std::uint32_t sequence = g_snapshot.sequence.load(std::memory_order_acquire);
  if (sequence % 2 != 0) return false;
  // An object that is gone may still be in it, and its table be anything by now.
  if (g_snapshot.changes.load(std::memory_order_acquire) !=
      internal::g_code_changes.load(std::memory_order_acquire)) {
    return false;
  }
  const std::uint32_t count = g_snapshot.count.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < count && i < kMaxObjects; ++i) {
    const Entry& entry = g_snapshot.entries[i];
    out->start = entry.start.load(std::memory_order_acquire);
    out->end = entry.end.load(std::memory_order_acquire);
    if (pc < out->start || pc >= out->end) continue;
    out->eh_frame_header = entry.eh_frame_header.load(std::memory_order_acquire);
    out->path = entry.path.load(std::memory_order_acquire);
    return g_snapshot.sequence.load(std::memory_order_relaxed) == sequence;
  }
  return false;
}

}  // namespace

void PrepareLocalObjects() {
  auto found = reinterpret_cast<DlFindObject>(dlsym(RTLD_DEFAULT, "_dl_find_object"));
  g_dl_find_object.store(found, std::memory_order_release);
  if (found == nullptr) RenewSnapshot();
}

bool FindLocalObject(std::uint64_t pc, LocalObject* out) {
  const DlFindObject find = g_dl_find_object.load(std::memory_order_acquire);
  if (find == nullptr) return FindInSnapshot(pc, out);
  FoundObject found;
  if (find(reinterpret_cast<void*>(pc), &found) != 0) return false;
  out->start = reinterpret_cast<std::uint64_t>(found.map_start);
  out->end = reinterpret_cast<std::uint64_t>(found.map_end);
  out->eh_frame_header = reinterpret_cast<std::uint64_t>(found.eh_frame);
  out->path = found.map != nullptr ? found.map->l_name : nullptr;
  return true;
}

void PublishLocalObjects() {
  if (g_dl_find_object.load(std::memory_order_acquire) == nullptr) RenewSnapshot();
}

void HoldRenewals() {
  constexpr std::uint64_t kMostNs = 20 * kMillisecond;
  g_forks_begun.fetch_add(1);
  const std::uint64_t until = MonotonicNs() + kMostNs;
  while (g_renewing.load() && MonotonicNs() < until) sched_yield();
}

void AllowRenewals() { g_forks_begun.fetch_sub(1); }

namespace internal {
void UseSnapshotOnly(bool only) {
  if (!only) return PrepareLocalObjects();
  g_dl_find_object.store(nullptr, std::memory_order_release);
  RenewSnapshot();
}
}  // namespace internal

}  // namespace wrackline::preload
