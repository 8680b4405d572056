#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "analyzer/evidence/sites.h"
#include "analyzer/render/diff.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kCallers = 3;
// Change, percent, before, after, what is thought of it.
constexpr std::size_t kFigures = 2 + 11 + 1 + 8 + 2 + 10 + 4 + 10 + 2 + 8 + 1;

std::string Amount(double amount, diff::Unit unit) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::clamp(amount, -9.0e18, 9.0e18)));
  return unit == diff::Unit::kBytes ? FormatBytes(Bytes{whole}) : std::to_string(whole);
}

std::string Amount(const std::optional<double>& amount, diff::Unit unit) {
  return amount ? Amount(*amount, unit) : std::string("?");
}

std::string Change(const diff::Row& row) {
  if (!row.before || !row.after) return "?";
  const double change = row.Change();
  return (change > 0 ? "+" : "") + Amount(change, row.unit);
}

std::string PercentText(const diff::Row& row) {
  const auto percent = row.Percent();
  if (!percent) return row.before && *row.before == 0 && row.Change() > 0 ? "new" : "";
  if (*percent >= 999.95) return fmt::format("x{:.0f}", *row.after / *row.before);
  return fmt::format("{:+.1f} %", *percent);
}

// One word: how sure it is.
std::string_view Word(const diff::Row& row) {
  if (!row.before || !row.after) return "";
  if (row.sampled) return row.judged ? Name(row.verdict.confidence) : "sampled";
  return "counted";
}

bool IsNoise(const diff::Row& row) {
  if (row.id == "(all)" || row.id == "total") return false;
  if (row.sampled && row.judged) return row.verdict.confidence == diff::Confidence::kNoise;
  return row.before && row.after && row.Change() == 0;
}

void WriteCallers(const diff::Row& row, Page* page) {
  std::size_t shown = 0;
  for (std::size_t i = row.label_frame + 1; i < row.frames.size() && shown < kCallers; ++i) {
    if (evidence::IsPlumbing(row.frames[i]) || !row.frames[i].named) continue;
    page->Line(
        "      " +
        page->Styled(Style::kDim, "from " + FrameText(row.frames[i], page->width() - 11, *page)));
    ++shown;
  }
}

void WriteRow(const diff::Row& row, Page* page) {
  const bool utf8 = page->utf8();
  std::string line = "  " + Right(Change(row), 11, utf8) + " " + Right(PercentText(row), 8, utf8) +
                     "  " + Right(Amount(row.before, row.unit), 10, utf8) + " -> " +
                     Right(Amount(row.after, row.unit), 10, utf8) + "  ";
  line +=
      row.grown ? page->Styled(Style::kRed, Left(Word(row), 8, utf8)) : Left(Word(row), 8, utf8);
  const std::size_t room = page->width() > kFigures ? page->width() - kFigures : 0;
  if (!row.frames.empty()) {
    page->Line(line + (row.sampled
                           ? "+- " + Amount(std::hypot(row.before_error, row.after_error), row.unit)
                           : ""));
    page->Line("      " + page->Styled(Style::kBold, FrameText(row.frames[row.label_frame],
                                                               page->width() - 7, *page)));
    WriteCallers(row, page);
  } else if (Columns(page->Name(row.label, 4096)) <= room) {
    page->Line(line + " " + page->Name(row.label, room));
  } else {
    page->Line(line);
    page->Line("      " + page->Name(row.label, page->width() - 7));
  }
}

void WriteSection(const diff::Section& section, std::size_t limit, bool per_hour, Page* page) {
  page->Heading(section.title + (per_hour ? ", per hour of uptime" : ""));
  for (const std::string& note : section.notes) page->Paragraph(note, 2, 0, Style::kDim);
  std::size_t shown = 0, noise = 0, more = 0;
  for (const diff::Row& row : section.rows) {
    if (limit != 0 && IsNoise(row)) {
      ++noise;
    } else if (limit != 0 && shown >= limit) {
      ++more;
    } else {
      WriteRow(row, page);
      ++shown;
    }
  }
  std::string rest;
  if (more > 0) rest = fmt::format("{} more", more);
  if (noise > 0)
    rest += fmt::format("{}{} unchanged or within the noise", rest.empty() ? "" : ", ", noise);
  if (!rest.empty())
    page->Line("  " + page->Styled(Style::kDim, "(" + rest + ": --limit 0 shows all)"));
}

void WriteSide(const char* name, const diff::Side& side, Page* page) {
  std::string text = fmt::format("{}: {}, {} ({})", name, side.subject, side.kind, side.source);
  if (side.uptime) text += fmt::format(", {} after its start", Elapsed(*side.uptime));
  if (side.interval && side.interval->count > 1)
    text += ", sampled every " + FormatBytes(*side.interval);
  page->Paragraph(text, 0, 3);
}

void WriteAnswer(const diff::Diff& diff, Page* page) {
  std::size_t grown = 0;
  for (const diff::Section& section : diff.sections)
    grown += static_cast<std::size_t>(std::count_if(
        section.rows.begin(), section.rows.end(), [](const diff::Row& row) { return row.grown; }));
  const std::string threshold =
      fmt::format("by {} and {:g} % or more, beyond what sampling explains",
                  FormatBytes(diff.options.least_growth), diff.options.least_percent);
  page->Paragraph(
      diff.grew ? fmt::format("{} {} grew {}.", grown, grown == 1 ? "figure" : "figures", threshold)
                : "Nothing grew " + threshold + ".",
      0, 0, diff.grew ? Style::kRed : Style::kGreen);
}

}  // namespace

std::string RenderDiffText(const diff::Diff& diff, std::size_t limit, const TextOptions& options) {
  Page page(options);
  WriteSide("A", diff.before, &page);
  WriteSide("B", diff.after, &page);
  for (const std::string& note : diff.notes) page.Paragraph(note, 0, 0, Style::kDim);
  page.Blank();
  WriteAnswer(diff, &page);
  for (const diff::Section& section : diff.sections)
    WriteSection(section, limit, diff.options.per_hour, &page);
  return page.Take();
}

}  // namespace wrackline::render
