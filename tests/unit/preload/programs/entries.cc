#include "tests/unit/preload/programs/entries.h"

#include <dlfcn.h>

#include <cstring>
#include <new>
#include <string>

namespace wrackline::storm {
namespace {

// How functions are called.
template <typename Function>
Function* As(void* function) {
  return reinterpret_cast<Function*>(function);
}
using Size = std::size_t;
const std::nothrow_t* Tag() { return &std::nothrow; }

void* BySize(void* f, Size size, Size) { return As<void*(Size)>(f)(size); }
void* ByCount(void* f, Size size, Size) {
  return size % 4 == 0 ? As<void*(Size, Size)>(f)(4, size / 4) : As<void*(Size, Size)>(f)(1, size);
}
void* AlignmentFirst(void* f, Size size, Size alignment) {
  return As<void*(Size, Size)>(f)(alignment, size);
}
void* AlignmentLast(void* f, Size size, Size alignment) {
  return As<void*(Size, Size)>(f)(size, alignment);
}
void* AlignmentAt(void* f, Size size, Size alignment) {
  return As<void*(Size, Size, Size)>(f)(size, alignment, size % 2 * alignment);
}
void* CountAligned(void* f, Size size, Size alignment) {
  return As<void*(Size, Size, Size)>(f)(1, size, alignment);
}
void* CountAlignedAt(void* f, Size size, Size alignment) {
  return As<void*(Size, Size, Size, Size)>(f)(1, size, alignment, size % 2 * alignment);
}
void* Posix(void* f, Size size, Size alignment) {
  void* block = nullptr;
  return As<int(void**, Size, Size)>(f)(&block, alignment, size) == 0 ? block : nullptr;
}
void* WithTag(void* f, Size size, Size) {
  return As<void*(Size, const std::nothrow_t*)>(f)(size, Tag());
}
void* AlignedWithTag(void* f, Size size, Size alignment) {
  return As<void*(Size, Size, const std::nothrow_t*)>(f)(size, alignment, Tag());
}
void* Grown(void* f, Size size, Size) { return As<void*(void*, Size)>(f)(nullptr, size); }
void* GrownArray(void* f, Size size, Size) {
  return As<void*(void*, Size, Size)>(f)(nullptr, 1, size);
}
constexpr int kZero = 0x40, kNoCache = 0x100;
template <int kFlags>
void* WithFlags(void* f, Size size, Size alignment) {
  return As<void*(Size, int)>(f)(size, kFlags | LogAlignment(alignment));
}
void* Text(void* f, Size size, Size) {
  const std::string text(size - 1, 'x');
  return As<void*(const char*)>(f)(text.c_str());
}
void* TextPart(void* f, Size size, Size) {
  const std::string text(size + 5, 'x');
  return As<void*(const char*, Size)>(f)(text.c_str(), size - 1);
}

const Maker kMakers[] = {
    {"malloc", Heap::kMalloc, BySize, Maker::kSized},
    {"calloc", Heap::kMalloc, ByCount, Maker::kZeroed | Maker::kSized},
    {"realloc", Heap::kMalloc, Grown, Maker::kSized},
    {"reallocarray", Heap::kMalloc, GrownArray, Maker::kSized},
    {"posix_memalign", Heap::kMalloc, Posix, Maker::kAligned},
    {"aligned_alloc", Heap::kMalloc, AlignmentFirst,
     Maker::kAligned | Maker::kWhole | Maker::kSized},
    {"memalign", Heap::kMalloc, AlignmentFirst, Maker::kAligned},
    {"valloc", Heap::kMalloc, BySize, Maker::kPages},
    {"pvalloc", Heap::kMalloc, BySize, Maker::kPages},

    {"_Znwm", Heap::kNew, BySize, Maker::kSized},
    {"_ZnwmRKSt9nothrow_t", Heap::kNew, WithTag, Maker::kSized},
    {"_Znam", Heap::kNewArray, BySize, Maker::kSized},
    {"_ZnamRKSt9nothrow_t", Heap::kNewArray, WithTag, Maker::kSized},
    {"_ZnwmSt11align_val_t", Heap::kNewAligned, AlignmentLast, Maker::kAligned | Maker::kSized},
    {"_ZnwmSt11align_val_tRKSt9nothrow_t", Heap::kNewAligned, AlignedWithTag,
     Maker::kAligned | Maker::kSized},
    {"_ZnamSt11align_val_t", Heap::kNewArrayAligned, AlignmentLast,
     Maker::kAligned | Maker::kSized},
    {"_ZnamSt11align_val_tRKSt9nothrow_t", Heap::kNewArrayAligned, AlignedWithTag,
     Maker::kAligned | Maker::kSized},

    {"mallocx", Heap::kJemalloc, WithFlags<0>, Maker::kSized | Maker::kNotEmpty},
    {"mallocx", Heap::kJemalloc, WithFlags<kZero>,
     Maker::kSized | Maker::kNotEmpty | Maker::kZeroed},
    {"mallocx", Heap::kJemalloc, WithFlags<kNoCache>, Maker::kSized | Maker::kNotEmpty},
    {"mallocx", Heap::kJemalloc, WithFlags<0>, Maker::kSized | Maker::kNotEmpty | Maker::kAligned},

    {"tc_malloc", Heap::kTcmalloc, BySize, Maker::kSized},
    {"tc_malloc_skip_new_handler", Heap::kTcmalloc, BySize, Maker::kSized},
    {"tc_calloc", Heap::kTcmalloc, ByCount, Maker::kZeroed | Maker::kSized},
    {"tc_realloc", Heap::kTcmalloc, Grown, Maker::kSized},
    {"tc_memalign", Heap::kTcmalloc, AlignmentFirst, Maker::kAligned},
    {"tc_posix_memalign", Heap::kTcmalloc, Posix, Maker::kAligned},
    {"tc_valloc", Heap::kTcmalloc, BySize, Maker::kPages},
    {"tc_pvalloc", Heap::kTcmalloc, BySize, Maker::kPages},
    {"tc_new", Heap::kTcmalloc, BySize, Maker::kSized},
    {"tc_newarray", Heap::kTcmalloc, BySize, Maker::kSized},
    {"tc_new_nothrow", Heap::kTcmalloc, WithTag, Maker::kSized},
    {"tc_newarray_nothrow", Heap::kTcmalloc, WithTag, Maker::kSized},
    {"tc_new_aligned", Heap::kTcmalloc, AlignmentLast, Maker::kAligned | Maker::kSized},
    {"tc_newarray_aligned", Heap::kTcmalloc, AlignmentLast, Maker::kAligned | Maker::kSized},
    {"tc_new_aligned_nothrow", Heap::kTcmalloc, AlignedWithTag, Maker::kAligned | Maker::kSized},
    {"tc_newarray_aligned_nothrow", Heap::kTcmalloc, AlignedWithTag,
     Maker::kAligned | Maker::kSized},

    {"mi_malloc", Heap::kMimalloc, BySize, Maker::kSized},
    {"mi_malloc_small", Heap::kMimalloc, BySize, Maker::kSized | Maker::kSmall},
    {"mi_zalloc", Heap::kMimalloc, BySize, Maker::kZeroed | Maker::kSized},
    {"mi_zalloc_small", Heap::kMimalloc, BySize, Maker::kZeroed | Maker::kSized | Maker::kSmall},
    {"mi_calloc", Heap::kMimalloc, ByCount, Maker::kZeroed | Maker::kSized},
    {"mi_mallocn", Heap::kMimalloc, ByCount, Maker::kSized},
    {"mi_malloc_aligned", Heap::kMimalloc, AlignmentLast, Maker::kAligned | Maker::kSized},
    {"mi_zalloc_aligned", Heap::kMimalloc, AlignmentLast,
     Maker::kAligned | Maker::kZeroed | Maker::kSized},
    {"mi_calloc_aligned", Heap::kMimalloc, CountAligned,
     Maker::kAligned | Maker::kZeroed | Maker::kSized},
    {"mi_malloc_aligned_at", Heap::kMimalloc, AlignmentAt, Maker::kAligned | Maker::kSized},
    {"mi_zalloc_aligned_at", Heap::kMimalloc, AlignmentAt,
     Maker::kAligned | Maker::kZeroed | Maker::kSized},
    {"mi_calloc_aligned_at", Heap::kMimalloc, CountAlignedAt,
     Maker::kAligned | Maker::kZeroed | Maker::kSized},
    {"mi_memalign", Heap::kMimalloc, AlignmentFirst, Maker::kAligned | Maker::kSized},
    {"mi_aligned_alloc", Heap::kMimalloc, AlignmentFirst,
     Maker::kAligned | Maker::kWhole | Maker::kSized},
    {"mi_posix_memalign", Heap::kMimalloc, Posix, Maker::kAligned | Maker::kSized},
    {"mi_valloc", Heap::kMimalloc, BySize, Maker::kPages},
    {"mi_pvalloc", Heap::kMimalloc, BySize, Maker::kPages | Maker::kNotEmpty},
    {"mi_new", Heap::kMimalloc, BySize, Maker::kSized},
    {"mi_new_n", Heap::kMimalloc, ByCount, Maker::kSized},
    {"mi_new_aligned", Heap::kMimalloc, AlignmentLast, Maker::kAligned | Maker::kSized},
    {"mi_new_nothrow", Heap::kMimalloc, BySize, Maker::kSized},
    {"mi_new_aligned_nothrow", Heap::kMimalloc, AlignmentLast, Maker::kAligned | Maker::kSized},
    {"mi_strdup", Heap::kMimalloc, Text, Maker::kNotEmpty | Maker::kText},
    {"mi_strndup", Heap::kMimalloc, TextPart, Maker::kNotEmpty | Maker::kText},
};

void* Resize(void* f, const Block& block, Size size) {
  return As<void*(void*, Size)>(f)(block.at, size);
}
void* ResizeArray(void* f, const Block& block, Size size) {
  return As<void*(void*, Size, Size)>(f)(block.at, 1, size);
}
void* ResizeAt(void* f, const Block& block, Size size) {  // mi_reallocarr: changes the pointer
  void* place = block.at;
  return As<int(void*, Size, Size)>(f)(&place, 1, size) == 0 ? place : nullptr;
}
void* ResizeWithFlags(void* f, const Block& block, Size size) {
  return As<void*(void*, Size, int)>(f)(block.at, size, LogAlignment(block.alignment));
}
Size AlignmentOf(const Block& block) { return block.alignment == 0 ? 16 : block.alignment; }
void* ResizeAligned(void* f, const Block& block, Size size) {
  return As<void*(void*, Size, Size)>(f)(block.at, size, AlignmentOf(block));
}
void* ResizeAlignedAt(void* f, const Block& block, Size size) {
  return As<void*(void*, Size, Size, Size)>(f)(block.at, size, AlignmentOf(block), 0);
}
void* ResizeCountAligned(void* f, const Block& block, Size size) {
  return As<void*(void*, Size, Size, Size)>(f)(block.at, 1, size, AlignmentOf(block));
}
void* ResizeCountAlignedAt(void* f, const Block& block, Size size) {
  return As<void*(void*, Size, Size, Size, Size)>(f)(block.at, 1, size, AlignmentOf(block), 0);
}
// The thread's own heap; null where there is no mimalloc.
void* OwnHeap() {
  static void* const get = dlsym(RTLD_DEFAULT, "mi_heap_get_default");
  return get != nullptr ? As<void*()>(get)() : nullptr;
}
void* InHeap(void* f, const Block& block, Size size) {
  return As<void*(void*, void*, Size)>(f)(OwnHeap(), block.at, size);
}
void* InHeapArray(void* f, const Block& block, Size size) {
  return As<void*(void*, void*, Size, Size)>(f)(OwnHeap(), block.at, 1, size);
}
void* InHeapAligned(void* f, const Block& block, Size size) {
  return As<void*(void*, void*, Size, Size)>(f)(OwnHeap(), block.at, size, AlignmentOf(block));
}
void* InHeapAlignedAt(void* f, const Block& block, Size size) {
  return As<void*(void*, void*, Size, Size, Size)>(f)(OwnHeap(), block.at, size, AlignmentOf(block),
                                                      0);
}
void* InHeapCountAligned(void* f, const Block& block, Size size) {
  return As<void*(void*, void*, Size, Size, Size)>(f)(OwnHeap(), block.at, 1, size,
                                                      AlignmentOf(block));
}
void* InHeapCountAlignedAt(void* f, const Block& block, Size size) {
  return As<void*(void*, void*, Size, Size, Size, Size)>(f)(OwnHeap(), block.at, 1, size,
                                                            AlignmentOf(block), 0);
}

const Resizer kResizers[] = {
    {"realloc", Heap::kMalloc, Resize, true},
    {"reallocarray", Heap::kMalloc, ResizeArray, true},
    {"rallocx", Heap::kJemalloc, ResizeWithFlags, true},
    {"tc_realloc", Heap::kTcmalloc, Resize, true},
    {"mi_realloc", Heap::kMimalloc, Resize, true},
    {"mi_reallocf", Heap::kMimalloc, Resize, true},
    {"mi_rezalloc", Heap::kMimalloc, Resize, true},
    {"mi_reallocn", Heap::kMimalloc, ResizeArray, true},
    {"mi_recalloc", Heap::kMimalloc, ResizeArray, true},
    {"mi_reallocarray", Heap::kMimalloc, ResizeArray, true},
    {"mi_reallocarr", Heap::kMimalloc, ResizeAt, true},
    {"mi_realloc_aligned", Heap::kMimalloc, ResizeAligned, true},
    {"mi_realloc_aligned_at", Heap::kMimalloc, ResizeAlignedAt, true},
    {"mi_rezalloc_aligned", Heap::kMimalloc, ResizeAligned, true},
    {"mi_rezalloc_aligned_at", Heap::kMimalloc, ResizeAlignedAt, true},
    {"mi_recalloc_aligned", Heap::kMimalloc, ResizeCountAligned, true},
    {"mi_aligned_recalloc", Heap::kMimalloc, ResizeCountAligned, true},
    {"mi_recalloc_aligned_at", Heap::kMimalloc, ResizeCountAlignedAt, true},
    {"mi_aligned_offset_recalloc", Heap::kMimalloc, ResizeCountAlignedAt, true},
    {"mi_new_realloc", Heap::kMimalloc, Resize, true},
    {"mi_new_reallocn", Heap::kMimalloc, ResizeArray, true},
    {"mi_heap_realloc", Heap::kMimalloc, InHeap, true, false},
    {"mi_heap_reallocf", Heap::kMimalloc, InHeap, true, false},
    {"mi_heap_rezalloc", Heap::kMimalloc, InHeap, true, false},
    {"mi_heap_reallocn", Heap::kMimalloc, InHeapArray, true, false},
    {"mi_heap_recalloc", Heap::kMimalloc, InHeapArray, true, false},
    {"mi_heap_realloc_aligned", Heap::kMimalloc, InHeapAligned, true, false},
    {"mi_heap_realloc_aligned_at", Heap::kMimalloc, InHeapAlignedAt, true, false},
    {"mi_heap_rezalloc_aligned", Heap::kMimalloc, InHeapAligned, true, false},
    {"mi_heap_rezalloc_aligned_at", Heap::kMimalloc, InHeapAlignedAt, true, false},
    {"mi_heap_recalloc_aligned", Heap::kMimalloc, InHeapCountAligned, true, false},
    {"mi_heap_recalloc_aligned_at", Heap::kMimalloc, InHeapCountAlignedAt, true, false},
};

void Drop(void* f, const Block& block) { As<void(void*)>(f)(block.at); }
void DropTag(void* f, const Block& block) {
  As<void(void*, const std::nothrow_t*)>(f)(block.at, Tag());
}
void DropSized(void* f, const Block& block) { As<void(void*, Size)>(f)(block.at, block.size); }
void DropAligned(void* f, const Block& block) {
  As<void(void*, Size)>(f)(block.at, block.alignment);
}
void DropAlignedTag(void* f, const Block& block) {
  As<void(void*, Size, const std::nothrow_t*)>(f)(block.at, block.alignment, Tag());
}
void DropSizedAligned(void* f, const Block& block) {
  As<void(void*, Size, Size)>(f)(block.at, block.size, block.alignment);
}
void DropAlignedSized(void* f, const Block& block) {
  As<void(void*, Size, Size)>(f)(block.at, block.alignment, block.size);
}
void DropFlags(void* f, const Block& block) { As<void(void*, int)>(f)(block.at, 0); }
void DropNoCache(void* f, const Block& block) { As<void(void*, int)>(f)(block.at, kNoCache); }
void DropSizedFlags(void* f, const Block& block) {
  As<void(void*, Size, int)>(f)(block.at, block.size, LogAlignment(block.alignment));
}

using For = Dropper::For;
// jemalloc 5.3 destroys its heap where an aligned block of no bytes is deleted with its size: it takes it for
// one of 8 bytes.
const Dropper kDroppers[] = {
    {"free", Heap::kMalloc, Drop, For::kAny},
    {"cfree", Heap::kMalloc, Drop, For::kAny},
    {"free_sized", Heap::kMalloc, DropSized, For::kPlainSized},
    {"free_aligned_sized", Heap::kMalloc, DropAlignedSized, For::kAlignedSized},
    {"_ZdlPv", Heap::kNew, Drop, For::kAny},
    {"_ZdlPvRKSt9nothrow_t", Heap::kNew, DropTag, For::kAny},
    {"_ZdlPvm", Heap::kNew, DropSized, For::kAny},
    {"_ZdaPv", Heap::kNewArray, Drop, For::kAny},
    {"_ZdaPvRKSt9nothrow_t", Heap::kNewArray, DropTag, For::kAny},
    {"_ZdaPvm", Heap::kNewArray, DropSized, For::kAny},
    {"_ZdlPvSt11align_val_t", Heap::kNewAligned, DropAligned, For::kAny},
    {"_ZdlPvSt11align_val_tRKSt9nothrow_t", Heap::kNewAligned, DropAlignedTag, For::kAny},
    {"_ZdlPvmSt11align_val_t", Heap::kNewAligned, DropSizedAligned, For::kNotEmpty},
    {"_ZdaPvSt11align_val_t", Heap::kNewArrayAligned, DropAligned, For::kAny},
    {"_ZdaPvSt11align_val_tRKSt9nothrow_t", Heap::kNewArrayAligned, DropAlignedTag, For::kAny},
    {"_ZdaPvmSt11align_val_t", Heap::kNewArrayAligned, DropSizedAligned, For::kNotEmpty},
    {"dallocx", Heap::kJemalloc, DropFlags, For::kAny},
    {"dallocx", Heap::kJemalloc, DropNoCache, For::kAny},
    {"sdallocx", Heap::kJemalloc, DropSizedFlags, For::kSized},
    {"tc_free", Heap::kTcmalloc, Drop, For::kAny},
    {"tc_cfree", Heap::kTcmalloc, Drop, For::kAny},
    {"tc_free_sized", Heap::kTcmalloc, DropSized, For::kPlainSized},
    {"tc_delete", Heap::kTcmalloc, Drop, For::kPlain},
    {"tc_deletearray", Heap::kTcmalloc, Drop, For::kPlain},
    {"tc_delete_sized", Heap::kTcmalloc, DropSized, For::kPlainSized},
    {"tc_deletearray_sized", Heap::kTcmalloc, DropSized, For::kPlainSized},
    {"tc_delete_nothrow", Heap::kTcmalloc, DropTag, For::kPlain},
    {"tc_deletearray_nothrow", Heap::kTcmalloc, DropTag, For::kPlain},
    {"tc_delete_aligned", Heap::kTcmalloc, DropAligned, For::kAligned},
    {"tc_deletearray_aligned", Heap::kTcmalloc, DropAligned, For::kAligned},
    {"tc_delete_sized_aligned", Heap::kTcmalloc, DropSizedAligned, For::kAlignedSized},
    {"tc_deletearray_sized_aligned", Heap::kTcmalloc, DropSizedAligned, For::kAlignedSized},
    {"tc_delete_aligned_nothrow", Heap::kTcmalloc, DropAlignedTag, For::kAligned},
    {"tc_deletearray_aligned_nothrow", Heap::kTcmalloc, DropAlignedTag, For::kAligned},
    {"mi_free", Heap::kMimalloc, Drop, For::kAny},
    {"mi_cfree", Heap::kMimalloc, Drop, For::kAny},
    {"mi_free_size", Heap::kMimalloc, DropSized, For::kPlainSized},
    {"mi_free_aligned", Heap::kMimalloc, DropAligned, For::kAligned},
    {"mi_free_size_aligned", Heap::kMimalloc, DropSizedAligned, For::kAlignedSized},
};

Size Measure(void* f, void* block) { return As<Size(void*)>(f)(block); }
Size MeasureFlags(void* f, void* block) { return As<Size(void*, int)>(f)(block, 0); }
const Measurer kMeasurers[] = {
    {"malloc_usable_size", Heap::kMalloc, Measure},
    {"sallocx", Heap::kJemalloc, MeasureFlags},
    {"tc_malloc_size", Heap::kTcmalloc, Measure},
    {"mi_usable_size", Heap::kMimalloc, Measure},
    {"mi_malloc_size", Heap::kMimalloc, Measure},
    {"mi_malloc_usable_size", Heap::kMimalloc, Measure},
};

}  // namespace

Entries FindEntries(const char* prefix) {
  Entries entries;
  const auto named = [&](const char* name) {
    void* function = dlsym(RTLD_DEFAULT, (prefix + std::string(name)).c_str());
    if (function == nullptr) entries.missing.push_back(name);
    return function;
  };
  const auto find = [&](const auto& rows, auto* found) {
    for (auto row : rows) {
      row.function = named(row.name);
      if (row.function != nullptr) found->push_back(row);
    }
  };
  find(kMakers, &entries.makers);
  for (auto row : kResizers) {
    if (std::strncmp(row.name, "mi_heap_", 8) == 0 && OwnHeap() == nullptr) continue;
    row.function = named(row.name);
    if (row.function != nullptr) entries.resizers.push_back(row);
  }
  find(kDroppers, &entries.droppers);
  find(kMeasurers, &entries.measurers);
  entries.xallocx = As<Size(void*, Size, Size, int)>(named("xallocx"));
  entries.mi_expand = As<void*(void*, Size)>(named("mi_expand"));
  return entries;
}

}  // namespace wrackline::storm
