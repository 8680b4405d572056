// OutOfMemoryErrors in any log.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/java_errors.h"

using namespace wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<JavaError> errors = FindJavaErrors(text, "log");
  // One of a kind.
  if (errors.size() > 8) std::abort();
  for (const JavaError& error : errors) {
    if (error.count == 0 || error.message.size() > 700) std::abort();
  }
  return 0;
}
