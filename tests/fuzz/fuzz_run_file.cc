// Recorded demands as another program may write them; what is read is written and read again, and is the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/run_file.h"
#include "analyzer/render/run_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrackline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  evidence::LooksLikeRunFile(text);
  const auto runs = evidence::ReadRuns(text, "fuzz");
  if (!runs.ok()) return 0;
  std::string written;
  for (const sizing::Run& run : runs.value()) written += render::RenderRun(run);
  const auto again = evidence::ReadRuns(written, "again");
  if (!again.ok() || again.value().size() != runs.value().size()) std::abort();
  std::string twice;
  for (const sizing::Run& run : again.value()) twice += render::RenderRun(run);
  if (twice != written) std::abort();
  return 0;
}
