// A report of Native Memory Tracking as a folder holds it: any text.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/nmt_text.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = ParseNmt(text);
  if (report.ok()) {
    if (!report.value().figures.native_committed) std::abort();
    for (const VmRange& range : report.value().ranges) {
      if (range.begin >= range.end) std::abort();
    }
  }
  const SourceFile file{"nmt.txt", text, {}};
  Evidence evidence;
  if (IsNmt(file) && AddNmt(file, &evidence).ok() != evidence.jvm.has_value()) std::abort();
  return 0;
}
