// Memory sizes, Java's numbers and versions: an answer or an error, and what was parsed writes back
// to itself.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/java_number.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/version.h"

namespace flink = wrackline::flink;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::int64_t bytes = 1'000'000'007;
  const auto parsed = flink::ParseMemorySize(text);
  if (parsed.ok()) {
    bytes = parsed.value().bytes;
    if (bytes < 0) std::abort();
    const auto again = flink::ParseMemorySize(flink::WriteMemorySize(parsed.value()));
    if (!again.ok() || again.value() != parsed.value()) std::abort();
    (void)flink::FormatMemorySize(parsed.value());
  }
  try {
    const double fraction = flink::ParseJavaFloat(text);
    (void)flink::JavaDoubleToString(fraction);
    if (fraction >= 0 && fraction < 1) {
      const std::int64_t part = flink::MultiplyTruncated(bytes, fraction);
      if (part < 0 || part > bytes) std::abort();
    }
  } catch (const flink::JavaException&) {
  }
  (void)flink::ParseVersion(text);
  return 0;
}
