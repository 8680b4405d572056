// A Flink configuration found in a folder: recognised, parsed, derived.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/flink_config_source.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const SourceFile file{"config.yaml", text, {}};
  Evidence evidence;
  IsFlinkConfig(file);
  const auto said = AddFlinkConfig(file, &evidence);
  if (said.ok() != evidence.flink.has_value()) std::abort();
  if (said.ok() && evidence.flink->flink_config_text != text) std::abort();
  return 0;
}
