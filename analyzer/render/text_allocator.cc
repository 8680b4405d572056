#include <fmt/core.h>

#include "analyzer/diagnosis/allocator_facts.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

// Without the commit that jemalloc adds to its version.
std::string ShortName(const std::string& name) {
  return name.empty() ? "not known by name" : name.substr(0, name.find("-0-g"));
}

}  // namespace

void WriteAllocator(const report::Report& report, Page* page) {
  const evidence::AllocatorFigures* allocator = report.Allocator();
  if (allocator == nullptr) return;
  const evidence::Evidence& evidence = report.evidence;
  const evidence::Duration age = evidence.last_record > allocator->time
                                     ? evidence.last_record - allocator->time
                                     : evidence::Duration{};
  page->Heading(evidence.recorded ? fmt::format("The allocator: {}, {} before the last record",
                                                ShortName(evidence.process.allocator), Elapsed(age))
                                  : fmt::format("The allocator: {}, by what smaps shows",
                                                ShortName(evidence.process.allocator)));
  for (const std::string& fact : diagnosis::AllocatorFacts(evidence.process, *allocator))
    page->Paragraph(fact, 2, 2);
}

}  // namespace wrackline::render
