#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "analyzer/render/inert.h"
#include "analyzer/render/lint.h"

namespace wrackline::render {
namespace {

using flink::lint::Finding;
using flink::lint::LintReport;
using flink::lint::Location;
using flink::lint::Severity;

constexpr std::size_t kIndent = 4;

Style StyleOf(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return Style::kRed;
    case Severity::kWarning:
      return Style::kYellow;
    case Severity::kInfo:
      break;
  }
  return Style::kBold;
}

std::string Place(const Location& at, bool utf8) {
  std::string place = Inert(at.file, utf8);
  if (at.line > 0) place += ":" + std::to_string(at.line);
  if (at.line > 0 && at.column > 0) place += ":" + std::to_string(at.column);
  return place;
}

// Lines as editors number them: they end at \n, \r or \r\n.
std::string_view LineOf(std::string_view text, int number) {
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find_first_of("\r\n");
    if (line == number) return text.substr(0, end);
    if (end == std::string_view::npos) break;
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
  }
  return {};
}

// The line with a mark under the key or value, where the columns on the terminal are those of the
// file: plain ASCII that fits.
void Source(Page& page, std::string_view line, const Location& at) {
  const bool plain =
      std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (line.empty()) return;
  page.Line(std::string(kIndent, ' ') +
            page.Styled(Style::kDim, page.Name(line, page.width() - kIndent)));
  const auto column = static_cast<std::size_t>(at.column);
  const auto length = static_cast<std::size_t>(std::max(at.length, 1));
  if (!plain || at.column < 1 || kIndent + line.size() > page.width() ||
      column - 1 + length > line.size())
    return;
  page.Line(std::string(kIndent + column - 1, ' ') +
            page.Styled(Style::kBold, std::string(length, '^')));
}

std::string Counts(const LintReport& report) {
  std::array<int, 3> counts{};
  for (const Finding& finding : report.findings)
    ++counts[static_cast<std::size_t>(finding.severity)];
  const auto several = [](int n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  return several(counts[2], "error") + ", " + several(counts[1], "warning") + ", " +
         fmt::format("{} info", counts[0]);
}

}  // namespace

std::string RenderLintText(const LintReport& report, std::string_view text,
                           const TextOptions& options) {
  Page page(options);
  for (const Finding& finding : report.findings) {
    // Not broken at the width: tools that jump to a place read this line.
    page.Line(
        page.Styled(Style::kBold, Place(finding.at, options.utf8) + ":") + " " +
        page.Styled(StyleOf(finding.severity), std::string(SeverityName(finding.severity)) + ":") +
        " " + Inert(finding.message, options.utf8) + " " +
        page.Styled(Style::kDim, "[" + finding.rule + "]"));
    if (finding.at.line > 0 && finding.at.file == report.file)
      Source(page, LineOf(text, finding.at.line), finding.at);
    page.Paragraph(finding.reason, kIndent);
    page.Paragraph("Fix: " + finding.fix, kIndent, 5);
    page.Blank();
  }
  const std::string where = Inert(report.file, options.utf8) + ", read as Flink " +
                            flink::FormatVersion(report.version) + " does: ";
  page.Line(where + (report.findings.empty() ? "no finding" : Counts(report)));
  return page.Take();
}

}  // namespace wrackline::render
