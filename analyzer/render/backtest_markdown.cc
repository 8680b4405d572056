#include <fmt/core.h>

#include "analyzer/render/backtest.h"
#include "analyzer/render/backtest_parts.h"
#include "analyzer/render/markdown.h"

namespace wrackline::render {
namespace {

using sizing::BackTest;
using sizing::Replay;

}  // namespace

std::string BackTestMarkdown(const BackTest& test) {
  std::string out = (test.survives ? "**" : "**Does not hold.** **") + Verdict(test) + "**\n\n";
  const std::vector<const Replay*> worst = WorstOf(test);
  out += "| run | ends by | after | peak | headroom |\n|---|---|--:|--:|--:|\n";
  for (const Replay* replay : worst)
    out += fmt::format("| {} | {} | {} | {} | {} |\n", MarkdownText(replay->run),
                       EndsBy(test, *replay), When(*replay), FormatBytes(replay->peak),
                       FormatBytes(replay->headroom));
  if (worst.size() < test.replays.size())
    out += fmt::format("\nThe worst {} of {} runs.\n", worst.size(), test.replays.size());
  const Replay& first = *worst.front();
  out += "\n";
  if (test.replays.size() > 1) out += "The worst run, " + MarkdownText(first.run) + ": ";
  out += HowItEnds(test, first) + "\n\n| part | recorded | predicted |\n|---|--:|--:|\n";
  Bytes recorded, predicted;
  for (const Replay::Part& part : first.parts) {
    out += fmt::format("| {} | {} | {} |\n", part.name, FormatBytes(part.recorded),
                       FormatBytes(part.predicted));
    recorded += part.recorded;
    predicted += part.predicted;
  }
  out += fmt::format("| **working set** | **{}** | **{}** |\n| **limit** | | **{}** |\n",
                     FormatBytes(recorded), FormatBytes(predicted), FormatBytes(test.limit));
  const auto assumptions = AssumptionsOf(test);
  if (assumptions.empty()) return out;
  out += "\n<details><summary>What was not recorded, and what stands in for it</summary>\n\n";
  constexpr std::size_t kMost = 50;
  for (std::size_t i = 0; i < assumptions.size() && i < kMost; ++i)
    out += "- " + MarkdownText(assumptions[i].first) + OfRuns(test, assumptions[i].second) + "\n";
  if (assumptions.size() > kMost) out += fmt::format("- {} more\n", assumptions.size() - kMost);
  return out + "\n</details>\n";
}

std::string RenderBackTestMarkdown(const BackTestView& view) {
  std::string out =
      fmt::format("### Back-test: {} under Flink {}, limit {} ({})\n\n", MarkdownText(view.source),
                  view.version, FormatBytes(view.test.limit), view.limit_from);
  for (const std::string& note : view.notes) out += "- " + MarkdownText(note) + "\n";
  if (!view.notes.empty()) out += "\n";
  return out + BackTestMarkdown(view.test);
}

}  // namespace wrackline::render
