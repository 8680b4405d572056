#include "analyzer/flink/lint/java_options.h"

#include <array>
#include <charconv>
#include <limits>

namespace wrackline::flink::lint {

std::vector<JavaOption> JavaOptions(const Context& context) {
  struct Key {
    std::string_view key;
    bool task_manager;
  };
  constexpr std::array<Key, 4> kKeys = {{{"env.java.opts", true},
                                         {"env.java.opts.all", true},
                                         {"env.java.opts.taskmanager", true},
                                         {"env.java.opts.jobmanager", false}}};
  std::vector<JavaOption> found;
  for (const Key& key : kKeys) {
    const auto value = context.configuration.Get(key.key);
    if (!value) continue;
    std::string_view rest = *value;
    while (true) {
      constexpr std::string_view kBetween = " \t\"'";
      const std::size_t start = rest.find_first_not_of(kBetween);
      if (start == std::string_view::npos) break;
      rest.remove_prefix(start);
      const std::string_view token = rest.substr(0, rest.find_first_of(kBetween));
      rest.remove_prefix(token.size());
      if (token.starts_with('-'))
        found.push_back({std::string(token), context.ValueOf(key.key), key.task_manager});
    }
  }
  return found;
}

std::optional<Bytes> ParseJavaSize(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0 || end - rest > 1) return std::nullopt;
  if (rest == end) return Bytes{number};
  int shift = 0;
  switch (*rest) {
    case 'k':
    case 'K':
      shift = 10;
      break;
    case 'm':
    case 'M':
      shift = 20;
      break;
    case 'g':
    case 'G':
      shift = 30;
      break;
    case 't':
    case 'T':
      shift = 40;
      break;
    default:
      return std::nullopt;
  }
  if (number > std::numeric_limits<std::int64_t>::max() >> shift) return std::nullopt;
  return Bytes{number << shift};
}

}  // namespace wrackline::flink::lint
