// How each allocator is asked.
#include <algorithm>

#include "preload/allocator_statistics.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

// struct mallinfo2 of glibc 2.33 and later, declared here because older headers lack it.
struct Mallinfo2 {
  std::size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
static_assert(sizeof(Mallinfo2) == 80);

// jemalloc's MALLCTL_ARENAS_ALL: the sum over all arenas.
constexpr char kAllArenas[] = "stats.arenas.4096.";
// Arenas beyond this many are not looked at one by one (MALLOCX_ARENA_LIMIT of jemalloc).
constexpr std::uint32_t kMaxArenas = 4095;

// One value of jemalloc's, where it has it under that name and of that size.
template <typename Value, typename Mallctl>
std::optional<Value> ReadControl(Mallctl mallctl, const char* name) {
  Value value{};
  std::size_t size = sizeof(value);
  if (mallctl(name, &value, &size, nullptr, 0) != 0 || size != sizeof(value)) return std::nullopt;
  return value;
}

}  // namespace

void Allocator::Ask(AllocatorStatistics* out) const {
  switch (kind_) {
    case Kind::kGlibc:
      ReadGlibc(out);
      break;
    case Kind::kJemalloc:
      ReadJemalloc(out);
      break;
    case Kind::kTcmalloc:
      ReadTcmalloc(out);
      break;
    case Kind::kMimalloc:
      ReadMimalloc(out);
      break;
    case Kind::kUnknown:
      break;
  }
}

void Allocator::ReadGlibc(AllocatorStatistics* out) const {
  if (mallinfo2_ == nullptr) return;
  const Mallinfo2 info = reinterpret_cast<Mallinfo2 (*)()>(mallinfo2_)();
  out->in_use = info.uordblks + info.hblkhd;
  out->free_in_heap = info.fordblks;
  out->mmapped = info.hblkhd;
  out->arena = info.arena;
  out->top_releasable = info.keepcost;
}

void Allocator::ReadJemalloc(AllocatorStatistics* out) const {
  // The figures are those of the last epoch: begin a new one.
  std::uint64_t epoch = 1;
  std::size_t epoch_size = sizeof(epoch);
  if (mallctl_("epoch", &epoch, &epoch_size, &epoch, sizeof(epoch)) != 0) return;
  const auto read = [this](const char* name) -> std::optional<std::uint64_t> {
    return ReadControl<std::size_t>(mallctl_, name);
  };
  out->in_use = read("stats.allocated");
  out->active = read("stats.active");
  out->metadata = read("stats.metadata");
  out->resident = read("stats.resident");
  out->mapped = read("stats.mapped");
  out->retained = read("stats.retained");
  if (out->active.has_value() && out->in_use.has_value() && *out->active >= *out->in_use) {
    out->free_in_heap = *out->active - *out->in_use;
  }
  ReadJemallocArenas(out);
}

void Allocator::ReadJemallocArenas(AllocatorStatistics* out) const {
  const auto all = [this](const char* name) -> std::optional<std::uint64_t> {
    Text<64> text;
    return ReadControl<std::size_t>(mallctl_, text.Append(kAllArenas).Append(name).c_str());
  };
  const auto page = ReadControl<std::size_t>(mallctl_, "arenas.page");
  const auto bytes = [page](std::optional<std::uint64_t> pages) {
    return page && pages ? std::optional<std::uint64_t>(*pages * *page) : std::nullopt;
  };
  out->dirty = bytes(all("pdirty"));
  out->muzzy = bytes(all("pmuzzy"));
  out->thread_caches = all("tcache_bytes");
  out->dirty_decay_ms = ReadControl<std::int64_t>(mallctl_, "arenas.dirty_decay_ms");
  out->muzzy_decay_ms = ReadControl<std::int64_t>(mallctl_, "arenas.muzzy_decay_ms");
  out->background_thread = ReadControl<bool>(mallctl_, "background_thread");
  out->arenas = ReadControl<unsigned>(mallctl_, "arenas.narenas");
  if (!out->arenas) return;
  std::uint32_t made = 0;
  for (std::uint32_t i = 0; i < std::min(*out->arenas, kMaxArenas); ++i) {
    Text<64> name;
    name.Append("arena.").AppendNumber(i).Append(".initialized");
    const auto initialized = ReadControl<bool>(mallctl_, name.c_str());
    if (!initialized) return;
    made += *initialized ? 1 : 0;
  }
  out->arenas_made = made;
}

void Allocator::ReadTcmalloc(AllocatorStatistics* out) const {
  const auto read = [this](const char* name) -> std::optional<std::uint64_t> {
    std::size_t value = 0;
    if (numeric_property_(name, &value) == 0) return std::nullopt;
    return value;
  };
  out->in_use = read("generic.current_allocated_bytes");
  out->heap_size = read("generic.heap_size");
  out->thread_caches = read("tcmalloc.thread_cache_free_bytes");
  out->central_cache = read("tcmalloc.central_cache_free_bytes");
  out->transfer_cache = read("tcmalloc.transfer_cache_free_bytes");
  out->page_heap_free = read("tcmalloc.pageheap_free_bytes");
  out->page_heap_unmapped = read("tcmalloc.pageheap_unmapped_bytes");
}

// Its release builds do not count what is allocated; mi_stats_* add nothing but text. The other
// values of mi_process_info are the kernel's.
void Allocator::ReadMimalloc(AllocatorStatistics* out) const {
  std::size_t elapsed = 0, user = 0, system = 0, resident = 0, resident_peak = 0, faults = 0;
  std::size_t committed = 0, committed_peak = 0;
  process_info_(&elapsed, &user, &system, &resident, &resident_peak, &committed, &committed_peak,
                &faults);
  out->committed = committed;
  out->committed_peak = committed_peak;
}

}  // namespace wrackline::preload
