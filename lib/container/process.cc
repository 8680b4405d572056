#include "lib/container/process.h"

#include "lib/container/kept_file.h"
#include "lib/container/scan.h"

namespace wrackline::container {
namespace {

using scan::Span;

// ROOT/proc/PID/NAME
using ProcPath = scan::FixedText<1024>;

ProcPath PathInProc(const char* root, const char* pid, const char* name) {
  ProcPath path;
  path.Add(root);
  path.Add("/proc/");
  path.Add(pid);
  path.Add("/");
  path.Add(name);
  return path;
}

// The size field that belongs to a key of smaps_rollup; nullptr for the others.
std::optional<std::uint64_t>* RollupField(SmapsRollup* rollup, Span key) {
  if (key.Is("Rss")) return &rollup->rss;
  if (key.Is("Pss")) return &rollup->pss;
  if (key.Is("Anonymous")) return &rollup->anonymous;
  if (key.Is("AnonHugePages")) return &rollup->anon_huge_pages;
  if (key.Is("Swap")) return &rollup->swap;
  if (key.Is("Shared_Clean")) return &rollup->shared_clean;
  if (key.Is("Private_Clean")) return &rollup->private_clean;
  if (key.Is("Private_Dirty")) return &rollup->private_dirty;
  return nullptr;
}

std::optional<std::uint32_t> Narrow(std::optional<std::uint64_t> value) {
  if (!value || *value > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

}  // namespace

long ReadSmallFile(const char* path, char* buffer, std::size_t size) {
  return scan::ReadFileAt(AT_FDCWD, path, buffer, size);
}

Statm ReadStatm(const char* root, const char* pid, KeptFile* kept) {
  const ProcPath path = PathInProc(root, pid, "statm");
  char text[256];
  long length = -1;
  if (path.ok && kept != nullptr) {
    length = kept->Read(path.text, text, sizeof(text));
  } else if (path.ok) {
    length = ReadSmallFile(path.text, text, sizeof(text));
  }
  const long page_size = sysconf(_SC_PAGESIZE);
  if (length < 0 || page_size <= 0) return {};
  return ParseStatm(text, static_cast<std::size_t>(length), static_cast<std::uint64_t>(page_size));
}

Statm ParseStatm(const char* text, std::size_t length, std::uint64_t page_size) {
  Statm statm;
  Span rest{text, length};
  for (auto* field : {&statm.virtual_bytes, &statm.resident, &statm.shared}) {
    scan::SkipBlanks(&rest);
    const auto pages = scan::TakeDecimal(&rest);
    // A number that ends with the text may be cut.
    if (!pages || rest.size == 0 || (*rest.data != ' ' && *rest.data != '\n')) return statm;
    std::uint64_t bytes = 0;
    if (!__builtin_mul_overflow(*pages, page_size, &bytes)) *field = bytes;
  }
  return statm;
}

SmapsRollup ReadSmapsRollup(const char* root, const char* pid) {
  const ProcPath path = PathInProc(root, pid, "smaps_rollup");
  char text[2048];  // 698 bytes on Linux 6.x
  const long length = path.ok ? ReadSmallFile(path.text, text, sizeof(text)) : -1;
  return length < 0 ? SmapsRollup{} : ParseSmapsRollup(text, static_cast<std::size_t>(length));
}

SmapsRollup ParseSmapsRollup(const char* text, std::size_t length) {
  SmapsRollup rollup;
  Span rest{text, length};
  Span line;
  while (scan::TakeLine(&rest, &line)) {
    const Span key = scan::TakeUntil(&line, ':');
    auto* field = RollupField(&rollup, key);
    if (field == nullptr) continue;
    scan::SkipBlanks(&line);
    const auto kilobytes = scan::TakeDecimal(&line);
    if (!kilobytes || !line.Is(" kB")) continue;
    std::uint64_t bytes = 0;
    if (!__builtin_mul_overflow(*kilobytes, std::uint64_t{1024}, &bytes)) *field = bytes;
  }
  return rollup;
}

ProcessStat ReadProcessStat(const char* root, const char* pid) {
  const ProcPath path = PathInProc(root, pid, "stat");
  char text[1024];  // 52 numbers and a comm of up to 64 bytes
  const long length = path.ok ? ReadSmallFile(path.text, text, sizeof(text)) : -1;
  return length < 0 ? ProcessStat{} : ParseProcessStat(text, static_cast<std::size_t>(length));
}

ProcessStat ParseProcessStat(const char* text, std::size_t length) {
  ProcessStat stat;
  // "PID (COMM) STATE PPID ...": COMM is the program's own choice and may hold ") R 1 ", but no
  // field after it can hold a parenthesis, so the last one ends it.
  const char* const end = text + length;
  const char* after = nullptr;
  for (const char* at = text; at != end; ++at) {
    if (*at == ')') after = at + 1;
  }
  if (after == nullptr) return stat;
  Span rest{after, static_cast<std::size_t>(end - after)};
  const Span state = scan::TakeWord(&rest);  // field 3
  if (state.size == 1 && rest.size != 0) stat.state = state.data[0];
  // proc(5) numbers the fields from 1; the one after the state is 4.
  for (int field = 4; field <= 22; ++field) {
    Span word = scan::TakeWord(&rest);
    if (rest.size == 0) return stat;  // the text ends inside of this number, or here
    const auto value = scan::WholeDecimal(word);
    if (field == 4) stat.parent_pid = Narrow(value);
    if (field == 12) stat.major_faults = value;
    if (field == 20) stat.threads = Narrow(value);
    if (field == 22) stat.start_ticks = value;
  }
  return stat;
}

std::optional<std::uint64_t> ReadStartTime(const char* root, const char* pid) {
  constexpr std::uint64_t kNanoseconds = 1'000'000'000;
  const auto ticks = ReadProcessStat(root, pid).start_ticks;
  const long ticks_per_second = sysconf(_SC_CLK_TCK);
  if (!ticks || ticks_per_second <= 0) return std::nullopt;
  ProcPath path;
  path.Add(root);
  path.Add("/proc/stat");
  if (!path.ok) return std::nullopt;
  scan::LineReader lines(path.text);
  Span line;
  while (lines.Next(&line)) {
    if (!line.StartsWith("btime ")) continue;
    line.Skip(std::strlen("btime "));
    const auto boot = scan::WholeDecimal(line);
    if (!boot) return std::nullopt;
    const auto per_second = static_cast<std::uint64_t>(ticks_per_second);
    std::uint64_t result = 0;
    if (__builtin_add_overflow(*boot, *ticks / per_second, &result) ||
        __builtin_mul_overflow(result, kNanoseconds, &result) ||
        __builtin_add_overflow(result, *ticks % per_second * kNanoseconds / per_second, &result)) {
      return std::nullopt;
    }
    return result;
  }
  return std::nullopt;
}

bool ParseMappingLine(const char* line, std::size_t length, Mapping* out) {
  Span rest{line, length};
  if (rest.EndsWith("\n")) --rest.size;

  const auto start = scan::TakeHex(&rest);
  if (!start || !rest.StartsWith("-")) return false;
  rest.Skip(1);
  const auto end = scan::TakeHex(&rest);
  if (!end || *end < *start || !rest.StartsWith(" ")) return false;

  const Span permissions = scan::TakeWord(&rest);
  if (permissions.size != 4) return false;
  for (int i = 0; i < 4; ++i) {
    const char c = permissions.data[i];
    if (c != '-' && c != "rwxp"[i] && !(i == 3 && c == 's')) return false;
  }

  Span offset_word = scan::TakeWord(&rest);
  const auto offset = scan::TakeHex(&offset_word);
  if (!offset || offset_word.size != 0) return false;

  Span device = scan::TakeWord(&rest);
  if (!scan::TakeHex(&device) || !device.StartsWith(":")) return false;
  device.Skip(1);
  if (!scan::TakeHex(&device) || device.size != 0) return false;

  const Span inode_word = scan::TakeWord(&rest);
  const auto inode = scan::WholeDecimal(inode_word);
  if (!inode) return false;

  // The kernel pads the name to column 73; a name itself never starts with a blank (it starts with
  // '/' or '[').
  scan::SkipBlanks(&rest);
  out->start = *start;
  out->end = *end;
  out->offset = *offset;
  out->inode = *inode;
  std::memcpy(out->permissions, permissions.data, 4);
  out->permissions[4] = '\0';
  const std::size_t kept = rest.size < sizeof(out->name) ? rest.size : sizeof(out->name) - 1;
  if (kept > 0) std::memcpy(out->name, rest.data, kept);
  out->name[kept] = '\0';
  return true;
}

bool ReadMaps(const char* root, const char* pid, void (*take)(void* context, const Mapping&),
              void* context) {
  const ProcPath path = PathInProc(root, pid, "maps");
  if (!path.ok) return false;
  scan::LineReader lines(path.text);
  if (!lines.ok()) return false;
  Span line;
  Mapping mapping;
  while (lines.Next(&line)) {
    if (ParseMappingLine(line.data, line.size, &mapping)) take(context, mapping);
  }
  return true;
}

}  // namespace wrackline::container
