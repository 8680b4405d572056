#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/lint.h"

namespace wrackline::render {
namespace {

using flink::lint::Example;
using flink::lint::Rule;
using flink::lint::Rules;
using flink::lint::SeverityName;

std::string Caption(const Example& example) {
  std::string caption = std::string(example.file) + ", Flink " + example.version;
  if (*example.other_file != '\0') caption += std::string(", beside a ") + example.other_file;
  return caption;
}

std::string Indented(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out += std::string(indent) + std::string(text.substr(0, end)) + "\n";
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

void TextExample(Page& page, const char* heading, const Example& example) {
  page.Blank();
  page.Line(std::string(heading) + " (" + Caption(example) + "):");
  std::string text = Indented(example.config, "    ");
  if (example.manifest != nullptr)
    text += "  with the manifest\n" + Indented(example.manifest, "    ");
  text.pop_back();
  page.Line(text);
}

void MarkdownExample(std::string& out, const char* heading, const Example& example) {
  out += std::string("\n") + heading + " (" + Caption(example) + "):\n\n```yaml\n" +
         example.config + "```\n";
  if (example.manifest != nullptr)
    out += "\nwith the manifest\n\n```yaml\n" + std::string(example.manifest) + "```\n";
}

}  // namespace

std::string RenderRuleList(const TextOptions& options) {
  Page page(options);
  std::size_t longest = 0;
  for (const Rule* rule : Rules()) longest = std::max(longest, std::string_view(rule->id).size());
  for (const Rule* rule : Rules()) {
    std::string id = rule->id;
    id.resize(longest, ' ');
    std::string severity(SeverityName(rule->severity));
    severity.resize(7, ' ');
    page.Line(fmt::format("{}  {}  {}", id, severity, rule->title));
  }
  return page.Take();
}

std::string RenderRule(const Rule& rule, const TextOptions& options) {
  Page page(options);
  page.Line(page.Styled(Style::kBold, rule.id) + " (" + std::string(SeverityName(rule.severity)) +
            "): " + rule.title);
  page.Blank();
  page.Paragraph(rule.explanation);
  TextExample(page, "Named", rule.wrong);
  TextExample(page, "Not named", rule.right);
  return page.Take();
}

std::string RenderRulesMarkdown() {
  std::string out =
      "# The rules of `wrackline lint`\n"
      "\n"
      "Made by `wrackline lint --rules-document` from the rules themselves; a test keeps it so. "
      "How to "
      "run lint: [cli](cli.md).\n"
      "The severity is the highest that a rule reports. `--ignore RULE` leaves a rule out.\n"
      "\n"
      "| rule | severity | names |\n"
      "|---|---|---|\n";
  for (const Rule* rule : Rules()) {
    out += std::string("| [") + rule->id + "](#" + rule->id + ") | " +
           std::string(SeverityName(rule->severity)) + " | " + rule->title + " |\n";
  }
  for (const Rule* rule : Rules()) {
    out += std::string("\n## ") + rule->id + "\n\n" + rule->explanation + "\n";
    MarkdownExample(out, "Named", rule->wrong);
    MarkdownExample(out, "Not named", rule->right);
  }
  return out;
}

}  // namespace wrackline::render
