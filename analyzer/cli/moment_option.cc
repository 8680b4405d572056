#include "analyzer/cli/moment_option.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>

namespace wrackline::cli {
namespace {

using evidence::Duration;
using evidence::Time;

constexpr const char* kForms =
    "give 2026-11-28T10:00:00Z, +90s after the start, -10m before the end (as --at=-10m), start or "
    "end";
constexpr std::int64_t kMostSeconds = std::int64_t{10000} * 86400;

std::optional<std::int64_t> TakeNumber(std::string_view* text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (failed != std::errc() || number < 0) return std::nullopt;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return number;
}

bool Take(char wanted, std::string_view* text) {
  if (text->empty() || text->front() != wanted) return false;
  text->remove_prefix(1);
  return true;
}

// RFC 3339, in UTC.
std::optional<Time> ParseUtc(std::string_view text) {
  std::array<std::int64_t, 6> part{};
  constexpr std::string_view kBehind = "--T::";
  for (std::size_t i = 0; i < part.size(); ++i) {
    const auto number = TakeNumber(&text);
    if (!number) return std::nullopt;
    part[i] = *number;
    if (i < kBehind.size() && !Take(kBehind[i], &text)) return std::nullopt;
  }
  Duration fraction{};
  if (Take('.', &text)) {
    std::int64_t digit = 100'000'000;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1)) {
      fraction += Duration(digit * (text.front() - '0'));
      digit /= 10;
    }
  }
  if (text != "Z" && text != "z" && text != "+00:00") return std::nullopt;
  const auto [year, month, day, hour, minute, second] = part;
  if (year < 1970 || year > 2200 || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (month > 12 || day > 31 || !date.ok()) return std::nullopt;
  return Time{std::chrono::sys_days(date)} + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second) + fraction;
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  const Error wrong{"'" + std::string(text) + "' is no duration", "such as 90s, 10m or 1h30m"};
  static constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  std::int64_t sum = 0;
  if (text.empty()) return wrong;
  while (!text.empty()) {
    const auto number = TakeNumber(&text);
    if (!number) return wrong;
    std::int64_t unit = 0;
    for (const auto& [name, milliseconds] : kUnits) {
      if (text.substr(0, name.size()) != name) continue;
      unit = milliseconds;
      text.remove_prefix(name.size());
      break;
    }
    if (unit == 0 || *number > kMostSeconds * 1000 / unit) return wrong;
    sum += *number * unit;
    if (sum > kMostSeconds * 1000) return wrong;
  }
  return Duration(std::chrono::milliseconds(sum));
}

Result<Time> ParseMoment(std::string_view text, Time first, Time last) {
  if (text == "start") return first;
  if (text == "end") return last;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    const Result<Duration> away = ParseDuration(text.substr(1));
    if (!away.ok()) return Error{"'" + std::string(text) + "' is no moment", kForms};
    return text.front() == '+' ? first + away.value() : last - away.value();
  }
  const auto time = ParseUtc(text);
  if (!time) return Error{"'" + std::string(text) + "' is no moment", kForms};
  return *time;
}

}  // namespace wrackline::cli
