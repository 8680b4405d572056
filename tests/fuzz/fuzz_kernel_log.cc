// The parser of the kernel's OOM report, and the report's own bound.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/kernel_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kBound = 4096;
  for (const std::string_view cgroup : {"", "/", "/kubepods/pod1/c1"}) {
    const auto kill = wrackline::evidence::ParseKernelKill(log, 42, cgroup);
    if (kill && kill->anon_rss && kill->anon_rss->count < 0) std::abort();
    const std::string report = wrackline::evidence::ExtractKernelReport(log, 42, cgroup, kBound);
    if (report.size() > kBound) std::abort();
    if (!kill && !report.empty()) std::abort();
  }
  return 0;
}
