// A back-test as text, Markdown and JSON.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "analyzer/render/backtest.h"

namespace wrackline::render {
namespace {

using sizing::BackTest;
using sizing::Death;
using sizing::Milliseconds;
using sizing::Replay;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Replay ALivingOne(const std::string& run, Bytes peak) {
  Replay replay;
  replay.run = run;
  replay.peak = peak;
  replay.peak_at = std::chrono::seconds(65);
  replay.headroom = kGiB - peak;
  replay.parts = {{"heap", 100 * kMiB, 120 * kMiB},
                  {"metaspace", 50 * kMiB, 50 * kMiB},
                  {"direct and network", 80 * kMiB, 80 * kMiB},
                  {"rocksdb", 200 * kMiB, 210 * kMiB},
                  {"rest", 300 * kMiB, peak - 460 * kMiB}};
  return replay;
}

Replay Dead(const std::string& run, Death death, Bytes peak) {
  Replay replay = ALivingOne(run, peak);
  replay.death = death;
  replay.died_at = std::chrono::seconds(99);
  return replay;
}

BackTestView View(std::vector<Replay> replays, Bytes asked = 100 * kMiB) {
  BackTestView view;
  view.source = "conf/config.yaml";
  view.version = "1.20.3";
  view.limit_from = "--limit";
  BackTest& test = view.test;
  test.limit = kGiB;
  test.headroom_asked = asked;
  test.memory.framework_heap = 128 * kMiB;
  test.memory.task_heap = 128 * kMiB;
  test.memory.task_off_heap = 96 * kMiB;
  test.memory.jvm_metaspace = 64 * kMiB;
  test.least_headroom = kGiB;
  test.survives = true;
  for (const Replay& replay : replays) {
    test.least_headroom = std::min(test.least_headroom, replay.headroom);
    test.survives = test.survives && replay.death == Death::kNone && replay.headroom >= asked;
  }
  test.replays = std::move(replays);
  return view;
}

std::string Text(const BackTestView& view) { return RenderBackTestText(view, {140, false, true}); }

TEST(BackTestRender, OneThatLives) {
  const std::string text = Text(View({ALivingOne("tm-1", 900 * kMiB)}));
  EXPECT_THAT(text, HasSubstr("Back-test: conf/config.yaml under Flink 1.20.3, limit 1.00 GiB"));
  EXPECT_THAT(text, HasSubstr("It would have lived: at least 124.0 MiB of 1.00 GiB stay free"));
  EXPECT_THAT(text, HasSubstr("It comes closest 1 min 5 s after its start: 900.0 MiB of 1.00 GiB"));
  EXPECT_THAT(text, HasSubstr("rocksdb                  200.0 MiB     210.0 MiB"));
  EXPECT_THAT(text, Not(HasSubstr("What was not recorded")));
}

TEST(BackTestRender, OneThatComesTooClose) {
  const std::string text = Text(View({ALivingOne("tm-1", 930 * kMiB)}));
  EXPECT_THAT(text, HasSubstr("but too close: 94.0 MiB of 1.00 GiB stay free, 100.0 MiB were"));
  EXPECT_THAT(text, HasSubstr("too close"));
}

TEST(BackTestRender, TheWorstComesFirst) {
  const std::string text =
      Text(View({ALivingOne("tm-1", 930 * kMiB), Dead("tm-2", Death::kLimit, 1100 * kMiB),
                 Dead("tm-3", Death::kHeap, 500 * kMiB)}));
  EXPECT_THAT(text, HasSubstr("2 of 3 runs would have died."));
  EXPECT_LT(text.find("tm-2"), text.find("tm-3"));
  EXPECT_LT(text.find("tm-3"), text.find("tm-1"));
  EXPECT_THAT(text, HasSubstr("The worst run, tm-2:"));
  EXPECT_THAT(text,
              HasSubstr("The kernel kills it 1 min 39 s after its start: it needs 1.07 GiB of "
                        "1.00 GiB, 76.0 MiB too"));
}

TEST(BackTestRender, TheVmsOwnEnds) {
  EXPECT_THAT(Text(View({Dead("x", Death::kHeap, kMiB)})),
              AllOf(HasSubstr("Java heap space"), HasSubstr("the heap of 256.0 MiB")));
  EXPECT_THAT(Text(View({Dead("x", Death::kDirectMemory, kMiB)})),
              AllOf(HasSubstr("Direct buffer memory"), HasSubstr("it may be 96.0 MiB")));
  EXPECT_THAT(Text(View({Dead("x", Death::kMetaspace, kMiB)})),
              AllOf(HasSubstr("OutOfMemoryError: Metaspace"), HasSubstr("it may be 64.0 MiB")));
}

TEST(BackTestRender, ManyRuns) {
  std::vector<Replay> replays;
  for (int i = 0; i < 1000; ++i) {
    replays.push_back(ALivingOne("tm-" + std::to_string(i), (500 + i % 100) * kMiB));
    replays.back().assumptions = {"said by all"};
    if (i < 7) replays.back().assumptions.emplace_back("said by a few");
    if (i % 50 == 0) replays.back().assumptions.push_back("said by " + std::to_string(i));
  }
  const BackTestView view = View(std::move(replays));
  const std::string text = Text(view);
  EXPECT_THAT(text, AllOf(HasSubstr("All 1000 runs would have lived"),
                          HasSubstr("the worst 20 of 1000 runs"),
                          HasSubstr("said by all (1000 runs)"), HasSubstr("said by a few (7 runs)"),
                          HasSubstr("10 more (--format json has all)")));
  const nlohmann::json json = nlohmann::json::parse(RenderBackTestJson(view));
  EXPECT_EQ(json["backtest"]["replays"].size(), 1000U);
  EXPECT_EQ(json["backtest"]["replays"][7]["run"], "tm-7");
}

TEST(BackTestRender, LinesFitThePage) {
  BackTestView view = View({ALivingOne(std::string(300, 'x'), 900 * kMiB),
                            Dead("tm-2", Death::kMetaspace, 1100 * kMiB)});
  view.test.replays[0].assumptions = {"a sentence " + std::string(60, 'y') + " that is long"};
  for (const std::size_t width : {60U, 80U, 140U}) {
    std::istringstream text(RenderBackTestText(view, {width, false, false}));
    for (std::string line; std::getline(text, line);)
      EXPECT_LE(line.size(), std::max<std::size_t>(width, 72)) << line;
  }
}

TEST(BackTestRender, Json) {
  BackTestView view = View({Dead("tm-2", Death::kDirectMemory, 900 * kMiB)});
  view.notes = {"a note"};
  view.test.replays[0].assumptions = {"something"};
  const nlohmann::json json = nlohmann::json::parse(RenderBackTestJson(view));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["configuration"], "conf/config.yaml");
  EXPECT_EQ(json["notes"][0], "a note");
  const nlohmann::json& test = json["backtest"];
  EXPECT_EQ(test["survives"], false);
  EXPECT_EQ(test["limit"], kGiB.count);
  EXPECT_EQ(test["headroom_asked"], 100 * kMiB.count);
  EXPECT_EQ(test["memory"]["task_offheap"], 96 * kMiB.count);
  const nlohmann::json& replay = test["replays"][0];
  EXPECT_EQ(replay["lives"], false);
  EXPECT_EQ(replay["death"], "direct_memory");
  EXPECT_EQ(replay["died_at_ms"], 99000);
  EXPECT_EQ(replay["peak_at_ms"], 65000);
  EXPECT_EQ(replay["parts"].size(), 5U);
  EXPECT_EQ(replay["parts"][3]["predicted"], 210 * kMiB.count);
  EXPECT_EQ(replay["assumptions"][0], "something");
  EXPECT_FALSE(nlohmann::json::parse(
                   RenderBackTestJson(View({ALivingOne("x", kMiB)})))["backtest"]["replays"][0]
                   .contains("died_at_ms"));
}

TEST(BackTestRender, Markdown) {
  BackTestView view =
      View({Dead("tm|1`<b>\n", Death::kLimit, 1100 * kMiB), ALivingOne("tm-2", 900 * kMiB)});
  view.test.replays[0].assumptions = {"one thing"};
  const std::string markdown = RenderBackTestMarkdown(view);
  EXPECT_THAT(markdown, HasSubstr("### Back-test: conf/config.yaml under Flink 1.20.3"));
  EXPECT_THAT(markdown, HasSubstr("**Does not hold.** **1 of 2 runs would have died.**"));
  EXPECT_THAT(markdown, HasSubstr("| tm\\|1\\`\\<b\\>\\\\x0a | limit | 1 min 39 s | 1.07 GiB |"));
  EXPECT_THAT(markdown, HasSubstr("| rocksdb | 200.0 MiB | 210.0 MiB |"));
  EXPECT_THAT(markdown, HasSubstr("<details>"));
  EXPECT_THAT(markdown, HasSubstr("- one thing (1 run)"));
}

// No number of a record makes a renderer fail.
TEST(BackTestRender, HostileTimes) {
  Replay replay = Dead("\x1b[2J", Death::kLimit, 1100 * kMiB);
  for (const Milliseconds at : {Milliseconds::max(), Milliseconds::min()}) {
    replay.died_at = at;
    replay.peak_at = at;
    const BackTestView view = View({replay});
    EXPECT_THAT(Text(view), AllOf(HasSubstr("limit"), Not(HasSubstr("\x1b"))));
    EXPECT_FALSE(RenderBackTestMarkdown(view).empty());
    EXPECT_FALSE(RenderBackTestJson(view).empty());
  }
}

}  // namespace
}  // namespace wrackline::render
