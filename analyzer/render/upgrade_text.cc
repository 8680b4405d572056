#include <fmt/core.h>

#include "analyzer/render/model.h"

namespace wrackline::render {
namespace {

std::string Difference(Bytes change) {
  if (change.count == 0) return "same";
  return (change.count > 0 ? "+" : "") + FormatBytes(change);
}

void WriteTable(const flink::Upgrade& upgrade, Page* page) {
  const std::string before = FormatVersion(upgrade.before.version);
  const std::string after = FormatVersion(upgrade.after.version);
  page->Line(page->Styled(
      Style::kDim, fmt::format("  {:<22} {:>12} {:>12} {:>12}", "", before, after, "change")));
  const auto row = [&](std::string_view name, Bytes old_bytes, Bytes new_bytes, Style style) {
    page->Line(
        page->Styled(old_bytes == new_bytes ? Style::kDim : style,
                     fmt::format("  {:<22} {:>12} {:>12} {:>12}", name, FormatBytes(old_bytes),
                                 FormatBytes(new_bytes), Difference(new_bytes - old_bytes))));
  };
  for (std::size_t i = 0; i < upgrade.before.components.size(); ++i) {
    const flink::Component& component = upgrade.before.components[i];
    row(component.name, component.bytes, upgrade.after.components[i].bytes, Style::kPlain);
  }
  row("Total Flink Memory", upgrade.before.total_flink, upgrade.after.total_flink, Style::kBold);
  row("Total Process Memory", upgrade.before.total_process, upgrade.after.total_process,
      Style::kBold);
}

void WriteRefusal(const flink::ModelFacts& facts, Page* page) {
  page->Paragraph("Flink " + FormatVersion(facts.version) + " refuses this configuration:", 2, 2,
                  Style::kRed);
  page->Paragraph(facts.refused->message, 4, 0);
  page->Paragraph("What to do: " + facts.next_step, 4, 2);
}

}  // namespace

std::string RenderUpgradeText(const flink::Upgrade& upgrade, const std::string& source,
                              const std::vector<std::string>& notes, const TextOptions& options) {
  Page page(options);
  page.Line(page.Styled(
      Style::kBold,
      fmt::format(
          "From Flink {} to {}, {}, {}", FormatVersion(upgrade.before.version),
          FormatVersion(upgrade.after.version),
          upgrade.before.role == flink::Role::kTaskManager ? "TaskManager" : "JobManager",
          upgrade.before.mode == flink::Mode::kStandalone ? "standalone" : "containerized")));
  page.Paragraph(source, 0, 0, Style::kDim);
  for (const std::string& note : notes) page.Paragraph("- " + note, 0, 2, Style::kYellow);
  page.Blank();
  if (!upgrade.before.refused && !upgrade.after.refused) WriteTable(upgrade, &page);
  if (upgrade.before.refused) WriteRefusal(upgrade.before, &page);
  if (upgrade.after.refused) WriteRefusal(upgrade.after, &page);
  page.Heading("What changes for this configuration");
  if (upgrade.changes.empty()) page.Paragraph("Nothing that is known to concern memory.", 2);
  for (const flink::UpgradeChange& change : upgrade.changes) {
    page.Paragraph(fmt::format("{}.{}: {}", change.since.feature, change.since.minor, change.key) +
                       (change.breaks ? "  (stops working)" : ""),
                   2, 2, change.breaks ? Style::kRed : Style::kBold);
    page.Paragraph(change.what + ".", 6);
    page.Paragraph("What to do: " + change.step + ".", 6, 2, Style::kDim);
  }
  return page.Take();
}

}  // namespace wrackline::render
