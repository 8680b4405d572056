// The report as a page: one self-contained HTML file that asks no network, for any browser of the last few years.
//
//   WriteFile(RenderHtml(report, moments), "report.html");
//
// What is shown is the JSON report (json.h) and, beside it, what a page can draw and a table cannot: the parts over the time,
// RocksDB by family over the time, and the live bytes of every stack (page_data.h). docs/html-report.md describes the page.
#pragma once

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

// At most some 3 MiB, however long the recording and however many its stacks: what is thinned out says so. Names from the recording
// are data all the way: nothing of them is markup.
std::string RenderHtml(const report::Report& report, const std::vector<PastProfile>& past);

// JSON that may stand in a script element whatever its strings are: pure ASCII without <, > and &.
std::string EmbeddableJson(std::string json);

// The page without its data; its place is kPageDataMark.
std::string_view PageTemplate();
inline constexpr std::string_view kPageDataMark = "@WRACKLINE_DATA@";

}  // namespace wrackline::render
