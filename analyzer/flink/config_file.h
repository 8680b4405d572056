// Flink's configuration files, read as Flink reads them.
//
//   flink-conf.yaml   to 1.20: a flat line format, not YAML. "key: value", '#' starts a comment
//   anywhere, the last duplicate wins, quotes
//                     belong to the value, lines without ": " are skipped (Flink logs a warning).
//   config.yaml       since 1.19: YAML 1.2. Nested keys are joined with dots; a duplicate key and a
//   null value are fatal; numbers lose
//                     their spelling ("0.30" becomes "0.3", "010" becomes "10"); a list becomes its
//                     flow form "[a, b]".
//
// Pure functions over text; thread-safe. Hostile text gives an error, never a crash: nesting, size
// and aliases are bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/version.h"
#include "lib/base/result.h"

namespace wrackline::flink {

enum class ConfigFormat { kFlat, kYaml };

// Never fails: what is not "key: value" is skipped, as in Flink. `file` becomes the origin of every
// value.
Configuration ParseFlatConfig(std::string_view text, std::string_view file);

// Errors, with file and line: not YAML, not a mapping, a duplicate key, a null, a key that is no
// text, more than one document.
Result<Configuration> ParseYamlConfig(std::string_view text, std::string_view file);

// The same, with the failure also as the exception that Flink throws. Where the text is not YAML at
// all, the cause's message is that of another YAML library than Flink's.
struct YamlFailure {
  Error error;
  JavaException exception;
};
std::variant<Configuration, YamlFailure> ReadYamlConfig(std::string_view text,
                                                        std::string_view file);

// How that version reads a file of this name. Without a version, or under another name (a
// ConfigMap's key, a pipe), the text decides where the version allows both: a line that opens a
// nested mapping means YAML. Errors: a name that this version does not read (flink-conf.yaml from
// 2.0, config.yaml before 1.19).
Result<ConfigFormat> ChooseConfigFormat(std::string_view file, std::string_view text,
                                        std::optional<Version> version);

// ChooseConfigFormat, then the parser. `file` may be a path.
Result<Configuration> ParseConfigFile(std::string_view text, std::string_view file,
                                      std::optional<Version> version);

// Which file of a conf folder that version reads: "flink-conf.yaml", "config.yaml", or "" when it
// reads neither.
std::string_view ConfigFileOf(Version version, bool has_flink_conf, bool has_config_yaml);

}  // namespace wrackline::flink
