// Result<T>: a value, or an error whose message says what is wrong and what to do.
//
// Host side only (it may allocate). What runs inside the profiled process returns 0 or an errno
// value instead.
//
//   Result<Bytes> limit = ParseBytes(text);
//   if (!limit.ok()) return limit.error();
//   Use(limit.value());
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace wrackline {

struct Error {
  // One line, without a trailing full stop's worth of context: "cannot read X: No such file or
  // directory".
  std::string message;
  // What the user can do about it; may be empty.
  std::string hint;

  // Both parts as one line for a terminal.
  std::string Text() const { return hint.empty() ? message : message + " (" + hint + ")"; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  // Precondition: ok().
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  // Precondition: !ok().
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

// Success, or an error.
using Status = std::optional<Error>;

}  // namespace wrackline
