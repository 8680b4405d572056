#include "lib/container/pressure.h"

#include "lib/container/scan.h"

namespace wrackline::container {
namespace {

using scan::Span;

// "12.34" as 1234. The kernel always prints two decimals.
std::optional<std::uint32_t> ParsePercent(Span text) {
  const auto whole = scan::TakeDecimal(&text);
  if (!whole || *whole > 100 || text.size != 3 || *text.data != '.') return std::nullopt;
  text.Skip(1);
  const auto hundredths = scan::WholeDecimal(text);
  if (!hundredths) return std::nullopt;
  return static_cast<std::uint32_t>(*whole * 100 + *hundredths);
}

void ParseLine(Span line, std::optional<std::uint32_t>* avg10,
               std::optional<std::uint64_t>* total_us) {
  for (Span word = scan::TakeWord(&line); word.size > 0; word = scan::TakeWord(&line)) {
    const Span key = scan::TakeUntil(&word, '=');
    if (key.Is("avg10")) *avg10 = ParsePercent(word);
    if (key.Is("total")) *total_us = scan::WholeDecimal(word);
  }
}

bool AnyFieldSet(const Pressure& pressure) {
  return pressure.some_total_us || pressure.full_total_us || pressure.some_avg10 ||
         pressure.full_avg10;
}

// Empty where there is no such file, and where the kernel refuses to read it (EOPNOTSUPP: booted
// with psi=0).
Pressure ReadFrom(const char* path) {
  char text[512];
  const long length = scan::ReadFileAt(AT_FDCWD, path, text, sizeof(text));
  return length < 0 ? Pressure{} : ParsePressure(text, static_cast<std::size_t>(length));
}

}  // namespace

Pressure ParsePressure(const char* text, std::size_t length) {
  Pressure pressure;
  Span rest{text, length};
  Span line;
  while (scan::TakeLine(&rest, &line)) {
    const Span kind = scan::TakeWord(&line);
    if (kind.Is("some")) ParseLine(line, &pressure.some_avg10, &pressure.some_total_us);
    if (kind.Is("full")) ParseLine(line, &pressure.full_avg10, &pressure.full_total_us);
  }
  return pressure;
}

Pressure ReadMemoryPressure(const char* root, const Cgroup& cgroup) {
  // v1 folders have no PSI file (their memory.pressure_level is another thing).
  if (cgroup.version == 2) {
    scan::FixedText<sizeof(cgroup.folder) + 32> path;
    path.Add(cgroup.folder);
    path.Add("/memory.pressure");
    Pressure of_cgroup = path.ok ? ReadFrom(path.text) : Pressure{};
    if (AnyFieldSet(of_cgroup)) {
      of_cgroup.of_cgroup = true;
      return of_cgroup;
    }
  }
  scan::FixedText<1024> path;
  path.Add(root);
  path.Add("/proc/pressure/memory");
  return path.ok ? ReadFrom(path.text) : Pressure{};
}

}  // namespace wrackline::container
