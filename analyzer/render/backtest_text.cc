#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/backtest.h"
#include "analyzer/render/backtest_parts.h"
#include "analyzer/render/inert.h"

namespace wrackline::render {
namespace {

using sizing::BackTest;
using sizing::Death;
using sizing::Replay;

constexpr std::size_t kMostAssumptions = 12;

Style StyleOf(const BackTest& test, const Replay& replay) {
  if (replay.death != Death::kNone) return Style::kRed;
  return replay.headroom < test.headroom_asked ? Style::kYellow : Style::kPlain;
}

void WriteRuns(const BackTest& test, Page* page) {
  const std::vector<const Replay*> worst = WorstOf(test);
  constexpr std::size_t kOthers = 2 + 10 + 14 + 12 + 12;
  const std::size_t columns = std::max<std::size_t>(page->width(), kOthers + 20) - kOthers;
  const auto row = [&](Style style, std::string_view name, std::string_view ends,
                       std::string_view when, std::string_view peak, std::string_view headroom) {
    page->Line(page->Styled(
        style, fmt::format("  {}{:>10}{:>14}{:>12}{:>12}", Left(name, columns, page->utf8()), ends,
                           when, peak, headroom)));
  };
  row(Style::kDim, "run", "ends by", "after", "peak", "headroom");
  for (const Replay* replay : worst)
    row(StyleOf(test, *replay), page->Name(replay->run, columns), EndsBy(test, *replay),
        When(*replay), FormatBytes(replay->peak), FormatBytes(replay->headroom));
  if (worst.size() < test.replays.size())
    page->Paragraph(fmt::format("the worst {} of {} runs (--format json has all)", worst.size(),
                                test.replays.size()),
                    2, 0, Style::kDim);
}

void WriteParts(const BackTest& test, const Replay& replay, Page* page) {
  const auto row = [&](Style style, std::string_view name, const std::string& recorded,
                       const std::string& predicted) {
    page->Line(page->Styled(style, fmt::format("  {:<20}{:>14}{:>14}", name, recorded, predicted)));
  };
  row(Style::kDim, "", "recorded", "predicted");
  Bytes recorded, predicted;
  for (const Replay::Part& part : replay.parts) {
    row(Style::kPlain, part.name, FormatBytes(part.recorded), FormatBytes(part.predicted));
    recorded += part.recorded;
    predicted += part.predicted;
  }
  row(Style::kBold, "working set", FormatBytes(recorded), FormatBytes(predicted));
  row(Style::kBold, "limit", "", FormatBytes(test.limit));
}

}  // namespace

void WriteBackTest(const BackTest& test, Page* page) {
  page->Paragraph(Verdict(test), 2, 0,
                  test.survives       ? Style::kGreen
                  : DeadOf(test) == 0 ? Style::kYellow
                                      : Style::kRed);
  page->Blank();
  WriteRuns(test, page);
  const Replay& worst = *WorstOf(test).front();
  page->Blank();
  if (test.replays.size() > 1) page->Paragraph("The worst run, " + worst.run + ":", 2);
  page->Paragraph(HowItEnds(test, worst), 2);
  WriteParts(test, worst, page);
  const auto assumptions = AssumptionsOf(test);
  if (assumptions.empty()) return;
  page->Blank();
  page->Paragraph("What was not recorded, and what stands in for it:", 2);
  for (std::size_t i = 0; i < std::min(kMostAssumptions, assumptions.size()); ++i)
    page->Paragraph("- " + assumptions[i].first + OfRuns(test, assumptions[i].second), 2, 2);
  if (assumptions.size() > kMostAssumptions)
    page->Paragraph(
        fmt::format("- {} more (--format json has all)", assumptions.size() - kMostAssumptions), 2,
        2);
}

std::string RenderBackTestText(const BackTestView& view, const TextOptions& options) {
  Page page(options);
  const BackTest& test = view.test;
  page.Paragraph(fmt::format("Back-test: {} under Flink {}, limit {} ({})", view.source,
                             view.version, FormatBytes(test.limit), view.limit_from),
                 0, 2, Style::kBold);
  for (const std::string& note : view.notes) page.Paragraph("- " + note, 0, 2, Style::kYellow);
  page.Blank();
  WriteBackTest(test, &page);
  return page.Take();
}

}  // namespace wrackline::render
