#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/backtest.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/proposal_parts.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using sizing::Proposal;

void WriteComponents(const Proposal& proposal, Page* page) {
  if (proposal.components.empty()) return;
  constexpr std::size_t kName = 18;
  page->Blank();
  page->Line(fmt::format("  {:<{}}  {:>10}  {:>10}  {:>10}  {:>10}", "component", kName, "seen",
                         "needs", "before", "after"));
  for (const sizing::ComponentRow& row : proposal.components) {
    const std::string text =
        fmt::format("  {}  {:>10}  {:>10}  {:>10}  {:>10}",
                    Left(page->Name(row.name, kName), kName, page->utf8()),
                    row.peak ? FormatBytes(*row.peak) : "not known", FormatBytes(row.need),
                    FormatBytes(row.before), FormatBytes(row.after));
    page->Line(row.after == row.before ? text : page->Styled(Style::kBold, text));
  }
  if (proposal.backtest)
    page->Line(fmt::format("  {:<{}}  {:>10}  {:>10}  {:>10}  {:>10}", "process", kName, "", "", "",
                           FormatBytes(proposal.backtest->memory.total_process)));
  page->Blank();
  for (const sizing::ComponentRow& row : proposal.components) {
    if (!row.reason.empty()) page->Paragraph(row.name + ": " + row.reason, 2, 2, Style::kDim);
  }
  page->Blank();
}

// As `diff` would have it of the configuration, each change with its reason.
void WriteChanges(const Proposal& proposal, Page* page) {
  // Never cut: it may be pasted.
  const auto line = [&](char sign, const std::string& key, const std::string& value, Style style) {
    page->Paragraph(fmt::format("{} {}: {}", sign, key, value), 2, 4, style);
  };
  for (const sizing::Change& change : proposal.changes) {
    if (!change.old_value.empty()) line('-', change.key, change.old_value, Style::kRed);
    if (!change.new_value.empty()) line('+', change.key, change.new_value, Style::kGreen);
    if (change.new_value.empty() && change.old_value.empty())
      page->Paragraph(change.key + ": remove it", 2, 2, Style::kRed);
    if (!change.reason.empty()) page->Paragraph(change.reason, 6, 0, Style::kDim);
  }
  if (proposal.kept.empty()) return;
  page->Paragraph("These stay:", 2, 2, Style::kDim);
  for (const sizing::Kept& kept : proposal.kept)
    page->Paragraph(fmt::format("{}: {}  {}", kept.key, kept.value, kept.reason), 4, 2,
                    Style::kDim);
}

void WriteProposal(const Proposal& proposal, Page* page) {
  page->Heading(proposal.fits ? "What to set instead" : "No settings fit this limit");
  page->Paragraph(proposal.summary, 2);
  WriteComponents(proposal, page);
  WriteChanges(proposal, page);
  if (proposal.backtest) {
    page->Blank();
    page->Paragraph("What was recorded, under these settings:", 2, 0, Style::kBold);
    WriteBackTest(*proposal.backtest, page);
    page->Blank();
  }
  if (!proposal.arithmetic.empty()) page->Paragraph("The arithmetic:", 2);
  for (const std::string& step : proposal.arithmetic) page->Paragraph(step, 4, 2);
  for (const std::string& advice : proposal.advice) page->Paragraph("- " + advice, 2, 2);
}

}  // namespace

void WriteProposal(const report::Report& report, Page* page) {
  if (!report.proposal_error.empty()) {
    page->Heading("What to set instead");
    page->Paragraph(report.proposal_error, 2);
    return;
  }
  if (report.proposal) WriteProposal(*report.proposal, page);
}

std::string ProposalText(const Proposal& proposal, const TextOptions& options) {
  Page page(options);
  WriteProposal(proposal, &page);
  return page.Take();
}

}  // namespace wrackline::render
