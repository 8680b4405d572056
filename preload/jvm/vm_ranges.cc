#include "preload/jvm/vm_ranges.h"

#include "preload/jvm/vm_text.h"

namespace wrackline::preload {

using namespace vm_text;

namespace {

bool TakeUsed(Span line, std::uint64_t* used) {
  const auto size = SizeAfter(line, " used=");
  if (size) *used = *size;
  return size.has_value();
}

}  // namespace

int ParseCodeHeaps(const char* text, std::size_t size, CodeHeap* heaps, int most) {
  Span rest = TextOf(text, size);
  Span raw;
  Span name;
  std::uint64_t used = 0;
  bool bounds_follow = false;
  int count = 0;
  while (count < most && NextLine(&rest, &raw)) {
    Span line = Trimmed(raw);
    if (line.StartsWith("bounds [") && bounds_follow) {
      std::uint64_t addresses[3];
      if (TakeAddresses(line, addresses, 3) == 3 && addresses[0] <= addresses[1] &&
          addresses[1] <= addresses[2]) {
        CodeHeap& heap = heaps[count++];
        CopyName(heap.name, name);
        heap.range = {addresses[0], addresses[2]};
        heap.committed = addresses[1] - addresses[0];
        heap.used = used;
      }
      bounds_follow = false;
    } else if (Skip(&line, "CodeHeap '")) {
      name = container::scan::TakeUntil(&line, '\'');
      bounds_follow = TakeUsed(line, &used);
    } else if (line.StartsWith("CodeCache: ")) {
      // One heap for all code. JDK 21 and later add such a line for the sum of several, without bounds.
      name = {line.data, std::strlen("CodeCache")};
      bounds_follow = TakeUsed(line, &used);
    }
  }
  return count;
}

int ParseMetaspaceNodes(const char* text, std::size_t size, MetaspaceNode* nodes, int most) {
  Span rest = TextOf(text, size);
  Span raw;
  bool class_space = false;
  int count = 0;
  while (count < most && NextLine(&rest, &raw)) {
    Span line = Trimmed(raw);
    if (line.StartsWith("vsl ")) class_space = line.StartsWith("vsl class-space");
    if (!line.StartsWith("- node #") || !SkipPast(&line, ": base ")) continue;
    const auto base = TakeAddress(&line);
    const auto reserved = SizeAfter(line, "reserved=");
    std::uint64_t end = 0;
    if (!base || !reserved || *reserved == 0 || __builtin_add_overflow(*base, *reserved, &end)) {
      continue;
    }
    nodes[count++] = {{*base, end}, class_space};
  }
  return count;
}

}  // namespace wrackline::preload
