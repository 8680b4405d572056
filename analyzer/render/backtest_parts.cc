#include "analyzer/render/backtest_parts.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "analyzer/render/text_parts.h"

namespace wrackline::render {

using sizing::BackTest;
using sizing::Death;
using sizing::Replay;

namespace {

std::string AfterStart(sizing::Milliseconds at) {
  // A record may lie: a century has room in every unit.
  constexpr sizing::Milliseconds kCentury = std::chrono::hours(24 * 36525);
  return Elapsed(std::chrono::duration_cast<evidence::Duration>(
      std::clamp(at, sizing::Milliseconds{}, kCentury)));
}

std::string Runs(std::size_t count) {
  return fmt::format("{} run{}", count, count == 1 ? "" : "s");
}

}  // namespace

std::vector<const Replay*> WorstOf(const BackTest& test) {
  std::vector<const Replay*> worst;
  worst.reserve(test.replays.size());
  for (const Replay& replay : test.replays) worst.push_back(&replay);
  std::stable_sort(worst.begin(), worst.end(), [](const Replay* a, const Replay* b) {
    const bool dies = a->death != Death::kNone;
    if (dies != (b->death != Death::kNone)) return dies;
    return a->headroom < b->headroom;
  });
  if (worst.size() > kMostRows) worst.resize(kMostRows);
  return worst;
}

std::size_t DeadOf(const BackTest& test) {
  return static_cast<std::size_t>(
      std::count_if(test.replays.begin(), test.replays.end(),
                    [](const Replay& replay) { return replay.death != Death::kNone; }));
}

std::string_view EndsBy(const BackTest& test, const Replay& replay) {
  switch (replay.death) {
    case Death::kLimit:
      return "limit";
    case Death::kHeap:
      return "heap";
    case Death::kDirectMemory:
      return "direct";
    case Death::kMetaspace:
      return "metaspace";
    case Death::kNone:
      break;
  }
  return replay.headroom < test.headroom_asked ? "too close" : "lives";
}

std::string Verdict(const BackTest& test) {
  const std::size_t dead = DeadOf(test);
  const std::size_t all = test.replays.size();
  if (dead > 0)
    return all == 1 ? "It would have died."
                    : fmt::format("{} of {} would have died.", dead, Runs(all));
  const std::string lives =
      all == 1 ? "It would have lived" : "All " + Runs(all) + " would have lived";
  if (test.survives)
    return fmt::format("{}: at least {} of {} stay free, {} were asked for.", lives,
                       FormatBytes(test.least_headroom), FormatBytes(test.limit),
                       FormatBytes(test.headroom_asked));
  return fmt::format("{}, but too close: {} of {} stay free, {} were asked for.", lives,
                     FormatBytes(test.least_headroom), FormatBytes(test.limit),
                     FormatBytes(test.headroom_asked));
}

std::string When(const Replay& replay) {
  return replay.died_at ? AfterStart(*replay.died_at) : std::string();
}

std::string HowItEnds(const BackTest& test, const Replay& replay) {
  const std::string peak =
      fmt::format("{} of {}", FormatBytes(replay.peak), FormatBytes(test.limit));
  if (replay.death == Death::kNone)
    return fmt::format("It comes closest {} after its start: {}, {} stay free.",
                       AfterStart(replay.peak_at), peak, FormatBytes(replay.headroom));
  const std::string when = When(replay) + " after its start";
  switch (replay.death) {
    case Death::kHeap:
      return "java.lang.OutOfMemoryError: Java heap space " + when +
             ": more is live than the heap of " + FormatBytes(test.memory.JvmHeap()) + " holds.";
    case Death::kMetaspace:
      return "java.lang.OutOfMemoryError: Metaspace " + when + ": it may be " +
             FormatBytes(test.memory.jvm_metaspace) + ".";
    case Death::kDirectMemory:
      return "java.lang.OutOfMemoryError: Direct buffer memory " + when + ": it may be " +
             FormatBytes(test.memory.JvmDirect()) + ".";
    case Death::kLimit:
    case Death::kNone:
      break;
  }
  return fmt::format("The kernel kills it {}: it needs {}, {} too much.", when, peak,
                     FormatBytes(-replay.headroom));
}

std::vector<std::pair<std::string, std::size_t>> AssumptionsOf(const BackTest& test) {
  std::map<std::string_view, std::size_t> runs;
  std::vector<std::pair<std::string, std::size_t>> said;
  for (const Replay& replay : test.replays) {
    for (const std::string& assumption : replay.assumptions) {
      if (runs[assumption]++ == 0) said.emplace_back(assumption, 0);
    }
  }
  for (auto& [assumption, count] : said) count = runs[assumption];
  std::stable_sort(said.begin(), said.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return said;
}

std::string OfRuns(const BackTest& test, std::size_t runs) {
  return test.replays.size() == 1 ? std::string() : " (" + Runs(runs) + ")";
}

}  // namespace wrackline::render
