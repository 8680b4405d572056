// What can be read of another tool's heap profile can be written in every format, and is read back with the same figures.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "analyzer/evidence/heap_profile.h"
#include "analyzer/export/formats.h"

namespace {

using namespace wrackline;

void SameOrAbort(const std::string& text, double live, double tolerance) {
  if (!evidence::LooksLikeHeapProfile(text)) std::abort();
  const Result<evidence::HeapProfile> read = evidence::ParseHeapProfile(text);
  if (!read.ok() || std::abs(read.value().live.bytes - live) > tolerance) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<evidence::HeapProfile> read = evidence::ParseHeapProfile(text);
  if (!read.ok()) return 0;
  const exports::Profile profile = exports::ProfileOfHeapProfile(read.value(), nullptr, nullptr);
  if (profile.stacks.empty() || !read.value().has_live) return 0;
  const auto live = static_cast<double>(profile.Live().bytes);
  if (live < 0) std::abort();
  // Larger sums than any machine has are rounded on their way.
  const bool sane = live < 1e15 && profile.Allocated().bytes < 1'000'000'000'000'000;
  const std::string pprof = exports::Pprof(profile);
  if (sane) SameOrAbort(pprof, live, 1);
  for (const bool named : {false, true}) {
    const Result<std::string> dump = exports::Jemalloc(profile, named);
    if (!dump.ok() && dump.error().message.empty()) std::abort();
  }
  std::int64_t sum = 0;
  const std::string lines = exports::Collapsed(profile, exports::Value::kLive);
  for (std::string_view rest = lines; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::size_t blank = line.rfind(' ');
    if (blank == std::string_view::npos || blank == 0) std::abort();
    sum += std::strtoll(std::string(line.substr(blank + 1)).c_str(), nullptr, 10);
  }
  if (sane && static_cast<double>(sum) != live) std::abort();
  if (!nlohmann::json::accept(exports::Speedscope(profile))) std::abort();
  return 0;
}
