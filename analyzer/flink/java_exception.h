// What Flink would throw: the model's way out of a derivation, and the answer's content.
//
// The model's control flow is that of Flink's own classes, where an exception passes several levels
// that add to its message; it is thrown and caught inside this room only, and leaves it as a value.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace wrackline::flink {

struct JavaException {
  struct Cause {
    std::string error_class;  // fully qualified
    std::string message;
  };
  std::string error_class;
  std::string message;
  std::vector<Cause> causes;  // getCause(), its getCause(), ...
};

inline constexpr const char* kIllegalConfiguration =
    "org.apache.flink.configuration.IllegalConfigurationException";
inline constexpr const char* kIllegalArgument = "java.lang.IllegalArgumentException";
inline constexpr const char* kNumberFormat = "java.lang.NumberFormatException";
inline constexpr const char* kArithmetic = "java.lang.ArithmeticException";

// `outer` thrown because of `inner`.
inline JavaException Wrap(std::string error_class, std::string message, JavaException inner) {
  JavaException outer{std::move(error_class), std::move(message), {}};
  outer.causes.push_back({std::move(inner.error_class), std::move(inner.message)});
  for (auto& cause : inner.causes) outer.causes.push_back(std::move(cause));
  return outer;
}

}  // namespace wrackline::flink
