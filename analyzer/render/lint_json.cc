#include <nlohmann/json.hpp>

#include "analyzer/render/lint.h"

namespace wrackline::render {
namespace {

using Json = nlohmann::ordered_json;
using flink::lint::Finding;

Json FindingJson(const Finding& finding) {
  Json json{{"rule", finding.rule},
            {"severity", SeverityName(finding.severity)},
            {"file", finding.at.file}};
  if (finding.at.line > 0) json["line"] = finding.at.line;
  if (finding.at.column > 0) json["column"] = finding.at.column;
  if (finding.at.length > 0) json["length"] = finding.at.length;
  json["message"] = finding.message;
  json["reason"] = finding.reason;
  json["fix"] = finding.fix;
  return json;
}

}  // namespace

std::string RenderLintJson(const flink::lint::LintReport& report) {
  Json findings = Json::array();
  Json counts{{"error", 0}, {"warning", 0}, {"info", 0}};
  for (const Finding& finding : report.findings) {
    findings.push_back(FindingJson(finding));
    Json& count = counts[std::string(SeverityName(finding.severity))];
    count = count.get<int>() + 1;
  }
  const Json json{{"schema", kLintJsonSchema},
                  {"file", report.file},
                  {"flink_version", flink::FormatVersion(report.version)},
                  {"counts", std::move(counts)},
                  {"findings", std::move(findings)}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
