#include "analyzer/evidence/prometheus_scrape.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostLabels = 256;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}

// Reads one line from left to right; `problem` says what is wrong with it.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  bool Read(ScrapeSample* sample) {
    sample->name.clear();
    sample->labels.clear();
    sample->time.reset();
    SkipBlanks();
    if (!rest_.empty() && IsNameStart(rest_.front())) sample->name = Name();
    SkipBlanks();
    if (Take('{') && !Labels(sample)) return false;
    if (sample->name.empty()) return Fail("a metric's name is missing");
    SkipBlanks();
    if (!Value(&sample->value)) return false;
    SkipBlanks();
    if (!rest_.empty() && rest_.front() != '#' && !Timestamp(&sample->time)) return false;
    SkipBlanks();
    // An exemplar: of no use here.
    if (!rest_.empty() && rest_.front() != '#') return Fail("something follows the value");
    return true;
  }
  const char* problem() const { return problem_; }

 private:
  bool Fail(const char* problem) {
    problem_ = problem;
    return false;
  }
  void SkipBlanks() {
    while (!rest_.empty() && IsBlank(rest_.front())) rest_.remove_prefix(1);
  }
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view First(std::size_t length) {
    const std::string_view first = rest_.substr(0, length);
    rest_.remove_prefix(first.size());
    return first;
  }
  std::string_view Name() {
    std::size_t length = 0;
    while (length < rest_.size() && (IsNameStart(rest_[length]) || IsDigit(rest_[length])))
      ++length;
    return First(length);
  }
  // After the opening quote. Escapes: \\ \" \n; any other backslash stands for itself.
  bool Quoted(std::string* text) {
    text->clear();
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\' || rest_.empty()) {
        text->push_back(c);
        continue;
      }
      const char escaped = rest_.front();
      if (escaped != '\\' && escaped != '"' && escaped != 'n') {
        text->push_back(c);
        continue;
      }
      rest_.remove_prefix(1);
      text->push_back(escaped == 'n' ? '\n' : escaped);
    }
    return Fail("a label's value has no closing quote");
  }
  // After the opening brace.
  bool Labels(ScrapeSample* sample) {
    std::string text;
    while (true) {
      SkipBlanks();
      if (Take('}')) return true;
      std::string name;
      if (Take('"')) {
        if (!Quoted(&name)) return false;
      } else {
        name = Name();
      }
      if (name.empty()) return Fail("a label's name is missing");
      SkipBlanks();
      if (Take('=')) {
        SkipBlanks();
        if (!Take('"')) return Fail("a label's value is not in quotes");
        if (!Quoted(&text)) return false;
        if (sample->labels.size() == kMostLabels) return Fail("it has more than 256 labels");
        sample->labels.emplace_back(std::move(name), text);
      } else if (sample->name.empty()) {
        sample->name = std::move(name);  // {"metric.name", label="value"}
      } else {
        return Fail("a label has no value");
      }
      SkipBlanks();
      if (!Take(',') && (rest_.empty() || rest_.front() != '}'))
        return Fail("the labels have no closing brace");
    }
  }
  std::string_view Word() {
    std::size_t length = 0;
    while (length < rest_.size() && !IsBlank(rest_[length])) ++length;
    return First(length);
  }
  bool Value(double* value) {
    std::string_view word = Word();
    if (word.empty()) return Fail("the value is missing");
    const bool negative = word.front() == '-';
    if (negative || word.front() == '+') word.remove_prefix(1);
    std::string lower(word.substr(0, 16));
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower == "nan") {
      *value = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    if (lower == "inf" || lower == "infinity") {
      *value = std::numeric_limits<double>::infinity();
    } else {
      // from_chars alone would take "nan(...)" and another minus.
      if (word.empty() || !(IsDigit(word.front()) || word.front() == '.'))
        return Fail("the value is no number");
      const auto parsed = std::from_chars(word.data(), word.data() + word.size(), *value);
      if (parsed.ec != std::errc{} || parsed.ptr != word.data() + word.size())
        return Fail("the value is no number");
    }
    if (negative) *value = -*value;
    return true;
  }
  // Milliseconds; with a fraction, as OpenMetrics writes it, seconds.
  bool Timestamp(std::optional<Time>* time) {
    const std::string_view word = Word();
    const char* const end = word.data() + word.size();
    std::int64_t milliseconds = 0;
    const auto whole = std::from_chars(word.data(), end, milliseconds);
    if (whole.ec != std::errc{} || whole.ptr != end) {
      double seconds = 0;
      const auto parsed = std::from_chars(word.data(), end, seconds);
      if (parsed.ec != std::errc{} || parsed.ptr != end || !(std::abs(seconds) < 1e12))
        return Fail("the time stamp is no number");
      milliseconds = static_cast<std::int64_t>(seconds * 1e3);
    }
    // 1970 to 2200: others are nobody's clock, and would overflow.
    constexpr std::int64_t kMost = std::int64_t{7'258'118'400} * 1000;
    if (milliseconds > 0 && milliseconds < kMost)
      *time = Time{std::chrono::milliseconds(milliseconds)};
    return true;
  }

  std::string_view rest_;
  const char* problem_ = "";
};

std::string_view Trimmed(std::string_view line) {
  while (!line.empty() && (IsBlank(line.front()))) line.remove_prefix(1);
  while (!line.empty() && (IsBlank(line.back()) || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string_view ScrapeSample::Label(std::string_view label) const {
  for (const auto& [name, value] : labels) {
    if (name == label) return value;
  }
  return {};
}

Status ParsePrometheusText(std::string_view text,
                           const std::function<void(const ScrapeSample&)>& visit) {
  ScrapeSample sample;
  bool ended = false;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view content = Trimmed(text.substr(0, end));
    const auto error = [line](const std::string& what, const char* hint) {
      return Error{"line " + std::to_string(line) + ": " + what, hint};
    };
    if (ended && !content.empty())
      return error("text after the end mark \"# EOF\"", "give one scrape a file");
    ended = ended || content == "# EOF";
    if (!content.empty() && content.front() != '#') {
      // 1.5E7 cut to 1.5 is a number too.
      if (end == std::string_view::npos)
        return error("the last line has no end: the scrape is cut off",
                     "scrape again, or delete that line");
      LineReader reader(content);
      if (!reader.Read(&sample))
        return error(reader.problem(), "is it a scrape in Prometheus's text format?");
      sample.line = line;
      visit(sample);
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return std::nullopt;
}

bool LooksLikePrometheusText(std::string_view beginning) {
  bool described = false;
  while (!beginning.empty()) {
    const std::size_t end = beginning.find('\n');
    const std::string_view line = Trimmed(beginning.substr(0, end));
    if (line.rfind("# HELP ", 0) == 0 || line.rfind("# TYPE ", 0) == 0) described = true;
    if (!line.empty() && line.front() != '#') {
      if (end == std::string_view::npos) return described;  // perhaps cut by the caller
      ScrapeSample sample;
      return LineReader(line).Read(&sample);
    }
    if (end == std::string_view::npos) break;
    beginning.remove_prefix(end + 1);
  }
  return described;
}

}  // namespace wrackline::evidence
