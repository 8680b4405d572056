#include <fmt/core.h>

#include <vector>

#include "analyzer/render/backtest.h"
#include "analyzer/render/markdown.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/proposal_parts.h"

namespace wrackline::render {
namespace {

using sizing::Proposal;

void AddComponents(const Proposal& proposal, std::string* out) {
  if (proposal.components.empty()) return;
  *out +=
      "### Components\n\n| component | seen | needs | before | after | why |\n"
      "|---|--:|--:|--:|--:|---|\n";
  for (const sizing::ComponentRow& row : proposal.components)
    *out += fmt::format(
        "| {} | {} | {} | {} | {} | {} |\n", MarkdownText(row.name),
        row.peak ? FormatBytes(*row.peak) : "not known", FormatBytes(row.need),
        FormatBytes(row.before),
        row.after == row.before ? FormatBytes(row.after) : "**" + FormatBytes(row.after) + "**",
        MarkdownText(row.reason));
  if (proposal.backtest)
    *out += fmt::format("| **process** | | | | **{}** | of a limit of {} |\n",
                        FormatBytes(proposal.backtest->memory.total_process),
                        FormatBytes(proposal.backtest->limit));
  *out += '\n';
}

void AddChanges(const Proposal& proposal, std::string* out) {
  if (proposal.changes.empty()) return;
  *out += "### Changes\n\n| key | before | after | why |\n|---|---|---|---|\n";
  for (const sizing::Change& change : proposal.changes)
    *out += fmt::format("| {} | {} | {} | {} |\n", MarkdownCode(change.key),
                        change.old_value.empty() ? "*not set*" : MarkdownCode(change.old_value),
                        change.new_value.empty() ? "*remove it*" : MarkdownCode(change.new_value),
                        MarkdownText(change.reason));
  *out += '\n';
}

void AddFolded(const char* title, const std::vector<std::string>& lines, std::string* out) {
  if (lines.empty()) return;
  *out += fmt::format("<details><summary>{}</summary>\n\n", title);
  for (const std::string& line : lines) *out += "- " + line + "\n";
  *out += "\n</details>\n\n";
}

}  // namespace

std::string ProposalMarkdown(const Proposal& proposal) {
  std::string out =
      fmt::format("**{}** {}\n\n", VerdictOf(proposal), MarkdownText(proposal.summary));
  AddComponents(proposal, &out);
  AddChanges(proposal, &out);
  if (proposal.backtest) out += "### Back-test\n\n" + BackTestMarkdown(*proposal.backtest) + "\n";
  if (!proposal.advice.empty()) {
    out += "### Also\n\n";
    for (const std::string& advice : proposal.advice) out += "- " + MarkdownText(advice) + "\n";
    out += '\n';
  }
  std::vector<std::string> lines;
  for (const std::string& step : proposal.arithmetic) lines.push_back(MarkdownText(step));
  AddFolded("The arithmetic", lines, &out);
  lines.clear();
  for (const sizing::Kept& kept : proposal.kept)
    lines.push_back(MarkdownCode(kept.key + ": " + kept.value) + ": " + MarkdownText(kept.reason));
  AddFolded("What stays as it is", lines, &out);
  while (out.size() > 1 && out[out.size() - 2] == '\n') out.pop_back();
  return out;
}

}  // namespace wrackline::render
