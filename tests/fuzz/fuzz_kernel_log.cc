// The parser of the kernel's OOM report, and the report's own bound.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/kernel_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrackline::evidence;
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kBound = 4096;
  for (const std::string_view cgroup : {"", "/", "/kubepods/pod1/c1"}) {
    const auto kill = ParseKernelKill(log, 42, cgroup);
    if (kill && kill->anon_rss && kill->anon_rss->count < 0) std::abort();
    const std::string report = ExtractKernelReport(log, 42, cgroup, kBound);
    if (report.size() > kBound) std::abort();
    if (!kill && !report.empty()) std::abort();
  }
  for (const KernelKill& kill : AllKernelKills(log)) {
    if (!kill.report || kill.report->killed.empty() || kill.report->tasks.size() > 4096)
      std::abort();
    // A victim that is listed is found again by its pid.
    if (!ParseKernelKill(log, kill.pid, "")) std::abort();
  }
  const SourceFile file{"f", log, Time{}};
  if (IsKernelLog(file)) {
    Evidence evidence;
    if (!AddKernelLog(file, &evidence).ok()) std::abort();
    for (const TimelinePoint& point : evidence.timeline)
      if (point.anon && point.anon->count < 0) std::abort();
  }
  return 0;
}
