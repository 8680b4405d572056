#include "analyzer/evidence/manifest/config_sources.h"

#include <algorithm>
#include <cctype>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/yaml_scalar.h"

namespace wrackline::evidence {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string Shown(std::string_view key, std::string_view value) {
  return std::string(IsSecretKey(key) ? kHiddenValue : value);
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

// The text with the values of secret keys replaced, line by line: all other places stay.
std::string WithoutSecrets(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (const std::string_view line : LinesOf(text)) {
    if (!clean.empty() || line.data() != text.data()) clean += '\n';
    const std::size_t colon = line.find(':');
    const std::size_t value =
        colon == std::string_view::npos ? colon : line.find_first_not_of(" \t\r", colon + 1);
    // A block's or a mapping's opening has no value on its line.
    if (value == std::string_view::npos || !IsSecretKey(line.substr(0, colon)) ||
        line[value] == '|' || line[value] == '>') {
      clean += line;
    } else {
      clean += line.substr(0, value);
      clean += kHiddenValue;
      if (line.back() == '\r') clean += '\r';
    }
  }
  return clean;
}

// Where a key and its value stand on a line of the file; the text's place where lines do not match.
void Locate(const ManifestConfigText& text, std::string_view line, int number,
            ManifestSetting& setting) {
  setting.key_at = setting.value_at = text.at;
  if (text.first_line == 0) return;
  setting.key_at = {number + text.first_line - 1, 1 + text.indent, 0};
  const std::size_t key = line.find_first_not_of(" \t");
  if (key != std::string_view::npos) setting.key_at.column += CountCharacters(line.substr(0, key));
  setting.value_at = setting.key_at;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || key == std::string_view::npos) return;
  setting.key_at.length = CountCharacters(line.substr(key, colon - key));
  const std::size_t value = line.find_first_not_of(" \t", colon + 1);
  if (value == std::string_view::npos) return;
  setting.value_at.column = 1 + text.indent + CountCharacters(line.substr(0, value));
  setting.value_at.length = CountCharacters(setting.value);
}

// YAML 1.1, which Kubernetes reads, has more names for true and false.
std::string OperatorText(const YamlNode* node) {
  if (node->kind == YamlNode::Kind::kNull) return "null";
  if (!node->plain) return node->scalar;
  const std::string lower = Lower(node->scalar);
  if (lower == "yes" || lower == "on") return "true";
  if (lower == "no" || lower == "off") return "false";
  if (flink::ClassifyPlainScalar(node->scalar) == flink::ScalarKind::kText) return node->scalar;
  return flink::PlainScalarText(node->scalar).value_or("null");
}

// `room`: bytes that all keys together may take. Of what goes beyond nothing is read: no configuration is that long.
void Flatten(const YamlNode* node, const std::string& key, Spot key_at, std::size_t* room,
             std::vector<ManifestSetting>& settings) {
  if (node->IsMapping()) {
    for (const auto& [name, value] : EntriesOf(node)) {
      if (!name->IsScalar()) continue;
      std::string inner = key.empty() ? name->scalar : key + "." + name->scalar;
      *room -= std::min(*room, inner.size());
      if (*room == 0) return;
      Flatten(value, inner, name->at, room, settings);
    }
    return;
  }
  std::string value;
  if (node->IsSequence()) {
    for (const YamlNode* item : node->items) {
      if (!value.empty()) value += ";";
      if (!item->IsMapping() && !item->IsSequence()) value += OperatorText(item);
    }
  } else {
    value = OperatorText(node);
  }
  settings.push_back(
      {key, Shown(key, value), ManifestSetting::Source::kFlinkConfiguration, key_at, node->at, ""});
}

}  // namespace

bool IsSecretKey(std::string_view key) {
  // GlobalConfiguration's list.
  constexpr std::string_view kParts[] = {"password",    "secret",      "fs.azure.account.key",
                                         "apikey",      "api-key",     "auth-params",
                                         "token",       "service-key", "basic-auth",
                                         "jaas.config", "http-headers"};
  const std::string lower = Lower(key);
  return std::any_of(std::begin(kParts), std::end(kParts),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

std::vector<ManifestConfigText> ConfigTextsOf(const YamlNode* config_map) {
  std::vector<ManifestConfigText> texts;
  const std::string name(ScalarText(FindPath(config_map, {"metadata", "name"})));
  const YamlNode* data = FindKey(config_map, "data");
  if (data == nullptr || !data->IsMapping()) return texts;
  for (const auto& [key, value] : data->entries) {
    if (key->scalar != "flink-conf.yaml" && key->scalar != "config.yaml") continue;
    if (!value->IsScalar()) continue;
    texts.push_back({key->scalar, name, WithoutSecrets(value->scalar), key->at, value->block_line,
                     value->block_indent});
  }
  return texts;
}

Result<std::vector<ManifestSetting>> SettingsOf(const ManifestConfigText& text,
                                                std::string_view manifest_file) {
  const bool yaml = text.file == "config.yaml";
  flink::Configuration configuration;
  if (yaml) {
    Result<flink::Configuration> parsed = flink::ParseYamlConfig(text.text, text.file);
    if (!parsed.ok()) {
      return Error{std::string(manifest_file) + ":" + std::to_string(text.at.line) + ": " +
                       parsed.error().message + " (a line of " + text.file + " in ConfigMap " +
                       text.config_map + ")",
                   parsed.error().hint};
    }
    configuration = std::move(parsed.value());
  } else {
    configuration = flink::ParseFlatConfig(text.text, text.file);
  }
  const std::vector<std::string_view> lines = LinesOf(text.text);
  std::vector<ManifestSetting> settings;
  for (const auto& [key, value] : configuration) {
    ManifestSetting setting{
        key, Shown(key, value.text), ManifestSetting::Source::kConfigMap, {}, {}, ""};
    const auto index = static_cast<std::size_t>(std::max(0, value.origin.line - 1));
    Locate(text, index < lines.size() ? lines[index] : std::string_view(), value.origin.line,
           setting);
    settings.push_back(std::move(setting));
  }
  return settings;
}

std::vector<ManifestSetting> OperatorSettings(const YamlNode* configuration) {
  std::vector<ManifestSetting> settings;
  std::size_t room = std::size_t{16} << 20;
  if (configuration != nullptr && configuration->IsMapping())
    Flatten(configuration, "", configuration->at, &room, settings);
  return settings;
}

std::vector<ManifestSetting> PropertiesSettings(const EnvironmentVariable& variable,
                                                std::optional<flink::Version> version) {
  std::vector<ManifestSetting> settings;
  const std::string text = variable.value.value_or("");
  const auto add = [&](std::string_view key, std::string_view value) {
    settings.push_back({std::string(key), Shown(key, value), ManifestSetting::Source::kEnvironment,
                        variable.at, variable.at, ""});
  };
  if (version && *version < flink::kYamlConfig) {
    for (const auto& [key, value] : flink::ParseFlatConfig(text, "FLINK_PROPERTIES"))
      add(key, value.text);
    return settings;
  }
  for (const std::string_view line : LinesOf(text)) {
    std::string bare;
    std::copy_if(line.begin(), line.end(), std::back_inserter(bare),
                 [](unsigned char c) { return std::isspace(c) == 0; });
    const std::size_t colon = bare.find(':');
    if (colon == 0 || colon == std::string::npos) continue;
    add(std::string_view(bare).substr(0, colon), std::string_view(bare).substr(colon + 1));
  }
  return settings;
}

}  // namespace wrackline::evidence
