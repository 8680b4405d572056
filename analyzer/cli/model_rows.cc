#include "analyzer/cli/model_rows.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "analyzer/cli/command.h"

namespace wrackline::cli {
namespace {

// A row of a configuration's text may be long; nothing of Flink's is longer than this.
constexpr std::size_t kLongestLine = 16 << 20;

// Lines of standard input.
class Lines {
 public:
  ~Lines() { std::free(line_); }
  bool Next(std::string_view* line) {
    const ssize_t length = getline(&line_, &capacity_, stdin);
    if (length < 0) return false;
    *line = std::string_view(line_, static_cast<std::size_t>(length));
    while (!line->empty() && (line->back() == '\n' || line->back() == '\r')) line->remove_suffix(1);
    return true;
  }

 private:
  char* line_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace

int AnswerRows(flink::BatchKind kind, flink::Version version) {
  if (version >=
      flink::Version{flink::kNewestKnownVersion.feature, flink::kNewestKnownVersion.minor + 1, 0})
    Say("Flink " + flink::FormatVersion(version) +
        " is newer than what is known here: answered by the rules of " +
        flink::FormatVersion(flink::kNewestKnownVersion));
  Lines lines;
  std::size_t number = 0, bad = 0, first_bad = 0;
  for (std::string_view line; lines.Next(&line);) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    flink::Answer answer = line.size() > kLongestLine
                               ? flink::RefuseRow("the line is longer than 16 MiB")
                               : flink::AnswerRow(kind, version, line);
    if (!answer.asked_well && bad++ == 0) first_bad = number;
    answer.row += '\n';
    if (std::fwrite(answer.row.data(), 1, answer.row.size(), stdout) != answer.row.size())
      return Fail(std::string("cannot write the output: ") + std::strerror(errno));
  }
  if (std::fflush(stdout) != 0)
    return Fail(std::string("cannot write the output: ") + std::strerror(errno));
  if (std::ferror(stdin) != 0)
    return Fail(std::string("cannot read standard input: ") + std::strerror(errno));
  if (bad == 0) return kOk;
  return Fail(std::to_string(bad) + " of " + std::to_string(number) +
              " lines are no rows of this " + "kind, line " + std::to_string(first_bad) +
              " first: each is answered with error_class \"wrackline\"");
}

}  // namespace wrackline::cli
