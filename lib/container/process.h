// What /proc says of one process. Never allocates; see cgroup.h for the rules and for `root`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wrackline::container {

class KeptFile;

struct Statm {
  std::optional<std::uint64_t> virtual_bytes, resident, shared;  // bytes
};
// /proc/PID/statm: about 4 us; with `kept`, which is open for the same process, 1 us.
Statm ReadStatm(const char* root, const char* pid, KeptFile* kept = nullptr);
Statm ParseStatm(const char* text, std::size_t length, std::uint64_t page_size);

struct SmapsRollup {
  std::optional<std::uint64_t> rss, pss, anonymous, anon_huge_pages, swap, shared_clean,
      private_clean, private_dirty;
};
// /proc/PID/smaps_rollup: about 16 ms per GiB resident, with the process's mmap lock held for
// reading.
SmapsRollup ReadSmapsRollup(const char* root, const char* pid);
SmapsRollup ParseSmapsRollup(const char* text, std::size_t length);

struct ProcessStat {
  char state = 0;  // as the kernel letters it ('R', 'S', 'Z', ...); 0: not known
  std::optional<std::uint32_t> parent_pid, threads;
  std::optional<std::uint64_t> start_ticks;  // clock ticks after boot
  std::optional<std::uint64_t> major_faults;
};
// /proc/PID/stat; copes with a comm that holds spaces and parentheses.
ProcessStat ReadProcessStat(const char* root, const char* pid);
ProcessStat ParseProcessStat(const char* text, std::size_t length);

// True when the process ended and only waits to be collected by its parent. Of a process whose first thread ended before
// the others this is said too.
inline bool IsZombie(const ProcessStat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

// CLOCK_REALTIME nanoseconds of the start of `pid`, from its start_ticks and /proc/stat's btime.
std::optional<std::uint64_t> ReadStartTime(const char* root, const char* pid);

// Reads a whole small file into `buffer` and ends it with a NUL byte. Returns the bytes read, -1 on
// error. A file that does not fit is cut at size - 1.
long ReadSmallFile(const char* path, char* buffer, std::size_t size);

// One mapping of /proc/PID/maps.
struct Mapping {
  std::uint64_t start, end, offset, inode;
  char permissions[5];  // "rwxp"
  char name[512];       // path, "[heap]", ... or empty; cut at 511 bytes
};
// Parses one line of maps or the header line of smaps. False when it is none.
bool ParseMappingLine(const char* line, std::size_t length, Mapping* out);

// Calls `take` for every mapping of /proc/PID/maps, in order of address; a line of more than 2 KiB is
// left out. False when the file cannot be read. Half a microsecond a mapping, with the process's mmap
// lock held for reading while the kernel writes each page of text.
bool ReadMaps(const char* root, const char* pid, void (*take)(void* context, const Mapping&),
              void* context);

}  // namespace wrackline::container
