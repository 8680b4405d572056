#include "lib/container/cgroup.h"

#include <iterator>

#include "lib/container/kept_file.h"
#include "lib/container/scan.h"

namespace wrackline::container {
namespace {

using scan::Span;
using Figure = std::optional<std::uint64_t>;

// v1 writes "no limit" as 2^63 - 1 rounded down to a page (9223372036854771712 with 4 KiB pages).
// Nobody has 2^62 bytes.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;

using scan::Above;
using scan::kMaxParents;

// One line of memory.stat and where it goes.
struct StatLine {
  const char* key;
  Figure CgroupMemory::*field;
};

constexpr StatLine kStatV1[] = {
    {"cache", &CgroupMemory::file},
    {"rss", &CgroupMemory::anon},
    {"rss_huge", &CgroupMemory::anon_thp},
    {"shmem", &CgroupMemory::shmem},
    {"mapped_file", &CgroupMemory::file_mapped},
    {"dirty", &CgroupMemory::file_dirty},
    {"writeback", &CgroupMemory::file_writeback},
    {"swap", &CgroupMemory::swap},
    {"pgmajfault", &CgroupMemory::pgmajfault},
    {"inactive_anon", &CgroupMemory::inactive_anon},
    {"active_anon", &CgroupMemory::active_anon},
    {"inactive_file", &CgroupMemory::inactive_file},
    {"active_file", &CgroupMemory::active_file},
};

constexpr StatLine kStatV2[] = {
    {"anon", &CgroupMemory::anon},
    {"file", &CgroupMemory::file},
    {"kernel", &CgroupMemory::kernel},
    {"kernel_stack", &CgroupMemory::kernel_stack},
    {"pagetables", &CgroupMemory::page_tables},
    {"sock", &CgroupMemory::sock},
    {"shmem", &CgroupMemory::shmem},
    {"file_mapped", &CgroupMemory::file_mapped},
    {"file_dirty", &CgroupMemory::file_dirty},
    {"file_writeback", &CgroupMemory::file_writeback},
    {"anon_thp", &CgroupMemory::anon_thp},
    {"inactive_anon", &CgroupMemory::inactive_anon},
    {"active_anon", &CgroupMemory::active_anon},
    {"inactive_file", &CgroupMemory::inactive_file},
    {"active_file", &CgroupMemory::active_file},
    {"slab", &CgroupMemory::slab},
    {"slab_reclaimable", &CgroupMemory::slab_reclaimable},
    {"pgmajfault", &CgroupMemory::pgmajfault},
};

// What the two versions call the same thing.
const char* ChargeFile(int version) {
  return version == 1 ? "memory.usage_in_bytes" : "memory.current";
}
const char* LimitFile(int version) { return version == 1 ? "memory.limit_in_bytes" : "memory.max"; }

Figure ReadNumber(int folder, const char* name, KeptFile* kept = nullptr) {
  char text[64];
  const long length = kept != nullptr ? kept->Read(name, text, sizeof(text))
                                      : scan::ReadFileAt(folder, name, text, sizeof(text));
  if (length < 0) return std::nullopt;
  return scan::WholeDecimal({text, static_cast<std::size_t>(length)});
}

// Reads one number out of a file of "key value" lines.
Figure ReadKeyed(int folder, const char* name, const char* key) {
  char text[512];
  const long length = scan::ReadFileAt(folder, name, text, sizeof(text));
  if (length < 0) return std::nullopt;
  Span rest{text, static_cast<std::size_t>(length)};
  Span line;
  while (scan::TakeLine(&rest, &line)) {
    if (scan::TakeWord(&line).Is(key)) return scan::WholeDecimal(line);
  }
  return std::nullopt;
}

// The lowest limit on the way up, and how many levels up it is set. The walk ends by itself:
// neither the folder that holds a mount point nor the root cgroup of v2 has the limit's file.
struct EffectiveLimit {
  Figure bytes;
  int level = 0;
};

EffectiveLimit FindLimit(int folder, int version, Figure hierarchical) {
  EffectiveLimit lowest;
  for (int level = 0; level <= kMaxParents; ++level) {
    char text[64];
    const long length =
        scan::ReadFileAt(folder, Above(level, LimitFile(version)).text, text, sizeof(text));
    if (length < 0) break;
    // "max" is no number.
    const Figure limit = scan::WholeDecimal({text, static_cast<std::size_t>(length)});
    if (!limit || *limit >= kNoLimit) continue;
    if (!lowest.bytes || *limit < *lowest.bytes) lowest = {limit, level};
    if (hierarchical && *lowest.bytes <= *hierarchical) break;
  }
  // v1's own answer knows the parents that a container cannot see, and those that do not count
  // (use_hierarchy 0).
  if (hierarchical) {
    if (!lowest.bytes || *lowest.bytes != *hierarchical) lowest.level = 0;
    lowest.bytes = hierarchical;
  }
  return lowest;
}

// hierarchical_memory_limit goes to out->limit. Apart from ReadCgroupMemory so that its buffer is
// gone from the stack when the small files are read.
[[gnu::noinline]] void ReadMemoryStat(int folder, int version, CgroupMemory* out) {
  char text[8192];  // Linux 6.12 writes 1.1 KiB for a small container; 75 lines with the longest
                    // numbers are 3 KiB
  const long length = scan::ReadFileAt(folder, "memory.stat", text, sizeof(text));
  if (length > 0) ParseMemoryStat(text, static_cast<std::size_t>(length), version, out);
}

}  // namespace

std::optional<std::uint64_t> CgroupMemory::WorkingSet() const {
  if (!charge || !inactive_file) return std::nullopt;
  // The two are read one after the other and may cross.
  return *charge > *inactive_file ? *charge - *inactive_file : 0;
}

CgroupMemory ReadCgroupMemory(const Cgroup& cgroup) {
  CgroupMemory memory;
  if (cgroup.version != 1 && cgroup.version != 2) return memory;
  const int folder = scan::OpenFolder(cgroup.folder);
  if (folder < 0) return memory;

  // The charge first and the split right after it, so that the two are close in time.
  memory.charge = ReadNumber(folder, ChargeFile(cgroup.version));
  ReadMemoryStat(folder, cgroup.version, &memory);
  const EffectiveLimit limit = FindLimit(folder, cgroup.version, memory.limit);
  memory.limit = limit.bytes;
  if (cgroup.version == 1) {
    memory.peak = ReadNumber(folder, "memory.max_usage_in_bytes");
    memory.kernel = ReadNumber(folder, "memory.kmem.usage_in_bytes");
    memory.oom_kill = ReadKeyed(folder, "memory.oom_control", "oom_kill");
    memory.limit_hits = ReadNumber(folder, Above(limit.level, "memory.failcnt").text);
  } else {
    memory.peak = ReadNumber(folder, "memory.peak");
    memory.swap = ReadNumber(folder, "memory.swap.current");
    memory.oom_kill = ReadKeyed(folder, "memory.events", "oom_kill");
    // Of that limit alone; memory.events has those of every limit below it, a sidecar's too. Since Linux 5.2.
    memory.limit_hits = ReadKeyed(folder, Above(limit.level, "memory.events.local").text, "max");
    if (!memory.limit_hits)
      memory.limit_hits = ReadKeyed(folder, Above(limit.level, "memory.events").text, "max");
  }
  close(folder);
  return memory;
}

std::optional<std::uint64_t> ReadCharge(const Cgroup& cgroup, KeptFile* kept) {
  if (cgroup.version != 1 && cgroup.version != 2) return std::nullopt;
  scan::FixedText<sizeof(cgroup.folder) + 32> path;
  path.Add(cgroup.folder);
  path.Add("/");
  path.Add(ChargeFile(cgroup.version));
  return path.ok ? ReadNumber(AT_FDCWD, path.text, kept) : std::nullopt;
}

void ParseMemoryStat(const char* text, std::size_t length, int version, CgroupMemory* out) {
  const StatLine* const table = version == 1 ? kStatV1 : kStatV2;
  const std::size_t table_size = version == 1 ? std::size(kStatV1) : std::size(kStatV2);
  std::uint32_t total_seen = 0;  // a bit for each line of the table whose total_* form was read
  static_assert(std::size(kStatV1) <= 32);

  Span rest{text, length};
  Span line;
  while (scan::TakeLine(&rest, &line)) {
    Span key = scan::TakeWord(&line);
    const Figure value = scan::WholeDecimal(line);
    if (!value) continue;
    if (version == 1 && key.Is("hierarchical_memory_limit")) {
      out->limit = *value < kNoLimit ? value : std::nullopt;
      continue;
    }
    const bool total = version == 1 && key.StartsWith("total_");
    if (total) key.Skip(std::strlen("total_"));
    for (std::size_t i = 0; i < table_size; ++i) {
      if (!key.Is(table[i].key)) continue;
      const std::uint32_t bit = std::uint32_t{1} << i % 32;
      if (total) total_seen |= bit;
      if (total || (total_seen & bit) == 0) out->*table[i].field = value;
      break;
    }
  }
}

}  // namespace wrackline::container
