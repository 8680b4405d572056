// A log of the garbage collector.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/gc_log.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Time end{std::chrono::seconds(1'795'880'000)};
  const GcLog log = ParseGcLog(text, end);
  if (log.points.size() > log.collections || log.full > log.collections) std::abort();
  const SourceFile file{"gc.log", text, end};
  Evidence evidence;
  if (IsGcLog(file) && AddGcLog(file, &evidence).ok() && !log.points.empty() && !evidence.jvm)
    std::abort();
  return 0;
}
