#include "preload/hooks/next_allocator.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "preload/hooks/malloc_hooks.h"

namespace wrackline::preload {

alignas(16) constinit unsigned char g_bootstrap[kBootstrapBytes] = {};

namespace internal {
constinit std::atomic<const NextAllocator*> g_next{nullptr};
}  // namespace internal

namespace {

// ---- the static pool
constinit std::atomic<std::size_t> g_bootstrap_used{0};
constinit std::atomic<unsigned char*> g_pool{nullptr};

// Whoever comes first maps it, and all others find it.
unsigned char* Pool() {
  unsigned char* pool = g_pool.load(std::memory_order_acquire);
  if (pool != nullptr) return pool;
  constexpr int kMapFixedNoReplace = 0x100000;  // Linux 4.17; before, the address is a hint
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  auto* wanted = reinterpret_cast<unsigned char*>(SampledRegion::kSpareArea);
  void* mapped = mmap(wanted, kBootstrapBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | kMapFixedNoReplace, -1, 0);
  unsigned char* mine = mapped == wanted ? wanted : g_bootstrap;
  if (mapped != MAP_FAILED && mapped != wanted) munmap(mapped, kBootstrapBytes);
  unsigned char* before = nullptr;
  // A second one cannot map it there, and takes what the first one has.
  if (mine == g_bootstrap) {
    pool = g_pool.load(std::memory_order_acquire);
    if (pool != nullptr) return pool;
    // No free's first test finds it there.
    const auto start = reinterpret_cast<std::uint64_t>(g_bootstrap);
    for (std::uint64_t at = start & ~0xFFFull; at < start + kBootstrapBytes; at += 4096) {
      LiveTable::AlwaysLookAt(at);
    }
  }
  return g_pool.compare_exchange_strong(before, mine, std::memory_order_acq_rel) ? mine : before;
}

// Each block is preceded by its size.
void* BootstrapAlign(std::size_t alignment, std::size_t size) {
  if (alignment < 16) alignment = 16;
  if (size > kBootstrapBytes || alignment > 4096) {
    errno = ENOMEM;
    return nullptr;
  }
  unsigned char* pool = Pool();
  const std::size_t claimed = (size + 15) / 16 * 16 + 16 + alignment;
  std::size_t offset = g_bootstrap_used.load(std::memory_order_relaxed);
  do {
    if (claimed > kBootstrapBytes - offset) {
      errno = ENOMEM;
      return nullptr;
    }
  } while (
      !g_bootstrap_used.compare_exchange_weak(offset, offset + claimed, std::memory_order_relaxed));
  auto address = reinterpret_cast<std::uintptr_t>(pool) + offset + 16;
  address = (address + alignment - 1) / alignment * alignment;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  auto* block = reinterpret_cast<unsigned char*>(address);
  std::memcpy(block - sizeof size, &size, sizeof size);
  return block;
}

void* BootstrapMalloc(std::size_t size) { return BootstrapAlign(16, size); }
void* BootstrapCalloc(std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return BootstrapAlign(16, bytes);  // fresh static memory is zero
}
void* BootstrapRealloc(void* old, std::size_t size) {
  if (old != nullptr && !IsBootstrap(old)) {  // of unknown size: refused rather than cut
    errno = ENOMEM;
    return nullptr;
  }
  void* block = BootstrapMalloc(size);
  if (block != nullptr && old != nullptr) {
    const std::size_t kept = BootstrapSize(old);
    std::memcpy(block, old, kept < size ? kept : size);
  }
  return block;
}
void* BootstrapReallocarray(void* old, std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return BootstrapRealloc(old, bytes);
}
int BootstrapPosixMemalign(void** out, std::size_t alignment, std::size_t size) {
  void* block = BootstrapAlign(alignment, size);
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}
void* BootstrapPages(std::size_t size) { return BootstrapAlign(4096, size); }
// A block that is freed while this thread looks for the real free: it may belong to anyone, and is
// left alone.
void BootstrapFree(void*) {}
void BootstrapFreeSized(void*, std::size_t) {}
void BootstrapFreeAlignedSized(void*, std::size_t, std::size_t) {}
std::size_t BootstrapUsableSize(void* pointer) {
  return IsBootstrap(pointer) ? BootstrapSize(pointer) : 0;
}

constexpr NextAllocator kBootstrapAllocator = {
    BootstrapMalloc,          BootstrapCalloc,     BootstrapRealloc,
    BootstrapReallocarray,    BootstrapFree,       BootstrapPosixMemalign,
    BootstrapAlign,           BootstrapAlign,      BootstrapPages,
    BootstrapPages,           BootstrapUsableSize, BootstrapFreeSized,
    BootstrapFreeAlignedSized};

// ---- entries answered from others
const NextAllocator& Found() { return *internal::g_next.load(std::memory_order_acquire); }

void* NoMemory() {
  errno = ENOMEM;
  return nullptr;
}
void* CallocFromMalloc(std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NoMemory();
  void* block = Found().malloc(bytes);
  return block == nullptr ? nullptr : std::memset(block, 0, bytes);
}
void* ReallocarrayFromRealloc(void* old, std::size_t count, std::size_t size) {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NoMemory();
  return Found().realloc(old, bytes);
}
void* MemalignFromPosix(std::size_t alignment, std::size_t size) {
  if (alignment < sizeof(void*)) alignment = sizeof(void*);
  void* block = nullptr;
  const int error = Found().posix_memalign(&block, alignment, size);
  if (error == 0) return block;
  errno = error;
  return nullptr;
}
int PosixFromMemalign(void** out, std::size_t alignment, std::size_t size) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  const int saved = errno;
  void* block = Found().memalign(alignment, size);
  errno = saved;
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}
std::size_t PageSize() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }
void* VallocFromMemalign(std::size_t size) { return Found().memalign(PageSize(), size); }
void* PvallocFromMemalign(std::size_t size) {
  const std::size_t page = PageSize();
  if (size > SIZE_MAX - page) return NoMemory();
  return Found().memalign(page, size == 0 ? page : (size + page - 1) / page * page);
}
void FreeSizedFromFree(void* pointer, std::size_t) { Found().free(pointer); }
void FreeAlignedSizedFromFree(void* pointer, std::size_t, std::size_t) { Found().free(pointer); }
std::size_t NoUsableSize(void*) { return 0; }

// ---- the hot targets
void* MallocUnresolved(std::size_t size) { return Next().malloc(size); }
void* CallocUnresolved(std::size_t count, std::size_t size) { return Next().calloc(count, size); }
void* ReallocUnresolved(void* old, std::size_t size) {
  const NextAllocator& next = Next();
  // A pool block may come here after another thread has found the table. (While this thread looks
  // for it, the pool's own realloc answers.)
  if (&next != &kBootstrapAllocator && IsBootstrap(old)) [[unlikely]] {
    return ReallocatePlaced(old, size, __builtin_return_address(0));
  }
  return ReallocateUnsampled(next.realloc, old, size, size);
}
void FreeUnresolved(void* pointer) { FreeThrough(Next().free, pointer); }

void ResolveHotTargets(const NextAllocator& next) {
  Resolve(&g_malloc, next.malloc);
  Resolve(&g_calloc, next.calloc);
  Resolve(&g_realloc, next.realloc);
  Resolve(&g_free, next.free);
}

// ---- looking them up
struct CodeRange {
  std::uintptr_t address;     // in: what is looked for
  std::uintptr_t start, end;  // out
};

int MatchObject(struct dl_phdr_info* info, std::size_t, void* data) {
  auto* range = static_cast<CodeRange*>(data);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    const std::uintptr_t start = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && range->address >= start &&
        range->address < start + header.p_memsz) {
      range->start = start;
      range->end = start + header.p_memsz;
      return 1;
    }
  }
  return 0;
}

// Each thread that looks at the same time fills its own; the first to finish publishes. No thread
// waits for another: one that is interrupted by a signal here, or stopped, holds up nobody.
constexpr std::uint32_t kMaxRacers = 8;
constinit NextAllocator g_tables[kMaxRacers] = {};
constinit std::atomic<std::uint32_t> g_racers{0};
constinit std::atomic<std::uintptr_t> g_code_start{0}, g_code_end{0};
// This thread is looking: 1.
constinit thread_local int t_resolving = 0;

template <typename Function>
Function FindNext(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

// The entry of this name if it is the next allocator's own; else `own`, made of its other entries.
template <typename Function>
Function OwnOr(const char* name, Function own) {
  const auto found = FindNext<Function>(name);
  return found != nullptr && BelongsToNextAllocator(reinterpret_cast<const void*>(found)) ? found
                                                                                          : own;
}

void FillTable(NextAllocator* table) {
  table->malloc = FindNext<decltype(table->malloc)>("malloc");
  table->free = FindNext<decltype(table->free)>("free");
  table->realloc = FindNext<decltype(table->realloc)>("realloc");
  if (table->malloc == nullptr || table->free == nullptr || table->realloc == nullptr) {
    // There is a libc in every process that could load us; without its malloc the static pool lasts
    // for 64 KiB, and then requests fail as they do when memory is short.
    *table = kBootstrapAllocator;
    return;
  }
  CodeRange range = {reinterpret_cast<std::uintptr_t>(table->malloc), 0, 0};
  dl_iterate_phdr(MatchObject, &range);
  g_code_start.store(range.start, std::memory_order_relaxed);
  g_code_end.store(range.end, std::memory_order_relaxed);

  table->calloc = OwnOr("calloc", &CallocFromMalloc);
  // Never the allocator's own: glibc's calls realloc through the PLT, which is our hook again.
  table->reallocarray = &ReallocarrayFromRealloc;
  table->malloc_usable_size = FindNext<decltype(table->malloc_usable_size)>("malloc_usable_size");
  if (table->malloc_usable_size == nullptr) table->malloc_usable_size = &NoUsableSize;
  table->free_sized = OwnOr("free_sized", &FreeSizedFromFree);
  table->free_aligned_sized = OwnOr("free_aligned_sized", &FreeAlignedSizedFromFree);

  // Aligned entries: through the allocator's own memalign or posix_memalign; when it has neither,
  // it is a thin layer over the next one, whose entries of these names are then meant.
  const auto posix = FindNext<decltype(table->posix_memalign)>("posix_memalign");
  const auto memalign = FindNext<decltype(table->memalign)>("memalign");
  const bool own_posix =
      posix != nullptr && BelongsToNextAllocator(reinterpret_cast<const void*>(posix));
  const bool own_memalign =
      memalign != nullptr && BelongsToNextAllocator(reinterpret_cast<const void*>(memalign));
  if (own_posix || own_memalign) {
    table->posix_memalign = own_posix ? posix : &PosixFromMemalign;
    table->memalign = own_memalign ? memalign : &MemalignFromPosix;
    table->aligned_alloc = OwnOr("aligned_alloc", &MemalignFromPosix);
    table->valloc = OwnOr("valloc", &VallocFromMemalign);
    table->pvalloc = OwnOr("pvalloc", &PvallocFromMemalign);
    return;
  }
  table->posix_memalign = posix != nullptr ? posix : &PosixFromMemalign;
  table->memalign = memalign != nullptr ? memalign : &MemalignFromPosix;
  table->aligned_alloc = FindNext<decltype(table->aligned_alloc)>("aligned_alloc");
  if (table->aligned_alloc == nullptr) table->aligned_alloc = &MemalignFromPosix;
  table->valloc = FindNext<decltype(table->valloc)>("valloc");
  if (table->valloc == nullptr) table->valloc = &VallocFromMemalign;
  table->pvalloc = FindNext<decltype(table->pvalloc)>("pvalloc");
  if (table->pvalloc == nullptr) table->pvalloc = &PvallocFromMemalign;
}

}  // namespace

std::size_t BootstrapSize(const void* pointer) {
  std::size_t size;
  std::memcpy(&size, static_cast<const unsigned char*>(pointer) - sizeof size, sizeof size);
  return size;
}

bool BelongsToNextAllocator(const void* code) {
  const auto address = reinterpret_cast<std::uintptr_t>(code);
  return address >= g_code_start.load(std::memory_order_relaxed) &&
         address < g_code_end.load(std::memory_order_relaxed);
}

namespace internal {

[[gnu::noinline, gnu::cold]] const NextAllocator& ResolveNext() {
  // dlsym may allocate, and comes back here.
  if (t_resolving != 0) return kBootstrapAllocator;
  const std::uint32_t racer = g_racers.fetch_add(1, std::memory_order_relaxed);
  if (racer >= kMaxRacers) return kBootstrapAllocator;
  const int saved_errno = errno;
  t_resolving = 1;
  NextAllocator* table = &g_tables[racer];
  FillTable(table);
  t_resolving = 0;
  errno = saved_errno;
  const NextAllocator* published = nullptr;
  if (g_next.compare_exchange_strong(published, table, std::memory_order_acq_rel))
    published = table;
  ResolveHotTargets(*published);
  return *published;
}

}  // namespace internal

constinit Target<void*(std::size_t)> g_malloc = MakeTarget<void*(std::size_t)>(&MallocUnresolved);
constinit Target<void*(std::size_t, std::size_t)> g_calloc =
    MakeTarget<void*(std::size_t, std::size_t)>(&CallocUnresolved);
constinit Target<void*(void*, std::size_t)> g_realloc =
    MakeTarget<void*(void*, std::size_t)>(&ReallocUnresolved);
constinit Target<void(void*)> g_free = MakeTarget<void(void*)>(&FreeUnresolved);

}  // namespace wrackline::preload
