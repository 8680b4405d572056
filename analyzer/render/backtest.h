// A back-test for people, for a pull request and for programs. Form and words: docs/backtest.md. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "analyzer/render/json_parts.h"
#include "analyzer/render/page.h"
#include "analyzer/sizing/backtest.h"

namespace wrackline::render {

struct BackTestView {
  sizing::BackTest test;
  std::string source;      // of the configuration: "conf/config.yaml"
  std::string version;     // of Flink
  std::string limit_from;  // "--limit", "the manifest's", "its process size"
  std::vector<std::string> notes;
};

std::string RenderBackTestText(const BackTestView& view, const TextOptions& options);
std::string RenderBackTestMarkdown(const BackTestView& view);
// Every run, in their order, with its parts and its assumptions.
std::string RenderBackTestJson(const BackTestView& view);

// The same as part of a larger answer.
Json BackTestJson(const sizing::BackTest& test);
void WriteBackTest(const sizing::BackTest& test, Page* page);
std::string BackTestMarkdown(const sizing::BackTest& test);

}  // namespace wrackline::render
