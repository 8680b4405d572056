#include "preload/jvm/native_memory.h"

#include "preload/jvm/vm_text.h"

namespace wrackline::preload {

using namespace vm_text;

namespace {

// "(malloc=31KB #124) ...", "(arena=23KB #39) ..."; not "(malloc: ...)" of other texts.
std::optional<std::uint64_t> MallocOf(Span line) {
  return line.StartsWith("(malloc=") || line.StartsWith("(arena=") ? SizeAfter(line, "=")
                                                                   : std::nullopt;
}

}  // namespace

NativeMemory ParseNativeMemory(const char* text, std::size_t size) {
  NativeMemory memory;
  Span rest = TextOf(text, size);
  Span raw;
  NativeCategory* category = nullptr;
  while (NextLine(&rest, &raw)) {
    Span line = Trimmed(raw);
    if (line.StartsWith("Total: ") && !memory.committed) {
      memory.reserved = SizeAfter(line, "reserved=");
      memory.committed = SizeAfter(line, "committed=");
    } else if (Skip(&line, "-")) {
      category = nullptr;
      const Span name = container::scan::TakeUntil(&line, '(');
      const auto reserved = SizeAfter(line, "reserved=");
      const auto committed = SizeAfter(line, "committed=");
      if (!reserved || !committed || memory.count == NativeMemory::kMost) continue;
      category = &memory.categories[memory.count++];
      CopyName(category->name, name);
      category->reserved = *reserved;
      category->committed = *committed;
      category->malloc.reset();
    } else if (category != nullptr) {
      const auto malloc = MallocOf(line);
      std::uint64_t sum = 0;
      if (malloc && !__builtin_add_overflow(category->malloc.value_or(0), *malloc, &sum)) {
        category->malloc = sum;
      }
    }
  }
  return memory;
}

}  // namespace wrackline::preload
