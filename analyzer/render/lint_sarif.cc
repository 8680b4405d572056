// SARIF 2.1.0 (OASIS Standard, 27 March 2020).
#include <nlohmann/json.hpp>

#include "analyzer/render/lint.h"

namespace wrackline::render {
namespace {

using Json = nlohmann::ordered_json;
using flink::lint::Finding;
using flink::lint::Rule;
using flink::lint::Severity;

const char* Level(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kInfo:
      break;
  }
  return "note";
}

// A path as a URI reference (RFC 3986): what is not unreserved or a slash is percent-encoded.
std::string Uri(std::string_view path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = path.starts_with('/') ? "file://" : "";
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || c == '-' || c == '.' || c == '_' || c == '~' || c == '/') {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[byte >> 4];
      uri += kHex[byte & 15];
    }
  }
  return uri;
}

std::string Sentence(std::string text) {
  if (!text.empty() && text.back() != '.' && text.back() != '?') text += '.';
  return text;
}

// "unknown-key" -> "UnknownKey", the form that SARIF asks of a rule's name.
std::string PascalCase(std::string_view id) {
  std::string name;
  bool start = true;
  for (const char c : id) {
    if (c == '-') {
      start = true;
      continue;
    }
    name += start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    start = false;
  }
  return name;
}

Json RuleJson(const Rule& rule) {
  Json json{{"id", rule.id}};
  // A name must differ from the id in more than a capital.
  if (std::string_view(rule.id).find('-') != std::string_view::npos)
    json["name"] = PascalCase(rule.id);
  json.update(Json{{"shortDescription", {{"text", Sentence(rule.title)}}},
                   {"fullDescription", {{"text", rule.explanation}}},
                   {"help",
                    {{"text", std::string(rule.explanation) + "\n\nInstead of\n\n" +
                                  rule.wrong.config + "\nwrite\n\n" + rule.right.config}}},
                   {"defaultConfiguration", {{"level", Level(rule.severity)}}}});
  return json;
}

Json ResultJson(const Finding& finding, std::size_t rule_index) {
  Json physical{
      {"artifactLocation", {{"uri", Uri(finding.at.file == "-" ? "stdin" : finding.at.file)}}}};
  if (finding.at.line > 0) {
    Json region{{"startLine", finding.at.line}};
    if (finding.at.column > 0) {
      region["startColumn"] = finding.at.column;
      if (finding.at.length > 0) region["endColumn"] = finding.at.column + finding.at.length;
    }
    physical["region"] = std::move(region);
  }
  return {{"ruleId", finding.rule},
          {"ruleIndex", rule_index},
          {"level", Level(finding.severity)},
          {"message",
           {{"text", Sentence(finding.message) + " " + Sentence(finding.reason) + " " +
                         Sentence(finding.fix)}}},
          {"locations", Json::array({Json{{"physicalLocation", std::move(physical)}}})}};
}

}  // namespace

std::string RenderLintSarif(const flink::lint::LintReport& report, std::string_view tool_version) {
  Json rules = Json::array();
  for (const Rule* rule : flink::lint::Rules()) rules.push_back(RuleJson(*rule));
  Json results = Json::array();
  for (const Finding& finding : report.findings) {
    const auto all = flink::lint::Rules();
    std::size_t index = 0;
    while (index < all.size() && finding.rule != all[index]->id) ++index;
    results.push_back(ResultJson(finding, index));
  }
  const Json run{
      {"tool",
       {{"driver",
         {{"name", "wrackline"}, {"version", tool_version}, {"rules", std::move(rules)}}}}},
      {"columnKind", "unicodeCodePoints"},
      {"results", std::move(results)}};
  const Json json{{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                  {"version", "2.1.0"},
                  {"runs", Json::array({run})}};
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
