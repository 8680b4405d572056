#include "analyzer/evidence/kernel_log_dress.h"

#include <algorithm>
#include <array>

#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> MonthOf(std::string_view name) {
  const auto* found = std::find(kMonths.begin(), kMonths.end(), name);
  if (found == kMonths.end()) return std::nullopt;
  return static_cast<int>(found - kMonths.begin()) + 1;
}

// "HH:MM:SS" at the beginning of `text`.
bool IsClock(std::string_view text) {
  constexpr std::string_view kForm = "00:00:00";
  if (text.size() < kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == '0' ? !IsDigit(text[i]) : text[i] != ':') return false;
  return true;
}

// "YYYY-MM-DD" and a clock, joined by 'T' or a blank.
bool IsIso(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00";
  if (text.size() < 19) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == '0' ? !IsDigit(text[i]) : text[i] != '-') return false;
  return (text[10] == 'T' || text[10] == ' ') && IsClock(text.substr(11));
}

// The length of an ISO time with fraction and zone.
std::size_t IsoLength(std::string_view text) {
  std::size_t end = 19;
  if (end < text.size() && (text[end] == '.' || text[end] == ',')) {
    ++end;
    while (end < text.size() && IsDigit(text[end])) ++end;
  }
  if (end < text.size() && text[end] == 'Z') return end + 1;
  if (end + 2 < text.size() && (text[end] == '+' || text[end] == '-') && IsDigit(text[end + 1])) {
    ++end;
    while (end < text.size() && (IsDigit(text[end]) || text[end] == ':')) ++end;
    if (text[end - 1] == ':') --end;  // "+00:00:" is a zone and the syslog colon
  }
  return end;
}

std::optional<double> Seconds(std::string_view text) {
  text = Trim(text);
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto whole = WholeNumber(text.substr(0, dot));
  const std::string_view digits = text.substr(dot + 1);
  const auto part = WholeNumber(digits);
  if (!whole || !part || digits.size() > 9) return std::nullopt;
  double scale = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
  return static_cast<double>(*whole) + static_cast<double>(*part) / scale;
}

// "[...]": a stamp or a caller.
bool PeelBracket(std::string_view* text, DressedLine* line) {
  if (text->empty() || text->front() != '[') return false;
  const std::size_t close = text->substr(0, 64).find(']');
  if (close == std::string_view::npos) return false;
  const std::string_view inside = Trim(text->substr(1, close - 1));
  if (const auto seconds = Seconds(inside)) {
    line->seconds = seconds;
    line->kernel = true;
  } else if (inside.size() > 1 && (inside[0] == 'T' || inside[0] == 'C') && line->seconds &&
             WholeNumber(inside.substr(1))) {
    line->caller = inside;
  } else if (IsIso(inside)) {
    line->wall = inside;
  } else if (inside.size() > 20 && WholeNumber(inside.substr(inside.size() - 4)) &&
             Contains(inside, ":")) {
    line->wall = inside;  // "Sat Nov 21 02:47:47 2026"; the day's name may be of another language
  } else {
    return false;
  }
  text->remove_prefix(close + 1);
  if (StartsWith(*text, ":")) text->remove_prefix(1);
  return true;
}

bool PeelPriority(std::string_view* text) {
  if (text->empty() || text->front() != '<') return false;
  const std::size_t close = text->substr(0, 5).find('>');
  if (close == std::string_view::npos || !WholeNumber(text->substr(1, close - 1))) return false;
  text->remove_prefix(close + 1);
  return true;
}

// "6,30574067,3816544225424,-;"
bool PeelKmsg(std::string_view* text, DressedLine* line) {
  if (text->empty() || !IsDigit(text->front())) return false;
  const std::size_t end = text->substr(0, 80).find(';');
  if (end == std::string_view::npos) return false;
  std::string_view prefix = text->substr(0, end);
  std::optional<std::uint64_t> number;
  for (int i = 0; i < 3; ++i) {
    const std::size_t comma = prefix.find(',');
    number = WholeNumber(prefix.substr(0, comma));
    if (!number) return false;
    prefix.remove_prefix(comma == std::string_view::npos ? prefix.size() : comma + 1);
  }
  line->seconds = static_cast<double>(*number) / 1e6;
  line->kernel = true;
  const std::size_t caller = prefix.find("caller=");
  if (caller != std::string_view::npos) line->caller = prefix.substr(caller + 7);
  text->remove_prefix(end + 1);
  return true;
}

// "kern  :warn  : ", "kern: warning: "
bool PeelFacility(std::string_view* text, DressedLine* line) {
  if (!StartsWith(*text, "kern")) return false;
  std::string_view rest = TrimLeft(text->substr(4));
  if (!StartsWith(rest, ":")) return false;
  rest = TrimLeft(rest.substr(1));
  std::size_t word = 0;
  while (word < rest.size() && IsLetter(rest[word])) ++word;
  rest = TrimLeft(rest.substr(word));
  if (word == 0 || word > 8 || !StartsWith(rest, ":")) return false;
  line->kernel = true;
  *text = rest.substr(1);
  return true;
}

// "Nov 28 10:00:00" or an ISO time.
bool PeelTime(std::string_view* text, DressedLine* line) {
  if (IsIso(*text)) {
    const std::size_t length = IsoLength(*text);
    line->wall = text->substr(0, length);
    text->remove_prefix(length);
    return true;
  }
  if (text->size() < 15 || !MonthOf(text->substr(0, 3)) || (*text)[3] != ' ') return false;
  if (!IsClock(text->substr(7))) return false;
  std::size_t end = 15;
  while (end < text->size() && !IsBlank((*text)[end])) ++end;
  line->wall = text->substr(0, end);
  text->remove_prefix(end);
  return true;
}

// "host kernel: ", "kernel: ", "10.2.7.9: kern: ", "In(05) vcpu-5 - Guest: "
bool PeelOrigin(std::string_view* text, DressedLine* line) {
  constexpr std::string_view kKernel = "kernel:", kGuest = "Guest: ";
  if (StartsWith(*text, kKernel)) {
    text->remove_prefix(kKernel.size());
    line->kernel = true;
    return true;
  }
  const std::string_view near = text->substr(0, 300);
  if (!line->wall.empty() && StartsWith(near, "In(") && Contains(near, kGuest)) {
    text->remove_prefix(near.find(kGuest) + kGuest.size());
    return true;
  }
  std::string_view rest = near;
  const std::string_view token = TakeToken(&rest);
  rest = TrimLeft(rest);
  const bool syslog = !line->wall.empty() && StartsWith(rest, kKernel);
  const bool talos = token.size() > 1 && token.back() == ':' && StartsWith(rest, "kern");
  if (token.empty() || !line->host.empty() || (!syslog && !talos)) return false;
  line->host = token;
  text->remove_prefix(static_cast<std::size_t>(rest.data() - text->data()));
  return true;
}

}  // namespace

DressedLine PeelDress(std::string_view whole) {
  DressedLine line;
  std::string_view text = whole;
  // Every turn takes at least one byte; no log puts more than a few of them before a line.
  for (int turn = 0; turn < 12; ++turn) {
    text = TrimLeft(text);
    if (PeelPriority(&text) || PeelBracket(&text, &line) || PeelFacility(&text, &line) ||
        PeelOrigin(&text, &line))
      continue;
    // Once only: the kernel's own words may begin with a number.
    if (line.wall.empty() && !line.seconds && (PeelTime(&text, &line) || PeelKmsg(&text, &line)))
      continue;
    break;
  }
  line.text = text;
  return line;
}

std::optional<std::chrono::sys_time<std::chrono::nanoseconds>> ParseWallTime(
    std::string_view text) {
  using namespace std::chrono;
  text = Trim(text);
  int year_number = 0, month_number = 0, day_number = 0;
  std::string_view clock, rest;
  if (IsIso(text)) {
    year_number = WholeInteger(text.substr(0, 4)).value_or(0);
    month_number = WholeInteger(text.substr(5, 2)).value_or(0);
    day_number = WholeInteger(text.substr(8, 2)).value_or(0);
    clock = text.substr(11, 8);
    rest = text.substr(19);
  } else {
    // "Sat Nov 21 02:47:47 2026"
    TakeToken(&text);
    const auto month_name = MonthOf(TakeToken(&text));
    if (!month_name) return std::nullopt;
    month_number = *month_name;
    day_number = WholeInteger(TakeToken(&text)).value_or(0);
    clock = TakeToken(&text);
    year_number = WholeInteger(TakeToken(&text)).value_or(0);
  }
  const year_month_day date{year{year_number}, month{static_cast<unsigned>(month_number)},
                            day{static_cast<unsigned>(std::max(day_number, 0))}};
  // A sys_time of nanoseconds ends in the year 2262.
  if (!IsClock(clock) || !date.ok() || year_number < 1970 || year_number > 2200)
    return std::nullopt;
  auto number = [&](std::size_t at) { return WholeInteger(clock.substr(at, 2)).value_or(0); };
  sys_time<nanoseconds> time =
      sys_days{date} + hours{number(0)} + minutes{number(3)} + seconds{number(6)};
  if (!rest.empty() && (rest[0] == '.' || rest[0] == ',')) {
    rest.remove_prefix(1);
    std::int64_t scale = 100'000'000;
    while (!rest.empty() && IsDigit(rest[0])) {
      time += nanoseconds{(rest[0] - '0') * scale};
      scale /= 10;
      rest.remove_prefix(1);
    }
  }
  if (rest.size() >= 3 && (rest[0] == '+' || rest[0] == '-')) {
    const auto hour = WholeInteger(rest.substr(1, 2));
    std::string_view behind = rest.substr(3);
    if (StartsWith(behind, ":")) behind.remove_prefix(1);
    const auto minute = WholeInteger(behind.substr(0, 2));
    const auto shift = hours{hour.value_or(0)} + minutes{minute.value_or(0)};
    time += rest[0] == '+' ? -shift : shift;
  }
  return time;
}

}  // namespace wrackline::evidence
