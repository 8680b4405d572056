#include "analyzer/evidence/proc_text.h"

#include <algorithm>
#include <charconv>

#include "analyzer/evidence/convert.h"
#include "lib/container/process.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostMappings = 1'000'000;
// Addresses of x86-64 and arm64 user space are far below; above it the sums of hostile text would overflow.
constexpr std::uint64_t kMostAddress = std::uint64_t{1} << 62;

// Takes a line that ends with a newline.
bool TakeLine(std::string_view* text, std::string_view* line) {
  const std::size_t end = text->find('\n');
  if (end == std::string_view::npos) return false;
  *line = text->substr(0, end);
  if (!line->empty() && line->back() == '\r') line->remove_suffix(1);
  text->remove_prefix(end + 1);
  return true;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// "  5076 kB" -> bytes.
std::optional<Bytes> Kilobytes(std::string_view text) {
  text = Trimmed(text);
  std::uint64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  if (parsed.ec != std::errc{} || std::string_view(parsed.ptr, text.data() + text.size()) != " kB")
    return std::nullopt;
  return ToBytes(std::min<std::uint64_t>(count, std::uint64_t{1} << 50) * 1024);
}

std::optional<std::uint32_t> Number(std::string_view text) {
  text = Trimmed(text);
  std::uint32_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

struct StatusLine {
  std::string_view key;
  std::optional<Bytes> ProcStatus::*field;
};
constexpr StatusLine kStatusLines[] = {
    {"VmRSS", &ProcStatus::resident},   {"RssAnon", &ProcStatus::anon},
    {"RssFile", &ProcStatus::file},     {"RssShmem", &ProcStatus::shmem},
    {"VmHWM", &ProcStatus::peak},       {"VmSwap", &ProcStatus::swap},
    {"VmPTE", &ProcStatus::page_tables}};

// The figures of a mapping that are wanted; "VmFlags: rd wr" and the others are not.
void TakeAmount(std::string_view line, SmapsMapping* mapping) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view key = line.substr(0, colon);
  Bytes* const field = key == "Rss"             ? &mapping->resident
                       : key == "Pss"           ? &mapping->proportional
                       : key == "Anonymous"     ? &mapping->anonymous
                       : key == "AnonHugePages" ? &mapping->huge
                                                : nullptr;
  if (field == nullptr) return;
  if (const auto amount = Kilobytes(line.substr(colon + 1))) *field = *amount;
}

bool ParseMapping(std::string_view line, SmapsMapping* mapping) {
  container::Mapping parsed{};
  if (!container::ParseMappingLine(line.data(), line.size(), &parsed) || parsed.end > kMostAddress)
    return false;
  mapping->start = parsed.start;
  mapping->end = parsed.end;
  mapping->readable = parsed.permissions[0] == 'r';
  mapping->writable = parsed.permissions[1] == 'w';
  mapping->executable = parsed.permissions[2] == 'x';
  mapping->shared = parsed.permissions[3] == 's';
  mapping->name = parsed.name;
  return true;
}

template <Bytes SmapsMapping::*kField>
Bytes SumOf(const std::vector<SmapsMapping>& mappings) {
  Bytes sum;
  for (const SmapsMapping& mapping : mappings) sum += mapping.*kField;
  return sum;
}

}  // namespace

ProcStatus ParseProcStatus(std::string_view text) {
  ProcStatus status;
  std::string_view line;
  while (TakeLine(&text, &line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, colon), value = line.substr(colon + 1);
    if (key == "Name") status.name = Trimmed(value).substr(0, 64);
    if (key == "Pid") status.pid = Number(value);
    if (key == "PPid") status.parent = Number(value);
    if (key == "Threads") status.threads = Number(value);
    for (const StatusLine& known : kStatusLines) {
      if (known.key == key) status.*known.field = Kilobytes(value);
    }
  }
  return status;
}

Bytes Smaps::Resident() const { return SumOf<&SmapsMapping::resident>(mappings); }
Bytes Smaps::Anonymous() const { return SumOf<&SmapsMapping::anonymous>(mappings); }
Bytes Smaps::Huge() const { return SumOf<&SmapsMapping::huge>(mappings); }

Smaps ParseSmaps(std::string_view text) {
  Smaps smaps;
  std::string_view line;
  SmapsMapping mapping;
  bool skipped = false;  // of a mapping that is left out, the figures are too
  while (TakeLine(&text, &line)) {
    if (line.empty()) continue;
    // A key begins with a capital letter, an address with a lower hexadecimal digit.
    if (line.front() >= 'A' && line.front() <= 'Z') {
      if (smaps.mappings.empty() || skipped) continue;
      smaps.with_amounts = smaps.with_amounts || line.substr(0, 4) == "Rss:";
      TakeAmount(line, &smaps.mappings.back());
      continue;
    }
    skipped = true;
    mapping = SmapsMapping{};
    if (!ParseMapping(line, &mapping)) continue;
    // The kernel writes them in order; in another text a range could count twice.
    if (!smaps.mappings.empty() && mapping.start < smaps.mappings.back().end) continue;
    if (smaps.mappings.size() == kMostMappings) {
      smaps.cut = true;
      continue;
    }
    skipped = false;
    smaps.mappings.push_back(std::move(mapping));
  }
  return smaps;
}

bool BeginsLikeMaps(std::string_view text) {
  std::string_view line;
  while (TakeLine(&text, &line)) {
    if (line.empty()) continue;
    SmapsMapping mapping;
    return ParseMapping(line, &mapping);
  }
  return false;
}

}  // namespace wrackline::evidence
