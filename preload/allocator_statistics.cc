#include "preload/allocator_statistics.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstring>

#include "preload/clock.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kSlow = 2 * kMillisecond;
constexpr std::uint64_t kTooSlow = 20 * kMillisecond;
constexpr std::uint64_t kSlowRest = 60 * kSecond;

// struct mallinfo2 of glibc 2.33 and later, declared here because older headers lack it.
struct Mallinfo2 {
  std::size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
static_assert(sizeof(Mallinfo2) == 80);

const void* LoadAddress(const void* function) {
  Dl_info info;
  return function != nullptr && dladdr(function, &info) != 0 ? info.dli_fbase : nullptr;
}

template <typename Field, typename Value>
void Set(bool* has, Field* field, const std::optional<Value>& value) {
  *has = value.has_value();
  if (value.has_value()) *field = *value;
}

}  // namespace

void Allocator::Identify(void* malloc_function) {
  Dl_info malloc_object;
  if (malloc_function == nullptr || dladdr(malloc_function, &malloc_object) == 0) return;

  // jemalloc's interface counts only where its malloc is the one in use: a library may carry its
  // own copy.
  void* mallctl = dlsym(RTLD_DEFAULT, "mallctl");
  if (mallctl != nullptr && LoadAddress(mallctl) == malloc_object.dli_fbase) {
    mallctl_ = reinterpret_cast<Mallctl>(mallctl);
    const char* version = nullptr;
    std::size_t size = sizeof(version);
    Text<sizeof(name_)> name;
    name.Append("jemalloc");
    if (mallctl_("version", &version, &size, nullptr, 0) == 0 && version != nullptr) {
      name.Append(" ").Append(version);
    }
    CopyText(name_, sizeof(name_), name.c_str());
    kind_ = Kind::kJemalloc;
    return;
  }
  if (LoadAddress(reinterpret_cast<const void*>(&gnu_get_libc_version)) ==
      malloc_object.dli_fbase) {
    Text<sizeof(name_)> name;
    CopyText(name_, sizeof(name_), name.Append("glibc ").Append(gnu_get_libc_version()).c_str());
    // Before 2.33 there is only mallinfo, whose int fields wrap at 2 GiB: no figure is better than
    // that one.
    mallinfo2_ = dlsym(RTLD_DEFAULT, "mallinfo2");
    if (mallinfo2_ != nullptr) kind_ = Kind::kGlibc;
    return;
  }
  const char* file = malloc_object.dli_fname != nullptr ? malloc_object.dli_fname : "";
  const char* slash = std::strrchr(file, '/');
  CopyText(name_, sizeof(name_), slash != nullptr ? slash + 1 : file);
}

std::uint64_t Allocator::Read(AllocatorStatistics* out) {
  *out = {};
  const std::uint64_t begin = ThreadCpuNs();
  if (kind_ == Kind::kGlibc) {
    ReadGlibc(out);
  } else if (kind_ == Kind::kJemalloc) {
    ReadJemalloc(out);
  }
  const std::uint64_t cost = ThreadCpuNs() - begin;
  if (cost > kTooSlow) {
    kind_ = Kind::kUnknown;
  } else if (cost > kSlow) {
    not_before_ns_ = MonotonicNs() + kSlowRest;
  }
  return cost;
}

void Allocator::ReadGlibc(AllocatorStatistics* out) const {
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
    std::size_t value = 0;
    std::size_t size = sizeof(value);
    if (mallctl_(name, &value, &size, nullptr, 0) != 0) return std::nullopt;
    return value;
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
  unsigned arenas = 0;
  std::size_t size = sizeof(arenas);
  if (mallctl_("arenas.narenas", &arenas, &size, nullptr, 0) == 0) out->arenas = arenas;
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
}

}  // namespace wrackline::preload
