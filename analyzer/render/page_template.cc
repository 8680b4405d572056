// The page's template, built from page/ (scripts/build-page.sh) and put into the binary as it is.
#include "analyzer/render/html.h"

// An assembler's directive and no C array: the compiler takes seconds for an array of this size.
asm(".section .rodata.wrackline_page, \"a\", @progbits\n"
    ".global wrackline_page_begin\n"
    "wrackline_page_begin:\n"
    ".incbin \"" WRACKLINE_PAGE_TEMPLATE
    "\"\n"
    ".global wrackline_page_end\n"
    "wrackline_page_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" {
extern const char wrackline_page_begin[];
extern const char wrackline_page_end[];
}

namespace wrackline::render {

std::string_view PageTemplate() {
  return {wrackline_page_begin,
          static_cast<std::size_t>(wrackline_page_end - wrackline_page_begin)};
}

}  // namespace wrackline::render
