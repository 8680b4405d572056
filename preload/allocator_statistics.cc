// Who the allocator is, and how often it is asked; allocator_readers.cc has the asking.
#include "preload/allocator_statistics.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <unistd.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstring>

#include "preload/clock.h"
#include "preload/glibc_heaps.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kSlow = 2 * kMillisecond;
constexpr std::uint64_t kTooSlow = 20 * kMillisecond;
constexpr std::uint64_t kSlowRest = 60 * kSecond;

const void* LoadAddress(const void* function) {
  Dl_info info;
  return function != nullptr && dladdr(function, &info) != 0 ? info.dli_fbase : nullptr;
}

// The function of that name when it lies in the object that answers malloc: a library may carry its
// own copy of an allocator.
template <typename Function>
Function FunctionIn(const void* object, const char* name) {
  void* function = dlsym(RTLD_DEFAULT, name);
  return function != nullptr && LoadAddress(function) == object
             ? reinterpret_cast<Function>(function)
             : nullptr;
}

template <typename Field, typename Value>
void Set(bool* has, Field* field, const std::optional<Value>& value) {
  *has = value.has_value();
  if (value.has_value()) *field = *value;
}

// glibc.malloc.hugetlb of 2 and more puts the heaps elsewhere.
bool HugeTlbHeaps(const char* settings) {
  constexpr char kTunable[] = "glibc.malloc.hugetlb=";
  const char* found = std::strstr(settings, kTunable);
  if (found == nullptr) return false;
  const char* value = found + sizeof(kTunable) - 1;
  std::uint64_t number = 0;
  return !TakeNumber(&value, &number) || number >= 2;
}

}  // namespace

void CostRule::Spent(std::uint64_t cost_ns, std::uint64_t now_ns) {
  over_ = over_ || cost_ns > kTooSlow;
  if (cost_ns > kSlow) not_before_ns_ = now_ns + kSlowRest;
}

void Allocator::Identify(void* malloc_function) {
  Dl_info object;
  if (malloc_function == nullptr || dladdr(malloc_function, &object) == 0) return;
  CollectSettings();
  if (IdentifyJemalloc(object.dli_fbase) || IdentifyTcmalloc(object.dli_fbase) ||
      IdentifyMimalloc(object.dli_fbase) || IdentifyGlibc(object.dli_fbase)) {
    return;
  }
  const char* file = object.dli_fname != nullptr ? object.dli_fname : "";
  const char* slash = std::strrchr(file, '/');
  CopyText(name_, sizeof(name_), slash != nullptr ? slash + 1 : file);
}

bool Allocator::IdentifyJemalloc(const void* object) {
  mallctl_ = FunctionIn<Mallctl>(object, "mallctl");
  if (mallctl_ == nullptr) return false;
  const char* version = nullptr;
  std::size_t size = sizeof(version);
  Text<sizeof(name_)> name;
  name.Append("jemalloc");
  if (mallctl_("version", &version, &size, nullptr, 0) == 0 && version != nullptr) {
    name.Append(" ").Append(version);
  }
  CopyText(name_, sizeof(name_), name.c_str());
  kind_ = Kind::kJemalloc;
  return true;
}

bool Allocator::IdentifyTcmalloc(const void* object) {
  numeric_property_ = FunctionIn<NumericProperty>(object, "MallocExtension_GetNumericProperty");
  if (numeric_property_ == nullptr) return false;
  using Version = const char* (*)(int*, int*, const char**);
  const auto version = FunctionIn<Version>(object, "tc_version");
  Text<sizeof(name_)> name;
  name.Append("tcmalloc");
  if (version != nullptr) name.Append(", ").Append(version(nullptr, nullptr, nullptr));
  CopyText(name_, sizeof(name_), name.c_str());
  kind_ = Kind::kTcmalloc;
  return true;
}

bool Allocator::IdentifyMimalloc(const void* object) {
  process_info_ = FunctionIn<ProcessInfo>(object, "mi_process_info");
  if (process_info_ == nullptr) return false;
  const auto version = FunctionIn<int (*)()>(object, "mi_version");
  Text<sizeof(name_)> name;
  name.Append("mimalloc");
  const int number = version != nullptr ? version() : 0;
  if (number >= 100 && number < 1000) {  // 209 is 2.0.9
    name.Append(" ").AppendNumber(static_cast<std::uint64_t>(number / 100)).Append(".");
    name.AppendNumber(static_cast<std::uint64_t>(number / 10 % 10)).Append(".");
    name.AppendNumber(static_cast<std::uint64_t>(number % 10));
  }
  CopyText(name_, sizeof(name_), name.c_str());
  kind_ = Kind::kMimalloc;
  return true;
}

bool Allocator::IdentifyGlibc(const void* object) {
  if (LoadAddress(reinterpret_cast<const void*>(&gnu_get_libc_version)) != object) return false;
  Text<sizeof(name_)> name;
  CopyText(name_, sizeof(name_), name.Append("glibc ").Append(gnu_get_libc_version()).c_str());
  // Before 2.33 there is only mallinfo, whose int fields wrap at 2 GiB: no figure is better than
  // that one. The arenas can be counted all the same.
  mallinfo2_ = dlsym(RTLD_DEFAULT, "mallinfo2");
  heaps_known_ = !HugeTlbHeaps(settings_);
  if (mallinfo2_ != nullptr || heaps_known_) kind_ = Kind::kGlibc;
  return true;
}

// Every allocator's, whoever answers: a variable for another one explains what it did not do.
void Allocator::CollectSettings() {
  constexpr const char* kPrefixes[] = {"MALLOC_", "GLIBC_TUNABLES=", "TCMALLOC_", "MIMALLOC_"};
  Text<sizeof(settings_)> text;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    for (const char* prefix : kPrefixes) {
      if (std::strncmp(*variable, prefix, std::strlen(prefix)) != 0) continue;
      if (text.size() != 0) text.Append(" ");
      text.Append(*variable);
    }
  }
  CopyText(settings_, sizeof(settings_), text.c_str());
  // It goes into a protobuf string, which must be UTF-8; these variables are ASCII.
  for (char* at = settings_; *at != '\0'; ++at) {
    if (static_cast<signed char>(*at) < ' ') *at = '?';
  }
}

std::uint64_t Allocator::Read(AllocatorStatistics* out) {
  *out = {};
  const std::uint64_t begin = ThreadCpuNs();
  Ask(out);
  std::uint64_t cost = ThreadCpuNs() - begin;
  rule_.Spent(cost, MonotonicNs());
  if (kind_ == Kind::kGlibc && heaps_known_ && heaps_rule_.Allows(MonotonicNs())) {
    const std::uint64_t heaps_begin = ThreadCpuNs();
    if (const auto heaps = ReadGlibcHeaps()) {
      out->arenas_made = heaps->arenas;
      out->heaps = heaps->heaps;
      out->heaps_mapped = heaps->mapped;
      out->heaps_resident = heaps->resident;
    }
    const std::uint64_t heaps_cost = ThreadCpuNs() - heaps_begin;
    heaps_rule_.Spent(heaps_cost, MonotonicNs());
    cost += heaps_cost;
  }
  return cost;
}

void FillAllocator(const AllocatorStatistics& from, std::uint64_t monotonic_ns,
                   wrackline_proto_AllocatorMemory* out) {
  out->has_monotonic_ns = true;
  out->monotonic_ns = monotonic_ns;
  Set(&out->has_in_use, &out->in_use, from.in_use);
  Set(&out->has_free_in_heap, &out->free_in_heap, from.free_in_heap);
  Set(&out->has_mmapped, &out->mmapped, from.mmapped);
  Set(&out->has_arena, &out->arena, from.arena);
  Set(&out->has_top_releasable, &out->top_releasable, from.top_releasable);
  Set(&out->has_active, &out->active, from.active);
  Set(&out->has_metadata, &out->metadata, from.metadata);
  Set(&out->has_resident, &out->resident, from.resident);
  Set(&out->has_mapped, &out->mapped, from.mapped);
  Set(&out->has_retained, &out->retained, from.retained);
  Set(&out->has_arenas, &out->arenas, from.arenas);
  Set(&out->has_arenas_made, &out->arenas_made, from.arenas_made);
  Set(&out->has_heaps, &out->heaps, from.heaps);
  Set(&out->has_heaps_mapped, &out->heaps_mapped, from.heaps_mapped);
  Set(&out->has_heaps_resident, &out->heaps_resident, from.heaps_resident);
  Set(&out->has_dirty, &out->dirty, from.dirty);
  Set(&out->has_muzzy, &out->muzzy, from.muzzy);
  Set(&out->has_dirty_decay_ms, &out->dirty_decay_ms, from.dirty_decay_ms);
  Set(&out->has_muzzy_decay_ms, &out->muzzy_decay_ms, from.muzzy_decay_ms);
  Set(&out->has_background_thread, &out->background_thread, from.background_thread);
  Set(&out->has_thread_caches, &out->thread_caches, from.thread_caches);
  Set(&out->has_heap_size, &out->heap_size, from.heap_size);
  Set(&out->has_central_cache, &out->central_cache, from.central_cache);
  Set(&out->has_transfer_cache, &out->transfer_cache, from.transfer_cache);
  Set(&out->has_page_heap_free, &out->page_heap_free, from.page_heap_free);
  Set(&out->has_page_heap_unmapped, &out->page_heap_unmapped, from.page_heap_unmapped);
  Set(&out->has_committed, &out->committed, from.committed);
  Set(&out->has_committed_peak, &out->committed_peak, from.committed_peak);
}

}  // namespace wrackline::preload
