// A fatal error log.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/hs_err.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const SourceFile file{"hs_err_pid1.log", text, {}};
  Evidence evidence;
  const bool recognised = IsHsErr(file);
  const auto said = AddHsErr(file, &evidence);
  if (said.ok() ? evidence.java_errors.size() != 1 || !evidence.jvm : evidence.jvm.has_value())
    std::abort();
  if (recognised && said.ok() && said.value().empty()) std::abort();
  return 0;
}
