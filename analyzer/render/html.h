// The report as a page: one self-contained HTML file that asks no network, for any browser of the last few years.
//
//   WriteFile(RenderHtml(report, moments), "report.html");
//
// What is shown is the JSON report (json.h) and, beside it, what a page can draw and a table cannot: the parts over the time,
// RocksDB by family over the time, and the live bytes of every stack (page_data.h). docs/html-report.md describes the page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/report/report.h"

namespace wrackline::render {

// What was live at an earlier moment of the recording (recorder/past.h).
struct PastProfile {
  evidence::Time time;
  std::vector<evidence::Site> sites;
  std::vector<evidence::ThreadGroup> thread_groups;
};

// How much of the stacks the page carries: the smallest beyond it are one frame together. With these the page stays below 3 MiB.
struct PageLimits {
  std::size_t nodes = 80'000;  // of the tree of frames, some 7 bytes each
  std::size_t rows = 40'000;   // of the first view, some 30 bytes each; the others have half of it
};

// Small, however long the recording and however many its stacks: what is thinned out is said on the page. Names from the recording
// are data all the way: nothing of them is markup.
std::string RenderHtml(const report::Report& report, const std::vector<PastProfile>& past,
                       const PageLimits& limits = {});

// JSON that may stand in a script element whatever its strings are: pure ASCII without <, > and &.
std::string EmbeddableJson(std::string_view json);

// The page without its data; its place is kPageDataMark.
std::string_view PageTemplate();
inline constexpr std::string_view kPageDataMark = "@WRACKLINE_DATA@";

}  // namespace wrackline::render
