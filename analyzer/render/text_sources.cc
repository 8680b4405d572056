#include <fmt/core.h>

#include <algorithm>

#include "analyzer/evidence/lacking.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::Evidence;
using evidence::SourceUse;

// Of one recording, and nothing beside it, everything was said above.
bool OnlyARecording(const Evidence& evidence) {
  return evidence.recorded &&
         std::none_of(evidence.sources.begin(), evidence.sources.end(), [](const SourceUse& use) {
           return !use.kind.empty() && use.kind != "recording";
         });
}

void WriteUse(const SourceUse& use, Page* page) {
  if (use.file.empty()) {  // of the folder as a whole
    page->Paragraph(use.remark, 2, 2, Style::kDim);
    return;
  }
  std::string line = use.file + ": ";
  if (!use.used) line += "not used: ";
  if (use.used && !use.title.empty()) line += use.title + ": ";
  line += use.remark;
  page->Paragraph(line, 2, 2, use.used ? Style::kPlain : Style::kDim);
}

}  // namespace

void WriteSources(const Evidence& evidence, Page* page) {
  if (evidence.sources.empty() || OnlyARecording(evidence)) return;
  page->Heading("Evidence");
  for (const SourceUse& use : evidence.sources) {
    if (use.used) WriteUse(use, page);
  }
  // Somebody's home folder has thousands; the JSON report names them all.
  constexpr std::size_t kMost = 20;
  std::size_t unused = 0;
  for (const SourceUse& use : evidence.sources) {
    if (!use.used && unused++ < kMost) WriteUse(use, page);
  }
  if (unused > kMost)
    page->Paragraph(fmt::format("... and {} more that were not used", unused - kMost), 2, 2,
                    Style::kDim);
}

void WriteLacking(const Evidence& evidence, Page* page) {
  if (evidence.sources.empty() || OnlyARecording(evidence)) return;
  const std::vector<evidence::Lack> lacks = evidence::WhatLacks(evidence);
  if (lacks.empty()) return;
  page->Heading("Lacking: what would have explained more");
  for (const evidence::Lack& lack : lacks) {
    page->Paragraph(fmt::format("- {}: {}", lack.title, lack.why), 2, 2);
    page->Paragraph(lack.how, 6, 2, Style::kDim);
  }
}

}  // namespace wrackline::render
