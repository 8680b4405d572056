// A log of Flink's, of any layout.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/flink_log.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const SourceFile file{"tm.log", text, {}};
  const FlinkLog log = ParseFlinkLog(text);
  if (log.job_manager && log.facts.budgets) std::abort();
  if (!IsFlinkLog(file)) return 0;
  Evidence evidence;
  if (!AddFlinkLog(file, &evidence).ok() || !evidence.flink) std::abort();
  return 0;
}
