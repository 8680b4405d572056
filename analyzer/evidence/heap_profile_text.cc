#include "analyzer/evidence/heap_profile_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMaxFrames = 1024;  // of one stack: jemalloc has 128, gperftools 32
constexpr std::size_t kMaxFramesOfAll = 2'000'000;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

void SkipBlanks(std::string_view* rest) {
  while (!rest->empty() && IsBlank(rest->front())) rest->remove_prefix(1);
}

std::optional<std::uint64_t> Take(std::string_view* rest, int base) {
  std::string_view text = *rest;
  SkipBlanks(&text);
  if (base == 16 && text.substr(0, 2) == "0x") text.remove_prefix(2);
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (failed != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  *rest = text;
  return number;
}

// "55da54ba2000-55da54ba3000 r-xp 00001000 fe:00 9978318   /usr/bin/holder", or of long ago
// "40000000-40015000: /lib/ld-2.3.2.so".
std::optional<HeapProfile::Mapping> ReadMapping(std::string_view line) {
  HeapProfile::Mapping mapping;
  const auto start = TakeHex(&line);
  if (!start || line.empty() || line.front() != '-') return std::nullopt;
  line.remove_prefix(1);
  const auto limit = TakeHex(&line);
  if (!limit || *limit <= *start) return std::nullopt;
  mapping.start = *start;
  mapping.limit = *limit;
  if (!TakeLiteral(":", &line)) {
    const auto skip_word = [&line] {
      SkipBlanks(&line);
      while (!line.empty() && !IsBlank(line.front())) line.remove_prefix(1);
    };
    skip_word();  // the rights
    const auto offset = TakeHex(&line);
    if (!offset) return std::nullopt;
    mapping.offset = *offset;
    skip_word();  // the device
    skip_word();  // the inode
  }
  line = Trimmed(line);
  constexpr std::string_view kDeleted = " (deleted)";  // the file was replaced while it was mapped
  if (line.size() > kDeleted.size() && line.substr(line.size() - kDeleted.size()) == kDeleted)
    line.remove_suffix(kDeleted.size());
  mapping.path = std::string(line);
  return mapping;
}

}  // namespace

std::string_view TakeProfileLine(std::string_view* rest) {
  const std::size_t end = rest->find('\n');
  std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::string_view Trimmed(std::string_view text) {
  SkipBlanks(&text);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

bool TakeLiteral(std::string_view literal, std::string_view* rest) {
  std::string_view text = *rest;
  SkipBlanks(&text);
  if (text.substr(0, literal.size()) != literal) return false;
  text.remove_prefix(literal.size());
  SkipBlanks(&text);
  *rest = text;
  return true;
}

std::optional<std::uint64_t> TakeNumber(std::string_view* rest) { return Take(rest, 10); }

std::optional<std::uint64_t> TakeHex(std::string_view* rest) { return Take(rest, 16); }

std::optional<DrawnCounts> TakeCounts(std::string_view* rest) {
  std::string_view text = *rest;
  const auto live_objects = TakeNumber(&text);
  if (!live_objects || !TakeLiteral(":", &text)) return std::nullopt;
  const auto live_bytes = TakeNumber(&text);
  if (!live_bytes || !TakeLiteral("[", &text)) return std::nullopt;
  const auto allocated_objects = TakeNumber(&text);
  if (!allocated_objects || !TakeLiteral(":", &text)) return std::nullopt;
  const auto allocated_bytes = TakeNumber(&text);
  if (!allocated_bytes || !TakeLiteral("]", &text)) return std::nullopt;
  *rest = text;
  return DrawnCounts{*live_objects, *live_bytes, *allocated_objects, *allocated_bytes};
}

HeapProfile::Amount Scaled(std::uint64_t objects, std::uint64_t bytes, Sampling sampling,
                           double interval) {
  HeapProfile::Amount amount{static_cast<double>(objects), static_cast<double>(bytes)};
  if (sampling == Sampling::kNone || interval <= 0 || objects == 0 || bytes == 0) return amount;
  const double ratio = amount.bytes / amount.objects / interval;
  double factor = 1;
  if (sampling == Sampling::kPoisson) {
    // Not expm1: to the bit what jeprof computes. Objects of less than an interval / 10^16 there are none.
    const double chance = 1 - std::exp(-ratio);
    factor = chance > 0 ? 1 / chance : 1 / ratio;
  } else if (ratio < 1) {
    factor = 1 / ratio;
  }
  amount.objects *= factor;
  amount.bytes *= factor;
  return amount;
}

double VarianceOf(const HeapProfile::Amount& estimate, double interval) {
  if (interval <= 1 || estimate.bytes <= 0) return 0;
  // Objects of a byte, where their number is not known: the largest error there can be.
  if (estimate.objects <= 0) return estimate.bytes * interval;
  const double mean = estimate.bytes / estimate.objects;
  const double ratio = interval / mean;
  const double same = mean * mean / std::expm1(1 / ratio);
  // The integral of exp(-s / mean) / mean * s^2 / (exp(s / interval) - 1): the geometric series of the last factor gives
  // interval^3 / mean * the sum of 2 / (k + ratio)^3, of whose terms from the 20th on the integral is close enough.
  constexpr int kTerms = 20;
  double sum = 1 / ((kTerms + 0.5 + ratio) * (kTerms + 0.5 + ratio));
  for (int k = 1; k <= kTerms; ++k) sum += 2 / ((k + ratio) * (k + ratio) * (k + ratio));
  const double spread = interval * interval * ratio * sum;
  return estimate.objects * std::max(same, spread);
}

HeapProfile::Stack StackAdder::ReadStack(std::string_view addresses) {
  HeapProfile::Stack stack;
  while (stack.locations.size() < kMaxFrames) {
    const auto address = TakeHex(&addresses);
    if (!address) break;
    if (++frames_ > kMaxFramesOfAll) {
      if (frames_ == kMaxFramesOfAll + 1)
        profile_->notes.push_back("more than 2,000,000 frames: the later stacks are cut");
      break;
    }
    const std::uint64_t call = *address == 0 ? 0 : *address - 1;
    const auto [place, fresh] =
        known_.try_emplace(call, static_cast<std::uint32_t>(profile_->locations.size()));
    if (fresh) profile_->locations.push_back({call, {}, {}});
    stack.locations.push_back(place->second);
  }
  return stack;
}

void StackAdder::Add(HeapProfile::Stack stack, const DrawnCounts& counts, Sampling sampling) {
  const double interval = profile_->interval;
  stack.live = Scaled(counts.live_objects, counts.live_bytes, sampling, interval);
  stack.allocated = Scaled(counts.allocated_objects, counts.allocated_bytes, sampling, interval);
  stack.samples = static_cast<double>(counts.live_objects);
  if (sampling != Sampling::kNone) stack.variance = VarianceOf(stack.live, interval);
  profile_->live.objects += stack.live.objects;
  profile_->live.bytes += stack.live.bytes;
  profile_->allocated.objects += stack.allocated.objects;
  profile_->allocated.bytes += stack.allocated.bytes;
  if (counts.allocated_bytes != 0) profile_->has_allocated = true;
  profile_->stacks.push_back(std::move(stack));
}

void CompareWithHeader(const DrawnCounts& header, const DrawnCounts& stacks, HeapProfile* profile) {
  if (header.live_objects == stacks.live_objects && header.live_bytes == stacks.live_bytes) return;
  profile->notes.push_back(fmt::format(
      "the stacks hold {} live samples of {} bytes, the header says {} of {}: the profile was cut, "
      "or taken while the program allocated",
      stacks.live_objects, stacks.live_bytes, header.live_objects, header.live_bytes));
}

bool BeginsMappings(std::string_view line) {
  return line.substr(0, 17) == "MAPPED_LIBRARIES:" || line.substr(0, 15) == "--- Memory map:";
}

void ReadMappings(std::string_view text, HeapProfile* profile) {
  std::vector<HeapProfile::Mapping> all;
  while (!text.empty()) {
    auto mapping = ReadMapping(TakeProfileLine(&text));
    if (mapping) all.push_back(std::move(*mapping));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
  for (HeapProfile::Mapping& mapping : all) {
    if (!profile->mappings.empty() && mapping.start < profile->mappings.back().limit) continue;
    profile->mappings.push_back(std::move(mapping));
  }
}

bool SymbolTable::Take(std::string_view* rest) {
  std::string_view text = *rest;
  if (text.substr(0, 3) != "---" || Trimmed(TakeProfileLine(&text)) != "--- symbol") return false;
  while (!text.empty()) {
    std::string_view line = TakeProfileLine(&text);
    if (line.substr(0, 3) == "---") break;
    const auto address = line.substr(0, 2) == "0x" ? TakeHex(&line) : std::nullopt;
    if (address && !Trimmed(line).empty()) names_[*address] = Trimmed(line);
  }
  // "--- heap"; some versions leave it out.
  std::string_view after = text;
  if (text.substr(0, 4) == "--- ") {
    TakeProfileLine(&after);
    text = after;
  }
  *rest = text;
  return true;
}

void SymbolTable::Name(HeapProfile* profile) const {
  if (names_.empty()) return;
  for (HeapProfile::Location& location : profile->locations) {
    // The table has the first address of a stack as it is, and of the others the call before it.
    auto found = names_.find(location.address);
    if (found == names_.end()) found = names_.find(location.address + 1);
    if (found == names_.end()) continue;
    std::string_view names = found->second;
    while (!names.empty()) {  // inlined functions are parted by "--"
      const std::size_t end = names.find("--", 1);
      std::string_view name = names.substr(0, end);
      names.remove_prefix(end == std::string_view::npos ? names.size() : end + 2);
      // nm's address of the symbol, which jeprof leaves behind the names of some.
      const std::size_t mark = name.rfind('<');
      if (mark != std::string_view::npos && mark > 0 && name.size() - mark == 18 &&
          name.back() == '>')
        name = name.substr(0, mark);
      if (!name.empty() && name.substr(0, 2) != "0x")
        location.lines.push_back({std::string(name), {}, 0});
    }
  }
}

}  // namespace wrackline::evidence
