#include "analyzer/evidence/flink_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wrackline::evidence {
namespace {

constexpr std::size_t kIdDigits = 32;
constexpr std::string_view kJob = "job_", kOperator = "_op_", kUuid = "_uuid_";

bool IsId(std::string_view text) {
  return text.size() == kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// A number from 1 on; 0: it is none.
int Number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0 ? number : 0;
}

// Takes what is behind the last `mark` off `*text`.
std::optional<std::string_view> TakeBehind(std::string_view* text, std::string_view mark) {
  const std::size_t at = text->rfind(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text->substr(at + mark.size());
  *text = text->substr(0, at);
  return behind;
}

// One folder's name.
std::optional<FlinkDatabase> ParseFolder(std::string_view name) {
  if (name.substr(0, kJob.size()) != kJob || !TakeBehind(&name, kUuid)) return std::nullopt;
  FlinkDatabase result;
  name.remove_prefix(kJob.size());
  result.job_id = name.substr(0, kIdDigits);
  if (!IsId(result.job_id) || name.substr(kIdDigits, kOperator.size()) != kOperator)
    return std::nullopt;
  name.remove_prefix(kIdDigits + kOperator.size());
  // "(1/4)" has become "_1_4_".
  if (name.empty() || name.back() != '_') return std::nullopt;
  name.remove_suffix(1);
  const auto parallelism = TakeBehind(&name, "_");
  const auto subtask = parallelism ? TakeBehind(&name, "__") : std::nullopt;
  const auto id = subtask ? TakeBehind(&name, "_") : std::nullopt;
  if (!id || !IsId(*id) || name.empty()) return std::nullopt;
  result.operator_id = *id;
  result.operator_name = name;
  result.subtask = Number(*subtask);
  result.parallelism = Number(*parallelism);
  if (result.subtask == 0 || result.parallelism < result.subtask) return std::nullopt;
  return result;
}

}  // namespace

std::optional<FlinkDatabase> ParseFlinkDatabase(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (auto found = ParseFolder(name)) return found;
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  return std::nullopt;
}

std::string DatabaseTitle(const std::string& path) {
  constexpr std::size_t kShown = 8;
  const auto flink = ParseFlinkDatabase(path);
  if (!flink) return path;
  return fmt::format("{}, subtask {} of {} (operator {}, job {})", flink->operator_name,
                     flink->subtask, flink->parallelism, flink->operator_id.substr(0, kShown),
                     flink->job_id.substr(0, kShown));
}

}  // namespace wrackline::evidence
