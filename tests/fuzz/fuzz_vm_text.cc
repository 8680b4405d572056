// The parsers of what a Java VM says of itself: the first byte chooses one, the rest is the text.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "lib/jvm/perf_data.h"
#include "preload/jvm/heap_info.h"
#include "preload/jvm/native_memory.h"
#include "preload/jvm/perf_memory.h"
#include "preload/jvm/resident.h"
#include "preload/jvm/vm_ranges.h"

using namespace wrackline::preload;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

template <std::size_t kSize>
bool Ended(const char (&text)[kSize]) {
  return std::memchr(text, '\0', kSize) != nullptr;
}

void Smaps(const char* text, std::size_t size) {
  static const auto memory = std::make_unique<JvmResidentMemory>();
  memory->ClearRanges();
  memory->AddRange(JvmKind::kHeap, {0x1000, 0x100000});
  memory->AddRange(JvmKind::kMetaspace, {0x80000, 0x180000});
  memory->Begin([](const void*, std::size_t bytes) { return bytes; });
  while (size > 0) {
    const void* end = std::memchr(text, '\n', size);
    const std::size_t length =
        end == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(end) - text);
    memory->TakeLine(text, length);
    const std::size_t taken = length < size ? length + 1 : size;
    text += taken;
    size -= taken;
  }
  memory->Finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const char* const text = reinterpret_cast<const char*>(data + 1);
  const std::size_t length = size - 1;
  switch (data[0]) {
    case 'h': {
      HeapInfo info = ParseHeapInfo(text, length);
      ParseMetaspaceLines(text, length, &info);
      Check(info.part_count <= HeapInfo::kMostParts && info.range_count <= HeapInfo::kMostRanges);
      for (int i = 0; i < info.part_count; ++i) Check(Ended(info.parts[i].name));
      for (int i = 0; i < info.range_count; ++i) Check(info.ranges[i].start < info.ranges[i].end);
      break;
    }
    case 'c': {
      CodeHeap heaps[4];
      const int count = ParseCodeHeaps(text, length, heaps, 4);
      for (int i = 0; i < count; ++i) {
        Check(Ended(heaps[i].name) && heaps[i].range.start <= heaps[i].range.end);
        Check(heaps[i].committed <= heaps[i].range.end - heaps[i].range.start);
      }
      break;
    }
    case 'm': {
      MetaspaceNode nodes[4];
      const int count = ParseMetaspaceNodes(text, length, nodes, 4);
      for (int i = 0; i < count; ++i) Check(nodes[i].range.start < nodes[i].range.end);
      break;
    }
    case 'n': {
      const NativeMemory memory = ParseNativeMemory(text, length);
      Check(memory.count <= NativeMemory::kMost);
      for (int i = 0; i < memory.count; ++i) Check(Ended(memory.categories[i].name));
      break;
    }
    case 's':
      Smaps(text, length);
      break;
    default: {
      const wrackline::jvm::PerfData counters(text, length);
      CollectionsOf(counters, true);
      if (const auto value = counters.Text("java.property.java.version"); value) {
        Check(value->data >= text && value->data + value->size <= text + length);
      }
      break;
    }
  }
  return 0;
}
