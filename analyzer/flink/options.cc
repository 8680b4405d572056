#include "analyzer/flink/options.h"

#include <utility>

#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/java_number.h"

namespace wrackline::flink {
namespace options {

Option NetworkMax(Version version) {
  // MemorySize.MAX_VALUE since 1.17, although the comment in the shipped file still says 1gb.
  return {"taskmanager.memory.network.max",
          version >= kNetworkMaxUnlimited ? "9223372036854775807" : "1g",
          "taskmanager.network.memory.max"};
}

Option JvmMetaspace(Version version) {
  return {"taskmanager.memory.jvm-metaspace.size", version >= kMetaspace256m ? "256m" : "96m"};
}

}  // namespace options

namespace {

// Runs parse; its failure becomes the one that Configuration.get reports, with the option's own key
// even for a deprecated name.
template <typename Parse>
auto Parsed(const Option& option, const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (JavaException& exception) {
    throw Wrap(kIllegalArgument,
               "Could not parse value '" + text + "' for key '" + std::string(option.key) + "'.",
               std::move(exception));
  }
}

bool ParseJavaBool(const std::string& text) {
  std::string upper;
  for (const char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper == "TRUE") return true;
  if (upper == "FALSE") return false;
  throw JavaException{kIllegalArgument,
                      "Unrecognized option for boolean: " + text +
                          ". Expected either true or false(case insensitive)",
                      {}};
}

}  // namespace

std::optional<std::string> OptionReader::Find(const Option& option) const {
  if (auto text = configuration_.Get(option.key)) return text;
  if (option.deprecated_key.empty()) return std::nullopt;
  return configuration_.Get(option.deprecated_key);
}

std::string OptionReader::Text(const Option& option) const {
  auto text = Find(option);
  return text ? *std::move(text) : std::string(option.default_text);
}

MemorySize OptionReader::Size(const Option& option) const {
  return Parsed(option, Text(option),
                [](const std::string& text) { return ParseMemorySizeOrThrow(text); });
}

MemorySize OptionReader::MemorySizeOf(const Option& option) const {
  try {
    return Size(option);
  } catch (JavaException& exception) {
    throw Wrap(kIllegalConfiguration,
               "Cannot read memory size from config option '" + std::string(option.key) + "'.",
               std::move(exception));
  }
}

float OptionReader::Float(const Option& option) const {
  return Parsed(option, Text(option), [](const std::string& text) { return ParseJavaFloat(text); });
}

double OptionReader::Double(const Option& option) const {
  return Parsed(option, Text(option),
                [](const std::string& text) { return ParseJavaDouble(text); });
}

std::int32_t OptionReader::Int(const Option& option) const {
  return Parsed(option, Text(option), [](const std::string& text) { return ParseJavaInt(text); });
}

bool OptionReader::Bool(const Option& option) const {
  return Parsed(option, Text(option), ParseJavaBool);
}

std::string DescribeOption(const Option& option) {
  std::string fallback;
  if (!option.deprecated_key.empty()) {
    fallback = "{key=" + std::string(option.deprecated_key) + ", isDeprecated=true}";
  }
  const std::string_view standard = option.default_text.empty() ? "null" : option.default_text;
  return "Key: '" + std::string(option.key) + "' , default: " + std::string(standard) +
         " (fallback keys: [" + fallback + "])";
}

}  // namespace wrackline::flink
