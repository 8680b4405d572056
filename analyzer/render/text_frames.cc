#include <fmt/core.h>

#include <string>

#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

// A Java name that is too long loses of its packages first: "c.e.pipeline.Decoder.decode".
std::string ShortJava(const std::string& function, std::size_t columns) {
  std::string text = function;
  // The last two parts are class and method.
  std::size_t at = 0;
  for (;;) {
    if (text.size() <= columns) return text;
    const std::size_t dot = text.find('.', at);
    const std::size_t next = dot == std::string::npos ? dot : text.find('.', dot + 1);
    if (next == std::string::npos) return text;
    if (dot > at + 1) text.erase(at + 1, dot - at - 1);
    at += 2;
  }
}

}  // namespace

std::string FunctionText(const evidence::SiteFrame& frame, std::size_t columns, const Page& page) {
  return page.Name(frame.java ? ShortJava(frame.function, columns) : frame.function, columns);
}

std::string FrameText(const evidence::SiteFrame& frame, std::size_t columns, const Page& page) {
  if (frame.line == 0) return FunctionText(frame, columns, page);
  const std::string file = frame.file.substr(frame.file.rfind('/') + 1);
  const std::string line = page.Name(fmt::format(" ({}:{})", file, frame.line), columns / 2);
  return FunctionText(frame, columns - Columns(line), page) + line;
}

}  // namespace wrackline::render
