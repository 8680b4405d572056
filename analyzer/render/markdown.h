// Text from outside, as text and not as Markdown, HTML, a mention or a link. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace wrackline::render {

// One line, inert, fit for a paragraph, a list item or a cell of a table.
std::string MarkdownText(std::string_view text);

// The same as code, for keys and values: `a.b.c`. "" stays "".
std::string MarkdownCode(std::string_view text);

}  // namespace wrackline::render
