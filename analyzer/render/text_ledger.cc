#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/graph.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kAmount = 11, kPart = 8;

std::string Signed(Bytes amount) { return (amount.count > 0 ? "+" : "") + FormatBytes(amount); }

std::string Remark(const ledger::Group& group) {
  if (group.budget) return "of " + FormatBytes(*group.budget);
  if (group.standard_error && group.standard_error->count > 0)
    return "+- " + FormatBytes(*group.standard_error);
  return "";
}

std::string Remark(const ledger::Line& line) {
  if (line.budget) return "of " + FormatBytes(*line.budget);
  if (line.standard_error && line.standard_error->count > 0)
    return "+- " + FormatBytes(*line.standard_error);
  if (line.confidence == ledger::Confidence::kUpperBound) return "at most";
  return "";
}

// Below a heading its name is not said again: "memtables, orders".
std::string Within(const ledger::Group& group, const std::string& label) {
  const std::string prefix = group.label + " ";
  return label.compare(0, prefix.size(), prefix) == 0 ? label.substr(prefix.size()) : label;
}

// Lines of a group that are one row together: twenty families of which three hold anything.
std::vector<std::size_t> SmallLines(const ledger::Ledger& ledger, const ledger::Group& group) {
  constexpr std::size_t kFew = 3;
  std::vector<std::size_t> small;
  for (const std::size_t index : group.lines) {
    const ledger::Line& line = ledger.lines[index];
    if (200 * line.amount < ledger.total && !line.Overshoot()) small.push_back(index);
  }
  return small.size() >= kFew && group.lines.size() > kFew ? small : std::vector<std::size_t>();
}

}  // namespace

void WriteLedger(const report::Report& report, Page* page) {
  if (!report.ledger) {
    page->Heading("Where the memory was");
    page->Paragraph(
        report.evidence.recorded
            ? "Not known: the recording has neither the cgroup's charge nor the process's resident "
              "set."
            : "Not known: no file has the cgroup's charge or the process's resident set.",
        2);
    return;
  }
  const ledger::Ledger& ledger = *report.ledger;
  const bool peak = ledger.moment == ledger::When::kPeak;
  if (ledger.basis == ledger::Basis::kMetrics) {
    page->Heading("What the metrics name: " + FormatBytes(ledger.total));
  } else {
    page->Heading(fmt::format("Where the memory was{}: {} {}, {} before the {}",
                              peak ? " at the peak" : "", FormatBytes(ledger.total),
                              ledger.basis == ledger::Basis::kCharge ? "charged" : "resident",
                              Elapsed(ledger.before_end),
                              peak                       ? "end"
                              : report.evidence.recorded ? "last record"
                                                         : "newest file"));
  }
  const std::size_t remark = 15;
  // Two spaces of indent and one between columns.
  const std::size_t flexible = page->width() - 2 - kAmount - kPart - remark - 4;
  const std::size_t bar = std::clamp<std::size_t>(flexible / 4, 8, 40);
  const std::size_t label = flexible - bar;
  // Bars are drawn against the limit, so that a full row of bars is a full pod.
  Bytes whole = ledger.total;
  if (report.evidence.limit) whole = std::max(whole, report.evidence.limit->amount);
  const auto row = [&](std::string_view name, Bytes amount, const std::string& shown,
                       const std::string& note, Style style) {
    const double fraction =
        whole.count > 0 ? static_cast<double>(amount.count) / static_cast<double>(whole.count) : 0;
    page->Line(fmt::format(
        "  {} {}{}  {} {}", page->Styled(style, Left(page->Name(name, label), label, page->utf8())),
        Right(shown, kAmount, page->utf8()),
        Right(Percent(amount, ledger.total), kPart, page->utf8()), Bar(fraction, bar, page->utf8()),
        page->Styled(Style::kDim, Fit(note, remark, page->utf8()))));
  };
  for (const ledger::Group& group : ledger.groups) {
    // A group of one line is that line.
    const bool headed = group.lines.size() > 1;
    const Style style = group.Overshoot() ? Style::kYellow : Style::kBold;
    if (headed) row(group.label, group.amount, FormatBytes(group.amount), Remark(group), style);
    const std::vector<std::size_t> small = SmallLines(ledger, group);
    Bytes folded;
    for (const std::size_t index : small) folded += ledger.lines[index].amount;
    for (const std::size_t index : group.lines) {
      if (std::find(small.begin(), small.end(), index) != small.end()) continue;
      const ledger::Line& line = ledger.lines[index];
      std::string remark = Remark(line);
      if (!headed && group.budget) remark = Remark(group);
      row((headed ? "  " : "") + (headed ? Within(group, line.label) : line.label), line.amount,
          FormatBytes(line.amount), remark,
          line.Overshoot() || (!headed && group.Overshoot()) ? Style::kYellow : Style::kPlain);
      std::string parts;
      for (const ledger::Part& part : line.parts)
        parts += (parts.empty() ? "" : ", ") + part.label + " " + FormatBytes(part.amount);
      if (!parts.empty()) page->Paragraph(parts, 6, 0, Style::kDim);
    }
    if (!small.empty())
      row(fmt::format("  {} more, each below 0.5 %", small.size()), folded, FormatBytes(folded), "",
          Style::kDim);
  }
  const bool closes =
      20 * (ledger.unexplained.count < 0 ? -ledger.unexplained : ledger.unexplained) <=
      ledger.total;
  if (ledger.basis != ledger::Basis::kMetrics)
    row("unexplained", ledger.unexplained, Signed(ledger.unexplained), "",
        closes ? Style::kDim : Style::kYellow);
  row(ledger.basis == ledger::Basis::kCharge     ? "charge"
      : ledger.basis == ledger::Basis::kResident ? "resident set"
                                                 : "together",
      ledger.total, FormatBytes(ledger.total),
      report.evidence.limit ? "of " + FormatBytes(report.evidence.limit->amount) : "",
      Style::kBold);
  for (const ledger::Group& group : ledger.groups) {
    if (const auto over = group.Overshoot())
      page->Paragraph(
          fmt::format("Over its budget by {}: {}, {} of {}, {}.", FormatBytes(*over), group.label,
                      FormatBytes(group.amount), FormatBytes(*group.budget), group.budget_source),
          2, 0, Style::kYellow);
  }
  for (const std::string& note : ledger.notes) page->Paragraph(note, 2, 0, Style::kDim);
}

}  // namespace wrackline::render
