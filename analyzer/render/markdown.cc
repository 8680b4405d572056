#include "analyzer/render/markdown.h"

#include <algorithm>

#include "analyzer/render/inert.h"

namespace wrackline::render {
namespace {

// An empty comment, which shows nothing, keeps @name, #12 and http:// from becoming mentions and links.
constexpr std::string_view kBreak = "<!-- -->";
constexpr std::string_view kPunctuation = "\\`*_{}[]()<>|!~&$";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string MarkdownText(std::string_view text) {
  const std::string inert = Inert(text, true);
  std::string out;
  for (std::size_t i = 0; i < inert.size(); ++i) {
    const char c = inert[i];
    // At the beginning of a line these make lists, headings and rules; "1." does too.
    const bool begins = i == 0 && (c == '-' || c == '+' || c == '=' || c == '#');
    const bool numbers =
        c == '.' && i > 0 &&
        std::all_of(inert.begin(), inert.begin() + static_cast<std::ptrdiff_t>(i), IsDigit);
    if (begins || numbers || kPunctuation.find(c) != std::string_view::npos) out += '\\';
    out += c;
    if (c == '@' || c == '#' || (c == ':' && inert.compare(i + 1, 2, "//") == 0) ||
        (c == '.' && i >= 3 && inert.compare(i - 3, 3, "www") == 0))
      out += kBreak;
  }
  return out;
}

std::string MarkdownCode(std::string_view text) {
  if (text.empty()) return {};
  const std::string inert = Inert(text, true);
  const bool pad = inert.front() == ' ' || inert.back() == ' ';
  if (inert.find_first_of("`|\\") == std::string::npos)
    return (pad ? "` " : "`") + inert + (pad ? " `" : "`");
  // A table's cell ends at a bar even inside of code, and a backslash before it cannot be written there: each by its number.
  std::string out = "<code>";
  for (const char c : inert) {
    const bool plain = IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' ||
                       c == '.' || static_cast<unsigned char>(c) >= 0x80;
    out += plain ? std::string(1, c) : "&#" + std::to_string(static_cast<int>(c)) + ";";
  }
  return out + "</code>";
}

}  // namespace wrackline::render
