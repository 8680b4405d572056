// Page: the text a report is written on. Knows width, colour and character set; every string that
// came from outside goes through Name or Paragraph, which make it inert.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wrackline::render {

struct TextOptions {
  std::size_t width = 80;  // columns; at least 60 is assumed
  bool colour = false;
  bool utf8 = true;
};

enum class Style { kPlain, kBold, kDim, kRed, kYellow, kGreen };

class Page {
 public:
  explicit Page(const TextOptions& options);

  // A name from outside: inert, cut to `columns`.
  std::string Name(std::string_view text, std::size_t columns) const;
  std::string Styled(Style style, std::string_view text) const;
  // One line, as it is, without trailing spaces.
  void Line(std::string_view text);
  // Inert text, broken at spaces to the width, indented; lines after the first by `hanging` more.
  void Paragraph(std::string_view text, std::size_t indent = 0, std::size_t hanging = 0,
                 Style style = Style::kPlain);
  void Heading(std::string_view text);
  void Blank() { text_ += '\n'; }

  std::size_t width() const { return options_.width; }
  bool utf8() const { return options_.utf8; }
  std::string Take() { return std::move(text_); }

 private:
  TextOptions options_;
  std::string text_;
};

}  // namespace wrackline::render
