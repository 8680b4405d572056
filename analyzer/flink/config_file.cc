#include "analyzer/flink/config_file.h"

#include "analyzer/flink/java_number.h"

namespace wrackline::flink {
namespace {

constexpr std::string_view kFlatName = "flink-conf.yaml";
constexpr std::string_view kYamlName = "config.yaml";

// BufferedReader.readLine: ends at \n, \r or \r\n. False at the end of the text.
bool TakeLine(std::string_view& rest, std::string_view& line) {
  if (rest.empty()) return false;
  const std::size_t end = rest.find_first_of("\r\n");
  line = rest.substr(0, end);
  if (end == std::string_view::npos) {
    rest = {};
  } else {
    rest.remove_prefix(rest.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return true;
}

std::string_view BaseName(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "taskmanager:" on a line of its own, which the flat format would skip.
bool HasNestedMapping(std::string_view text) {
  std::string_view line;
  while (TakeLine(text, line)) {
    line = JavaTrim(line.substr(0, line.find('#')));
    if (line.size() > 1 && line.back() == ':') return true;
  }
  return false;
}

Error NotRead(std::string_view file, Version version, std::string_view instead) {
  return Error{"Flink " + FormatVersion(version) + " does not read " + std::string(file),
               "it reads " + std::string(instead)};
}

}  // namespace

Configuration ParseFlatConfig(std::string_view text, std::string_view file) {
  Configuration configuration;
  std::string_view line;
  for (int number = 1; TakeLine(text, line); ++number) {
    line = JavaTrim(line.substr(0, line.find('#')));
    const std::size_t separator = line.find(": ");
    if (separator == std::string_view::npos) continue;
    const std::string_view key = JavaTrim(line.substr(0, separator));
    const std::string_view value = JavaTrim(line.substr(separator + 2));
    if (key.empty() || value.empty()) continue;
    configuration.Set(key, value, {std::string(file), number});
  }
  return configuration;
}

Result<ConfigFormat> ChooseConfigFormat(std::string_view file, std::string_view text,
                                        std::optional<Version> version) {
  const std::string_view name = BaseName(file);
  if (name == kFlatName) {
    if (version && *version >= kNoLegacyKeys) return NotRead(name, *version, kYamlName);
    return ConfigFormat::kFlat;
  }
  if (name == kYamlName) {
    if (version && *version < kYamlConfig) return NotRead(name, *version, kFlatName);
    return ConfigFormat::kYaml;
  }
  if (version && *version >= kNoLegacyKeys) return ConfigFormat::kYaml;
  if (version && *version < kYamlConfig) return ConfigFormat::kFlat;
  return HasNestedMapping(text) ? ConfigFormat::kYaml : ConfigFormat::kFlat;
}

Result<Configuration> ParseConfigFile(std::string_view text, std::string_view file,
                                      std::optional<Version> version) {
  const auto format = ChooseConfigFormat(file, text, version);
  if (!format.ok()) return format.error();
  if (format.value() == ConfigFormat::kYaml) return ParseYamlConfig(text, file);
  return ParseFlatConfig(text, file);
}

std::string_view ConfigFileOf(Version version, bool has_flink_conf, bool has_config_yaml) {
  if (version < kNoLegacyKeys && has_flink_conf) return kFlatName;
  if (version >= kYamlConfig && has_config_yaml) return kYamlName;
  return {};
}

}  // namespace wrackline::flink
