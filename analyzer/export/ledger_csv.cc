#include <optional>
#include <string_view>
#include <vector>

#include "analyzer/export/formats.h"
#include "analyzer/render/inert.h"

namespace wrackline::exports {
namespace {

// A text's cell. Spreadsheets run what begins with one of these as a formula; the apostrophe makes them show it.
std::string Cell(std::string_view text) {
  std::string safe = render::Inert(text, true);
  const std::size_t first = safe.find_first_not_of(' ');
  if (first != std::string::npos &&
      std::string_view("=+-@|%").find(safe[first]) != std::string_view::npos)
    safe.insert(0, 1, '\'');
  if (safe.find_first_of(",\"'\r\n ") == std::string::npos) return safe;
  std::string quoted = "\"";
  for (const char c : safe) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

std::string Cell(const std::optional<Bytes>& amount) {
  return amount ? std::to_string(amount->count) : std::string();
}

void AddRow(const std::vector<std::string>& cells, std::string* out) {
  for (std::size_t i = 0; i < cells.size(); ++i) out->append(i == 0 ? "" : ",").append(cells[i]);
  *out += "\r\n";
}

}  // namespace

Result<std::string> LedgerCsv(const report::Report& report) {
  if (!report.ledger)
    return Error{"there is no ledger: neither the charge nor the resident set was recorded",
                 "export the samples instead: --format pprof"};
  const ledger::Ledger& ledger = *report.ledger;
  std::vector<const ledger::Group*> group_of(ledger.lines.size());
  for (const ledger::Group& group : ledger.groups)
    for (const std::size_t line : group.lines) group_of[line] = &group;
  std::string out;
  AddRow({"id", "label", "category", "group", "holder", "bytes", "budget", "overshoot",
          "group_budget", "source", "confidence", "standard_error"},
         &out);
  for (std::size_t i = 0; i < ledger.lines.size(); ++i) {
    const ledger::Line& line = ledger.lines[i];
    const ledger::Group* group = group_of[i];
    AddRow({Cell(line.id), Cell(line.label),
            group != nullptr ? Cell(ledger::Name(group->category)) : "",
            group != nullptr ? Cell(group->label) : "", Cell(ledger::Name(line.holder)),
            Cell(line.amount), Cell(line.budget), Cell(line.Overshoot()),
            group != nullptr ? Cell(group->budget) : "", Cell(line.source),
            Cell(ledger::Name(line.confidence)), Cell(line.standard_error)},
           &out);
  }
  // Metrics name a part of the process only: nothing closes their sum.
  if (ledger.basis != ledger::Basis::kMetrics)
    AddRow({"unexplained", "unexplained", "", "", "", Cell(ledger.unexplained), "", "", "",
            Cell("what closes the sum"), "derived", ""},
           &out);
  return out;
}

}  // namespace wrackline::exports
