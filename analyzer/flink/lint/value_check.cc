#include "analyzer/flink/lint/value_check.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/java_number.h"
#include "analyzer/flink/options.h"

namespace wrackline::flink::lint {
namespace {

char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (Upper(a[i]) != Upper(b[i])) return false;
  }
  return true;
}

// Long.parseLong.
void CheckLong(const std::string& value) {
  std::string_view digits = value;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  std::int64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, number);
  if (digits.empty() || error != std::errc() || rest != end)
    throw JavaException{kNumberFormat, "For input string: \"" + value + "\"", {}};
}

// TimeUtils.parseDuration: digits, spaces, a unit in any case; no unit means milliseconds.
void CheckDuration(const std::string& value) {
  constexpr std::array<std::string_view, 29> kUnits = {
      "d",         "day",   "days",   "h",           "hour",
      "hours",     "min",   "m",      "minute",      "minutes",
      "s",         "sec",   "secs",   "second",      "seconds",
      "ms",        "milli", "millis", "millisecond", "milliseconds",
      "\xC2\xB5s", "micro", "micros", "microsecond", "microseconds",
      "ns",        "nano",  "nanos",  "nanosecond"};
  const std::string_view text = JavaTrim(value);
  if (text.empty())
    throw JavaException{kIllegalArgument, "argument is an empty- or whitespace-only string", {}};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) throw JavaException{kNumberFormat, "text does not start with a number", {}};
  std::int64_t number = 0;
  if (std::from_chars(text.data(), text.data() + digits, number).ec != std::errc()) {
    throw JavaException{kIllegalArgument,
                        "The value '" + std::string(text.substr(0, digits)) +
                            "' cannot be re represented as 64bit number (numeric overflow).",
                        {}};
  }
  const std::string_view unit = JavaTrim(text.substr(digits));
  if (unit.empty() || EqualsIgnoringCase(unit, "nanoseconds")) return;
  for (const std::string_view known : kUnits) {
    if (EqualsIgnoringCase(unit, known)) return;
  }
  throw JavaException{
      kIllegalArgument,
      "Time interval unit label '" + std::string(unit) +
          "' does not match any of the recognized units: DAYS: (d | day | days), "
          "HOURS: (h | hour | hours), MINUTES: (min | m | minute | minutes), SECONDS: "
          "(s | sec | secs | second | seconds), MILLISECONDS: (ms | milli | millis | "
          "millisecond | milliseconds), MICROSECONDS: (\xC2\xB5s | micro | micros | "
          "microsecond | microseconds), NANOSECONDS: (ns | nano | nanos | nanosecond | "
          "nanoseconds)",
      {}};
}

struct Enumeration {
  std::string_view type;
  std::string_view java_class;
  std::string_view values;  // as Java prints them, between the brackets
};

// Those whose values no version has changed.
constexpr std::array<Enumeration, 4> kEnumerations = {{
    {"CheckpointingMode", "org.apache.flink.core.execution.CheckpointingMode",
     "EXACTLY_ONCE, AT_LEAST_ONCE"},
    {"CompactionStyle", "org.rocksdb.CompactionStyle", "LEVEL, UNIVERSAL, FIFO, NONE"},
    {"SchedulerExecutionMode", "org.apache.flink.configuration.SchedulerExecutionMode", "REACTIVE"},
    {"SystemOutMode", "org.apache.flink.configuration.TaskManagerOptions$SystemOutMode",
     "DEFAULT, LOG, IGNORE"},
}};

void CheckEnumeration(const Enumeration& enumeration, const std::string& value) {
  std::string_view rest = enumeration.values;
  while (true) {
    const std::size_t end = rest.find(", ");
    if (EqualsIgnoringCase(rest.substr(0, end), value)) return;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 2);
  }
  throw JavaException{kIllegalArgument,
                      "Could not parse value for enum class " +
                          std::string(enumeration.java_class) + ". Expected one of: [[" +
                          std::string(enumeration.values) + "]]",
                      {}};
}

// Throws as Flink's Configuration.get of that type.
void Check(const KnownOption& known, const std::string& value) {
  Configuration configuration;
  configuration.Set(known.key, value);
  const OptionReader reader(configuration);
  const Option option{known.key, ""};
  if (known.type == "MemorySize") reader.Size(option);
  if (known.type == "Float") reader.Float(option);
  if (known.type == "Double") reader.Double(option);
  if (known.type == "Integer") reader.Int(option);
  if (known.type == "Boolean") reader.Bool(option);
  try {
    if (known.type == "Long") CheckLong(value);
    if (known.type == "Duration") CheckDuration(value);
    for (const Enumeration& enumeration : kEnumerations) {
      if (known.type == enumeration.type) CheckEnumeration(enumeration, value);
    }
  } catch (JavaException& exception) {
    throw Wrap(kIllegalArgument,
               "Could not parse value '" + value + "' for key '" + std::string(known.key) + "'.",
               std::move(exception));
  }
}

}  // namespace

std::optional<std::string> ParseFailure(const KnownOption& option, const std::string& value) {
  try {
    Check(option, value);
    return std::nullopt;
  } catch (const JavaException& exception) {
    std::string text = exception.message;
    for (const auto& cause : exception.causes) text += " Caused by: " + cause.message;
    return text;
  }
}

std::string_view HowToWrite(const KnownOption& option) {
  if (option.type == "MemorySize")
    return "an integer and a unit, such as 512m or 4g (b, k, m, g, t and kb, mb, gb, tb; all "
           "binary)";
  if (option.type == "Float" || option.type == "Double") return "a number, such as 0.4";
  if (option.type == "Integer" || option.type == "Long") return "an integer without a unit";
  if (option.type == "Boolean") return "true or false";
  if (option.type == "Duration") return "an integer and a unit, such as 10 s, 5 min or 500 ms";
  return "one of the values that Flink names";
}

}  // namespace wrackline::flink::lint
