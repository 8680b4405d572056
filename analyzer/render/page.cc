#include "analyzer/render/page.h"

#include <algorithm>

#include "analyzer/render/inert.h"

namespace wrackline::render {
namespace {

// ECMA-48 SGR.
std::string_view Code(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kRed:
      return "\x1b[1;31m";
    case Style::kYellow:
      return "\x1b[33m";
    case Style::kGreen:
      return "\x1b[32m";
  }
  return "";
}

}  // namespace

Page::Page(const TextOptions& options) : options_(options) {
  options_.width = std::clamp<std::size_t>(options_.width, 60, 200);
}

std::string Page::Name(std::string_view text, std::size_t columns) const {
  return Fit(Inert(text, options_.utf8), columns, options_.utf8);
}

std::string Page::Styled(Style style, std::string_view text) const {
  if (!options_.colour || style == Style::kPlain || text.empty()) return std::string(text);
  return std::string(Code(style)).append(text).append("\x1b[0m");
}

void Page::Line(std::string_view text) {
  const std::size_t last = text.find_last_not_of(' ');
  text_.append(text.substr(0, last == std::string_view::npos ? 0 : last + 1)).push_back('\n');
}

void Page::Paragraph(std::string_view text, std::size_t indent, std::size_t hanging, Style style) {
  const std::string safe = Inert(text, options_.utf8);
  std::string_view rest = safe;
  std::string line;
  std::size_t columns = 0;
  bool first = true;
  const auto flush = [&] {
    if (line.empty()) return;
    Line(std::string(indent + (first ? 0 : hanging), ' ') + Styled(style, line));
    first = false;
    line.clear();
    columns = 0;
  };
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::size_t room =
        options_.width - std::min(options_.width - 1, indent + (first ? 0 : hanging));
    const std::string word =
        Fit(rest.substr(0, end), options_.width - std::min(options_.width - 1, indent + hanging),
            options_.utf8);
    const std::size_t width = Columns(word);
    if (columns != 0 && columns + 1 + width > room) flush();
    if (columns != 0) {
      line += ' ';
      ++columns;
    }
    line += word;
    columns += width;
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  flush();
}

void Page::Heading(std::string_view text) {
  text_ += '\n';
  Line(Styled(Style::kBold, Fit(Inert(text, options_.utf8), options_.width, options_.utf8)));
}

}  // namespace wrackline::render
