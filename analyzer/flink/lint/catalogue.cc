#include "analyzer/flink/lint/catalogue.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace wrackline::flink::lint {
namespace {

// Lines of a release: 1.20.5 belongs to {1, 20, 0}; what is newer than all known is the newest.
Version LineOf(Version version) {
  version.patch = 0;
  return std::min(version, Version{kNewestKnownVersion.feature, kNewestKnownVersion.minor, 0});
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Version ParseLine(std::string_view text) {
  Version line;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, line.feature);
  if (error == std::errc() && dot != end) std::from_chars(dot + 1, end, line.minor);
  return line;
}

// Nearest looks at no longer ones; the longest known key has 73 characters.
constexpr std::size_t kLongest = 120;

// Levenshtein's distance with unit costs. Precondition: b.size() <= kLongest.
std::size_t Edits(std::string_view a, std::string_view b) {
  std::array<std::size_t, kLongest + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// A part that is missing or too much.
constexpr double kPartCost = 0.6;
// Nobody means jobmanager and writes taskmanager: the first part weighs most, and the last, where
// the guesses are (size, min, fraction), least.
constexpr double kFirstPart = 2.5;
constexpr double kMiddlePart = 1.5;

double PartDistance(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  return static_cast<double>(Edits(a, b)) / static_cast<double>(std::max(a.size(), b.size()));
}

// Alignment of the dotted parts: people forget or add a part, or misspell one. Among equals the one
// with the fewest changed letters is nearer, by a hair. `limit` or more means "not nearer".
double KeyDistance(const std::vector<std::string_view>& typed,
                   const std::vector<std::string_view>& known, std::string_view typed_key,
                   std::string_view known_key, double limit) {
  const std::size_t more = std::max(typed.size(), known.size());
  const std::size_t fewer = std::min(typed.size(), known.size());
  if (static_cast<double>(more - fewer) * kPartCost >= limit) return limit;
  std::array<double, kLongest + 1> row{};
  for (std::size_t j = 0; j <= known.size(); ++j) row[j] = static_cast<double>(j) * kPartCost;
  for (std::size_t i = 1; i <= typed.size(); ++i) {
    double diagonal = row[0];
    row[0] = static_cast<double>(i) * kPartCost;
    double least = row[0];
    for (std::size_t j = 1; j <= known.size(); ++j) {
      double weight = i < typed.size() ? kMiddlePart : 1;
      if (i == 1 && j == 1) weight = kFirstPart;
      double replaced = diagonal;
      if (replaced < limit) replaced += weight * PartDistance(typed[i - 1], known[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + kPartCost, row[j - 1] + kPartCost, replaced});
      least = std::min(least, row[j]);
    }
    if (least >= limit) return limit;
  }
  if (row[known.size()] >= limit) return limit;
  return row[known.size()] + static_cast<double>(Edits(typed_key, known_key)) / 1000;
}

}  // namespace

const Catalogue& Catalogue::Get() {
  static const Catalogue catalogue;
  return catalogue;
}

Catalogue::Catalogue() {
  for (const std::string_view line : Split(kOptionsText, '\n')) {
    const auto fields = Split(line, '\t');
    if (fields.size() < 4) continue;  // the end
    KnownOption option;
    option.key = fields[0];
    option.type = fields[1];
    option.since = ParseLine(fields[2]);
    option.until = ParseLine(fields[3]);
    option.deprecated = fields.size() > 4 && fields[4] == "D";
    if (fields.size() > 5) option.default_text = fields[5];
    if (fields.size() > 6) option.old_names = Split(fields[6], ' ');
    rows_.push_back(std::move(option));
  }
  std::sort(rows_.begin(), rows_.end(), [](const KnownOption& a, const KnownOption& b) {
    return a.key != b.key ? a.key < b.key : a.since < b.since;
  });
  const auto note = [this](std::string_view key, const KnownOption& row) {
    Lines& lines = lines_.try_emplace(key, Lines{row.since, row.until}).first->second;
    lines = {std::min(lines.since, row.since), std::max(lines.until, row.until)};
  };
  for (const KnownOption& row : rows_) {
    parts_.push_back(Split(row.key, '.'));
    note(row.key, row);
    for (const std::string_view name : row.old_names) {
      note(name, row);
      by_old_name_[name].push_back(&row);
    }
  }
}

const KnownOption* Catalogue::Find(std::string_view key, Version version) const {
  const Version line = LineOf(version);
  auto row = std::lower_bound(
      rows_.begin(), rows_.end(), key,
      [](const KnownOption& option, std::string_view k) { return option.key < k; });
  for (; row != rows_.end() && row->key == key; ++row) {
    if (row->since <= line && line <= row->until) return &*row;
  }
  return nullptr;
}

const KnownOption* Catalogue::FindByOldName(std::string_view key, Version version) const {
  const auto rows = by_old_name_.find(key);
  if (rows == by_old_name_.end()) return nullptr;
  const Version line = LineOf(version);
  for (const KnownOption* row : rows->second) {
    if (row->since <= line && line <= row->until) return row;
  }
  return nullptr;
}

const KnownOption* Catalogue::Successor(std::string_view key) const {
  const auto rows = by_old_name_.find(key);
  if (rows == by_old_name_.end()) return nullptr;
  return *std::max_element(
      rows->second.begin(), rows->second.end(),
      [](const KnownOption* a, const KnownOption* b) { return a->until < b->until; });
}

std::optional<Lines> Catalogue::LinesOf(std::string_view key) const {
  const auto lines = lines_.find(key);
  if (lines == lines_.end()) return std::nullopt;
  return lines->second;
}

bool Catalogue::IsMember(std::string_view key, Version version) const {
  for (std::size_t dot = key.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = key.rfind('.', dot - 1)) {
    const KnownOption* option = Find(key.substr(0, dot), version);
    // Of the others the type is unknown: they may be maps.
    if (option != nullptr && (option->type == "Map" || option->type == "-")) return true;
  }
  return false;
}

bool Catalogue::IsClosedNamespace(std::string_view key) {
  constexpr std::array<std::string_view, 21> kClosed = {
      "akka",        "blob", "classloader",    "cluster",     "env",         "execution",
      "heartbeat",   "io",   "jobmanager",     "jobstore",    "parallelism", "pekko",
      "pipeline",    "rest", "slot",           "slotmanager", "state",       "task",
      "taskmanager", "web",  "resourcemanager"};
  const std::size_t dot = key.find('.');
  return dot != std::string_view::npos &&
         std::find(kClosed.begin(), kClosed.end(), key.substr(0, dot)) != kClosed.end();
}

Catalogue::Neighbour Catalogue::Nearest(std::string_view key, Version version) const {
  constexpr double kFarthest = 1.0;
  Neighbour nearest;
  if (key.empty() || key.size() > kLongest) return nearest;
  const Version line = LineOf(version);
  const auto parts = Split(key, '.');
  double fewest = kFarthest;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const KnownOption& row = rows_[i];
    if (row.deprecated || row.key.size() > kLongest || !(row.since <= line && line <= row.until))
      continue;
    const double distance = KeyDistance(parts, parts_[i], key, row.key, fewest);
    if (distance < fewest) {
      fewest = distance;
      nearest = {row.key, distance};
    }
  }
  return nearest;
}

std::string FormatLine(Version line) {
  return std::to_string(line.feature) + "." + std::to_string(line.minor);
}

}  // namespace wrackline::flink::lint
