#include <fmt/core.h>

#include <algorithm>

#include "analyzer/export/formats.h"
#include "analyzer/render/markdown.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::exports {
namespace {

using render::MarkdownCode;
using render::MarkdownText;

constexpr std::size_t kSites = 10, kFamilies = 30, kFindings = 10;

std::string Amount(const std::optional<Bytes>& amount) {
  return amount ? FormatBytes(*amount) : std::string();
}

void AddFacts(const report::Report& report, std::string* out) {
  const evidence::Evidence& evidence = report.evidence;
  const std::string& path = evidence.process.executable;
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!name.empty())
    *out += fmt::format("- Process: {}, pid {} on {}\n", MarkdownText(name), evidence.process.pid,
                        MarkdownText(evidence.process.host));
  if (evidence.limit)
    *out += fmt::format("- Limit: {} ({})\n", FormatBytes(evidence.limit->amount),
                        MarkdownText(evidence.limit->origin));
  if (evidence.peak_charge)
    *out += fmt::format("- Peak: {}\n", FormatBytes(evidence.peak_charge->amount));
  if (evidence.recorded && evidence.Lifetime().count() > 0)
    *out += fmt::format("- Recorded for {}\n", render::Elapsed(evidence.Lifetime()));
  for (const std::string& why : report.diagnosis.outcome_evidence)
    *out += "- " + MarkdownText(why) + "\n";
  *out += '\n';
}

void AddLedger(const ledger::Ledger& ledger, std::string* out) {
  *out +=
      "## Where the memory was\n\n| | held | share | budget | overshoot |\n|---|--:|--:|--:|--:|\n";
  const auto row = [&](const std::string& label, Bytes amount, const std::string& budget,
                       const std::string& overshoot) {
    *out += fmt::format("| {} | {} | {} | {} | {} |\n", label, FormatBytes(amount),
                        render::Percent(amount, ledger.total), budget, overshoot);
  };
  for (const ledger::Group& group : ledger.groups) {
    row("**" + MarkdownText(group.label) + "**", group.amount, Amount(group.budget),
        Amount(group.Overshoot()));
    std::size_t small = 0;
    Bytes small_bytes;
    for (const std::size_t index : group.lines) {
      const ledger::Line& line = ledger.lines[index];
      // A group of one line says it all.
      if (group.lines.size() == 1 && line.label == group.label) continue;
      if (200 * line.amount < ledger.total && !line.Overshoot()) {
        ++small;
        small_bytes += line.amount;
        continue;
      }
      row("&nbsp;&nbsp;" + MarkdownText(line.label), line.amount, Amount(line.budget),
          Amount(line.Overshoot()));
    }
    if (small > 0 && group.lines.size() > 1)
      row(fmt::format("&nbsp;&nbsp;{} more, each below 0.5 %", small), small_bytes, "", "");
  }
  if (ledger.basis != ledger::Basis::kMetrics) row("unexplained", ledger.unexplained, "", "");
  row("**" + std::string(ledger.basis == ledger::Basis::kCharge ? "charge" : "total") + "**",
      ledger.total, "", "");
  *out += '\n';
  for (const std::string& note : ledger.notes) *out += "- " + MarkdownText(note) + "\n";
  if (!ledger.notes.empty()) *out += '\n';
}

void AddFindings(const diagnosis::Diagnosis& diagnosis, std::string* out) {
  if (diagnosis.findings.empty()) return;
  *out += "## Findings\n\n";
  std::size_t shown = 0;
  for (const diagnosis::Finding& finding : diagnosis.findings) {
    if (++shown > kFindings) break;
    *out += fmt::format("{}. {} ({}, confidence {})\n", shown, MarkdownText(finding.summary),
                        Name(finding.role), Name(finding.confidence));
    for (const auto* list : {&finding.evidence, &finding.against, &finding.advice})
      for (const std::string& line : *list)
        *out += std::string(list == &finding.advice    ? "    - Do: "
                            : list == &finding.against ? "    - Against: "
                                                       : "    - ") +
                MarkdownText(line) + "\n";
  }
  *out += '\n';
}

void AddFamilies(const evidence::RocksDb& rocksdb, std::string* out) {
  if (rocksdb.families.empty()) return;
  *out +=
      "## RocksDB by column family\n\n| family | database | memtables | peak | write buffer | "
      "table readers |"
      " cached blocks |\n|---|---|--:|--:|--:|--:|--:|\n";
  std::vector<const evidence::RocksDbFamily*> families;
  for (const evidence::RocksDbFamily& family : rocksdb.families) families.push_back(&family);
  std::stable_sort(families.begin(), families.end(), [](const auto* a, const auto* b) {
    return a->all_memtables.value_or(Bytes{}) > b->all_memtables.value_or(Bytes{});
  });
  for (std::size_t i = 0; i < std::min(families.size(), kFamilies); ++i) {
    const evidence::RocksDbFamily& family = *families[i];
    *out += fmt::format(
        "| {} | {} | {} | {} | {} | {} | {} |\n", MarkdownText(family.name),
        MarkdownText(family.database), Amount(family.all_memtables), Amount(family.memtables_peak),
        Amount(family.write_buffer_size), Amount(family.table_readers),
        family.cached_blocks ? FormatBytes(family.cached_blocks->Total()) : std::string());
  }
  *out += '\n';
  if (families.size() > kFamilies)
    *out += fmt::format("{} more families are left out.\n\n", families.size() - kFamilies);
}

void AddSites(const std::vector<evidence::Site>& sites, std::string* out) {
  if (sites.empty() || sites.front().live.count <= 0) return;
  *out +=
      "## Top allocation sites\n\n| site | live | +- | allocated | library "
      "|\n|---|--:|--:|--:|---|\n";
  for (std::size_t i = 0; i < std::min(sites.size(), kSites); ++i) {
    const evidence::Site& site = sites[i];
    if (site.live.count <= 0) break;
    const evidence::SiteFrame frame =
        site.frames.empty() ? evidence::SiteFrame{} : site.frames[site.label];
    *out += fmt::format("| {} | {} | {} | {} | {} |\n", MarkdownCode(NameOf(frame)),
                        FormatBytes(site.live), FormatBytes(site.standard_error),
                        FormatBytes(site.allocated),
                        frame.java ? std::string("Java") : MarkdownText(frame.module));
  }
  *out += '\n';
}

void AddLosses(const report::Report& report, std::string* out) {
  const evidence::Evidence& evidence = report.evidence;
  std::vector<std::string> lines;
  for (const evidence::Loss& loss : evidence.losses)
    if (loss.count > 0)
      lines.push_back(fmt::format("{}: {}", loss.count, MarkdownText(loss.meaning)));
  if (!evidence.damage.empty()) lines.push_back(MarkdownText(evidence.damage));
  if (lines.empty()) return;
  *out += "## What was lost\n\n";
  for (const std::string& line : lines) *out += "- " + line + "\n";
  *out += '\n';
}

}  // namespace

std::string ReportMarkdown(const report::Report& report) {
  std::string out = "# Memory report\n\n**" + MarkdownText(report.diagnosis.verdict) + "**\n\n";
  AddFacts(report, &out);
  if (report.ledger) AddLedger(*report.ledger, &out);
  AddFindings(report.diagnosis, &out);
  if (report.evidence.rocksdb) AddFamilies(*report.evidence.rocksdb, &out);
  AddSites(report.evidence.sites, &out);
  if (report.proposal)
    out += "## What to set instead\n\n" + render::ProposalMarkdown(*report.proposal) + "\n";
  AddLosses(report, &out);
  while (out.size() > 1 && out[out.size() - 2] == '\n') out.pop_back();
  return out;
}

}  // namespace wrackline::exports
