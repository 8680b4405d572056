// jemalloc's mallocx and its kind. Exit code 0: all well, or there is no mallocx.
#include "tests/unit/preload/programs/family_checks.h"

namespace {

constexpr int kZero = 0x40;
constexpr int kNoCache = 0x100;
int LogAlignment(std::size_t alignment) { return __builtin_ctzll(alignment); }

auto* const mallocx = Named<void*(std::size_t, int)>("mallocx");
auto* const rallocx = Named<void*(void*, std::size_t, int)>("rallocx");
auto* const xallocx = Named<std::size_t(void*, std::size_t, std::size_t, int)>("xallocx");
auto* const sallocx = Named<std::size_t(const void*, int)>("sallocx");
auto* const dallocx = Named<void(void*, int)>("dallocx");
auto* const sdallocx = Named<void(void*, std::size_t, int)>("sdallocx");
auto* const nallocx = Named<std::size_t(std::size_t, int)>("nallocx");
auto* const mallctl = Named<int(const char*, void*, std::size_t*, void*, std::size_t)>("mallctl");

// What the program may write to: what nallocx promised.
void CheckRealSize(const void* block, std::size_t size, int flags) {
  CHECK(sallocx(block, flags) >= size);
  if (nallocx != nullptr && (flags & 0x3f) == 0) {
    CHECK(sallocx(block, flags) == nallocx(size, flags));
  }
}

void RoundTrips() {
  for (std::size_t size : {64u, 100u, 1000u, 20'000u, 100'000u, 3'000'000u}) {
    for (std::size_t alignment : {1u, 64u, 4096u, 8192u, 65536u}) {
      for (int flags : {0, kZero, kNoCache, kZero | kNoCache}) {
        const int all = flags | LogAlignment(alignment);
        const auto make = [=] {
          void* block = mallocx(size, all);
          CHECK(block != nullptr);
          CheckRealSize(block, size, all);
          if (nallocx != nullptr && (all & kZero) == 0) memset(block, 1, nallocx(size, all));
          return block;
        };
        const bool zeroed = (flags & kZero) != 0;
        RoundTrip(size, alignment, size, zeroed, make, [=](void* p) { dallocx(p, flags); });
        RoundTrip(size, alignment, size, zeroed, make, [=](void* p) { sdallocx(p, size, all); });
        RoundTrip(size, alignment, size, zeroed, make, free);
      }
    }
    // Blocks of malloc's.
    RoundTrip(
        size, 16, size, false, [=] { return malloc(size); }, [=](void* p) { dallocx(p, 0); });
    RoundTrip(
        size, 16, size, true, [=] { return calloc(size / 4, 4); },
        [=](void* p) {
          CHECK(sallocx(p, 0) >= size);
          sdallocx(p, size, 0);
        });
  }
}

void Resizes() {
  const auto drop = [](void* p) { dallocx(p, 0); };
  for (std::size_t alignment : {1u, 256u, 8192u}) {
    for (int flags : {0, kZero, kNoCache}) {
      const int all = flags | LogAlignment(alignment);
      Resizing(
          alignment, true, (flags & kZero) != 0,
          [=](std::size_t size) { return mallocx(size, all); },
          [=](void* old, std::size_t size) { return rallocx(old, size, all); }, drop);
    }
  }
  Resizing(
      16, true, false, [](std::size_t size) { return malloc(size); },
      [](void* old, std::size_t size) { return rallocx(old, size, 0); }, free);
  Resizing(
      16, true, false, [](std::size_t size) { return mallocx(size, 0); },
      [](void* old, std::size_t size) { return realloc(old, size); }, drop);
  // All that nallocx says moves along, whoever moves it.
  if (nallocx != nullptr) {
    for (int way = 0; way < 2; ++way) {
      const std::size_t real = nallocx(100, 0);
      void* block = mallocx(100, 0);
      Fill(block, real);
      block = way == 0 ? realloc(block, 1000) : rallocx(block, 1000, 0);
      CHECK(Filled(block, real));
      dallocx(block, 0);
    }
  }
}

void InPlace() {
  for (std::size_t size : {100u, 40'000u, 2'000'000u}) {
    const WracklineTestCounts before = Counts();
    void* block = mallocx(size, 0);
    Fill(block, size);
    const std::size_t grown = xallocx(block, size * 2, size, 0);
    CHECK(grown >= size);
    // Not equal: jemalloc 5.3.0 may grow a block and return its old size.
    CHECK(sallocx(block, 0) >= grown);
    CHECK(Filled(block, size));
    const std::size_t cut = xallocx(block, size / 2, 0, 0);
    CHECK(cut >= size / 2 && sallocx(block, 0) >= size / 2);
    CHECK(Filled(block, size / 2));
    dallocx(block, 0);
    if (Profiled()) CHECK(Counts().live == before.live);
  }
}

// An arena goes with all that is in it.
void Arenas() {
  if (mallctl == nullptr) return;
  unsigned arena = 0;
  std::size_t length = sizeof arena;
  CHECK(mallctl("arenas.create", &arena, &length, nullptr, 0) == 0);
  const int flags = static_cast<int>((arena + 1) << 20) | kNoCache;
  RoundTrip(
      1000, 8, 1000, false, [=] { return mallocx(1000, flags); },
      [=](void* p) { dallocx(p, flags); });
  Resizing(
      8, true, true, [=](std::size_t size) { return mallocx(size, flags | kZero); },
      [=](void* old, std::size_t size) { return rallocx(old, size, flags | kZero); },
      [=](void* p) { dallocx(p, flags); });
  void* block = malloc(1000);
  Fill(block, 1000);
  block = rallocx(block, 2000, flags);
  CHECK(Filled(block, 1000));
  unsigned holder = 0;
  length = sizeof holder;
  CHECK(mallctl("arenas.lookup", &holder, &length, &block, sizeof block) == 0 && holder == arena);
  char reset[32];
  snprintf(reset, sizeof reset, "arena.%u.reset", arena);
  CHECK(mallctl(reset, nullptr, nullptr, nullptr, 0) == 0);
  for (int i = 0; i < 1000; ++i) dallocx(mallocx(2000, flags), flags);
}

}  // namespace

int main() {
  if (mallocx == nullptr) return 0;
  RoundTrips();
  SmallAndAligned([](std::size_t size,
                     std::size_t alignment) { return mallocx(size, LogAlignment(alignment)); },
                  [](void* block) { dallocx(block, 0); });
  Resizes();
  InPlace();
  Arenas();
  return 0;
}
