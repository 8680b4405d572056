// What jcmd and jmap print of heap, metaspace and code cache.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/heap_info_text.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const HeapText heap = ParseHeapText(text);
  for (const VmRange& range : heap.ranges) {
    if (range.begin >= range.end) std::abort();
  }
  const SourceFile file{"heap.txt", text, {}};
  Evidence evidence;
  if (!IsHeapText(file)) return 0;
  if (AddHeapInfo(file, &evidence).ok() == heap.Empty()) std::abort();
  return 0;
}
