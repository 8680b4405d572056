#include <fmt/core.h>

#include "analyzer/render/text_parts.h"

namespace wrackline::render {

void WriteProposal(const report::Report& report, Page* page) {
  if (!report.proposal_error.empty()) {
    page->Heading("What to set instead");
    page->Paragraph(report.proposal_error, 2);
    return;
  }
  if (!report.proposal) return;
  const sizing::Proposal& proposal = *report.proposal;
  page->Heading(proposal.fits ? "What to set instead" : "No settings fit this limit");
  page->Paragraph(proposal.summary, 2);
  for (const sizing::Change& change : proposal.changes) {
    const std::string value =
        change.new_value.empty() ? change.key + ": remove it"
        : change.old_value.empty()
            ? fmt::format("{}: {}", change.key, change.new_value)
            : fmt::format("{}: {}  (was {})", change.key, change.new_value, change.old_value);
    page->Paragraph(value, 4, 2, Style::kBold);
    if (!change.reason.empty()) page->Paragraph(change.reason, 8, 0, Style::kDim);
  }
  if (!proposal.arithmetic.empty()) page->Paragraph("The arithmetic:", 2);
  for (const std::string& step : proposal.arithmetic) page->Paragraph(step, 4, 2);
  for (const std::string& advice : proposal.advice) page->Paragraph("- " + advice, 2, 2);
}

}  // namespace wrackline::render
