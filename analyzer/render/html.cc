#include "analyzer/render/html.h"

#include <utility>

#include "analyzer/render/page_data.h"

namespace wrackline::render {
namespace {

constexpr int kPageSchema = 1;

}  // namespace

std::string EmbeddableJson(std::string_view json) {
  std::string safe;
  safe.reserve(json.size() + json.size() / 16);
  for (const char byte : json) {
    switch (byte) {
      case '<':
        safe += "\\u003c";
        break;
      case '>':
        safe += "\\u003e";
        break;
      case '&':
        safe += "\\u0026";
        break;
      default:
        safe += byte;
    }
  }
  return safe;
}

std::string RenderHtml(const report::Report& report, const std::vector<PastProfile>& past,
                       const PageLimits& limits) {
  Json data = {{"page", kPageSchema}};
  data["report"] = ReportJson(report);
  data["series"] = PageSeriesJson(report);
  data["profile"] = PageProfileJson(report.evidence, past, limits);
  // Pure ASCII: U+2028 and U+2029 are escaped by that too.
  const std::string json = EmbeddableJson(data.dump(-1, ' ', true, Json::error_handler_t::replace));
  const std::string_view page = PageTemplate();
  const std::size_t mark = page.find(kPageDataMark);
  std::string html;
  html.reserve(page.size() + json.size());
  html += page.substr(0, mark);
  html += json;
  html += page.substr(mark + kPageDataMark.size());
  return html;
}

}  // namespace wrackline::render
