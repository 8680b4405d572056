// Scalars of YAML 1.2's core schema, and how Flink turns them into the text of a configuration
// value.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wrackline::flink {

enum class ScalarKind { kNull, kBool, kInt, kFloat, kText };

// What an unquoted scalar means. "yes", "1_000" and "0b1" are text in YAML 1.2.
ScalarKind ClassifyPlainScalar(std::string_view text);

// Object.toString() of the parsed value: "010" -> "10", "0x10" -> "16", "0.30" -> "0.3", "True" ->
// "true". Nothing for null.
std::optional<std::string> PlainScalarText(std::string_view text);

// The same for a scalar with the tag !!float: "3" -> "3.0". Nothing when it is no number.
std::optional<std::string> FloatScalarText(std::string_view text);

// A text as an element of a flow list: plain where it reads back as the same text, else quoted.
std::string QuoteForFlow(std::string_view text);

}  // namespace wrackline::flink
