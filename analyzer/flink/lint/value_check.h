// Whether Flink can parse a value, and what it says when it cannot.
#pragma once

#include <optional>
#include <string>

#include "analyzer/flink/lint/catalogue.h"

namespace wrackline::flink::lint {

// Flink's message with its cause: "Could not parse value '4gb ' for key 'k'. Caused by: ...";
// nothing when the value is good, or when the option's type takes every text.
std::optional<std::string> ParseFailure(const KnownOption& option, const std::string& value);

// How a value of this type is written: "a number and a unit, such as 512m or 4g".
std::string_view HowToWrite(const KnownOption& option);

}  // namespace wrackline::flink::lint
