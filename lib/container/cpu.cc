#include "lib/container/cpu.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "lib/container/scan.h"

namespace wrackline::container {
namespace {

using scan::Span;

std::optional<std::uint64_t> ReadNumber(int folder, int level, const char* name) {
  char text[64];
  const long length = scan::ReadFileAt(folder, scan::Above(level, name).text, text, sizeof(text));
  if (length < 0) return std::nullopt;
  // "-1", no quota, is no decimal number.
  return scan::WholeDecimal({text, static_cast<std::size_t>(length)});
}

// Whether the walk up is still among cgroups with this controller: the root of v2 and the folder
// that holds a mount point have no such file.
bool IsThere(int folder, int level, const char* name) {
  return faccessat(folder, scan::Above(level, name).text, F_OK, 0) == 0;
}

}  // namespace

std::optional<CpuBandwidth> ParseCpuMax(const char* text, std::size_t length) {
  Span rest{text, length};
  Span line;
  if (!scan::TakeLine(&rest, &line)) return std::nullopt;
  Span quota_word = scan::TakeWord(&line);
  const auto quota = scan::WholeDecimal(quota_word);
  const auto period = scan::WholeDecimal(line);
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return CpuBandwidth{*quota, *period};
}

std::optional<CpuBandwidth> ReadCpuMax(int folder, int level) {
  char text[64];
  const long length =
      scan::ReadFileAt(folder, scan::Above(level, "cpu.max").text, text, sizeof(text));
  if (length < 0) return std::nullopt;
  return ParseCpuMax(text, static_cast<std::size_t>(length));
}

std::optional<CpuBandwidth> ReadCpuCfs(int folder, int level) {
  const auto quota = ReadNumber(folder, level, "cpu.cfs_quota_us");
  const auto period = ReadNumber(folder, level, "cpu.cfs_period_us");
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return CpuBandwidth{*quota, *period};
}

std::optional<std::uint32_t> ReadCpuQuota(const Cgroup& cgroup) {
  if (cgroup.version != 1 && cgroup.version != 2) return std::nullopt;
  const int folder = scan::OpenFolder(cgroup.folder);
  if (folder < 0) return std::nullopt;
  const char* const file = cgroup.version == 1 ? "cpu.cfs_quota_us" : "cpu.max";
  std::optional<std::uint32_t> lowest;
  for (int level = 0; level <= scan::kMaxParents && IsThere(folder, level, file); ++level) {
    const auto found = cgroup.version == 1 ? ReadCpuCfs(folder, level) : ReadCpuMax(folder, level);
    if (!found) continue;
    std::uint64_t scaled = 0;
    if (__builtin_mul_overflow(found->quota_us, std::uint64_t{1000}, &scaled)) continue;
    const std::uint64_t thousandths = scaled / found->period_us + (scaled % found->period_us != 0);
    if (thousandths > UINT32_MAX) continue;
    if (!lowest || thousandths < *lowest) lowest = static_cast<std::uint32_t>(thousandths);
  }
  close(folder);
  return lowest;
}

std::optional<std::uint32_t> UsableCpus() {
  // The system call, not the library's wrapper, whose set may be too small for the machine.
  unsigned long mask[128] = {};  // 8192 processors, the most that Linux is built for
  const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
  if (bytes <= 0) return std::nullopt;
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(bytes) / sizeof(mask[0]); ++i)
    count += static_cast<std::uint32_t>(__builtin_popcountl(mask[i]));
  return count;
}

}  // namespace wrackline::container
