#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/graph.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kAmount = 11, kPart = 8;

std::string Signed(Bytes amount) { return (amount.count > 0 ? "+" : "") + FormatBytes(amount); }

std::string Remark(const ledger::Line& line) {
  if (line.budget) return "of " + FormatBytes(*line.budget);
  if (line.standard_error && line.standard_error->count > 0)
    return "+- " + FormatBytes(*line.standard_error);
  if (line.confidence == ledger::Confidence::kUpperBound) return "at most";
  return "";
}

}  // namespace

void WriteLedger(const report::Report& report, Page* page) {
  if (!report.ledger) {
    page->Heading("Where the memory was");
    page->Paragraph(
        "Not known: the recording has neither the cgroup's charge nor the process's resident set.",
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
                              Elapsed(ledger.before_end), peak ? "end" : "last record"));
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
  for (const ledger::Line& line : ledger.lines)
    row(line.label, line.amount, FormatBytes(line.amount), Remark(line), Style::kPlain);
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
  for (const std::string& note : ledger.notes) page->Paragraph(note, 2, 0, Style::kDim);
}

}  // namespace wrackline::render
