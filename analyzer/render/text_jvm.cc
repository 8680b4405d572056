#include <fmt/core.h>

#include <algorithm>

#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::JvmFigures;

std::string Of(std::optional<Bytes> used, std::optional<Bytes> limit) {
  std::string text = used ? FormatBytes(*used) : "unknown";
  if (limit) text += " of " + FormatBytes(*limit);
  return text;
}

std::string HeapFacts(const evidence::Jvm& jvm, const JvmFigures& figures) {
  std::string text = "heap: " + FormatBytes(*figures.heap_used) + " used";
  if (figures.heap_used_after_collection)
    text += fmt::format(" ({} after the last collection)",
                        FormatBytes(*figures.heap_used_after_collection));
  if (figures.heap_committed)
    text += fmt::format(", {} committed", FormatBytes(*figures.heap_committed));
  const std::optional<Bytes> most = figures.heap_max ? figures.heap_max : jvm.max_heap;
  if (most) text += fmt::format(", {} at most", FormatBytes(*most));
  return text;
}

void WritePools(const JvmFigures& figures, bool heap, const char* what, Page* page) {
  std::string text;
  for (const evidence::JvmPool& pool : figures.pools) {
    if (pool.heap != heap) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", pool.name, FormatBytes(pool.used));
    if (pool.committed) text += fmt::format(" of {}", FormatBytes(*pool.committed));
  }
  if (!text.empty()) page->Paragraph(fmt::format("{}{}", what, text), 2, 2);
}

void WriteBuffers(const evidence::Jvm& jvm, const JvmFigures& figures, Page* page) {
  if (figures.direct_used) {
    const std::optional<Bytes> limit =
        figures.direct_max ? figures.direct_max : jvm.max_direct_memory;
    std::string text = "direct buffers: " + Of(figures.direct_used, limit);
    if (figures.direct_buffers) text += fmt::format(" in {}", *figures.direct_buffers);
    text += "; from malloc, and so among the sites above where they were sampled";
    page->Paragraph(text, 2, 2);
  }
  if (figures.mapped_used && figures.mapped_used->count > 0)
    page->Paragraph(
        fmt::format("mapped buffers: {} of files in {}", FormatBytes(*figures.mapped_used),
                    figures.mapped_buffers.value_or(0)),
        2, 2);
}

void WriteNativeMemory(const JvmFigures& figures, Page* page) {
  if (!figures.native_committed) return;
  std::vector<evidence::JvmNativeMemory> largest = figures.native_memory;
  std::stable_sort(largest.begin(), largest.end(),
                   [](const auto& a, const auto& b) { return a.committed > b.committed; });
  constexpr std::size_t kNamed = 8;
  std::string text =
      fmt::format("Native Memory Tracking: {} committed", FormatBytes(*figures.native_committed));
  for (std::size_t i = 0; i < largest.size() && i < kNamed; ++i)
    text += fmt::format("{} {} {}", i == 0 ? ":" : ",", largest[i].category,
                        FormatBytes(largest[i].committed));
  page->Paragraph(text, 2, 2);
}

}  // namespace

void WriteJvm(const evidence::Evidence& evidence, Page* page) {
  const evidence::Jvm& jvm = *evidence.jvm;
  const JvmFigures* figures = jvm.Last();
  std::string title = evidence.recorded ? "The JVM at the end" : "The JVM";
  if (evidence.recorded && figures != nullptr && figures->time != evidence::Time{}) {
    const evidence::Duration age = evidence.last_record > figures->time
                                       ? evidence.last_record - figures->time
                                       : evidence::Duration{};
    title += fmt::format(": {} before the last record", Elapsed(age));
  }
  page->Heading(title);
  std::string name = jvm.vm_name.empty() ? "a VM that did not say its name" : jvm.vm_name;
  if (!jvm.java_version.empty()) name += ", Java " + jvm.java_version;
  if (!jvm.collector.empty()) name += ", collector " + jvm.collector;
  if (jvm.origin == "hsperfdata")
    name += "; from its hsperfdata file, whose heap figures may be those of the last collection";
  page->Paragraph(name, 2, 2);
  if (!jvm.trouble.empty()) page->Paragraph(jvm.trouble, 2, 2, Style::kYellow);
  if (figures == nullptr) {
    page->Paragraph("It was never asked for its memory.", 2, 2);
    return;
  }
  if (figures->heap_used) page->Paragraph(HeapFacts(jvm, *figures), 2, 2);
  WritePools(*figures, true, "heap by part: ", page);
  if (figures->metaspace_used) {
    std::string text = "metaspace: " + Of(figures->metaspace_used, jvm.max_metaspace) + " used";
    if (figures->metaspace_committed)
      text += fmt::format(", {} committed", FormatBytes(*figures->metaspace_committed));
    if (figures->class_space_used)
      text += fmt::format("; of it class space {}",
                          Of(figures->class_space_used, jvm.compressed_class_space));
    if (!jvm.max_metaspace) text += "; no MaxMetaspaceSize";
    page->Paragraph(text, 2, 2);
  }
  WritePools(*figures, false, "code: ", page);
  WriteBuffers(jvm, *figures, page);
  std::string counts;
  if (figures->threads) counts += fmt::format("{} threads that run Java", *figures->threads);
  if (figures->classes_loaded)
    counts += fmt::format("{}{} classes", counts.empty() ? "" : ", ", *figures->classes_loaded);
  if (figures->classes_unloaded && *figures->classes_unloaded > 0)
    counts += fmt::format(" ({} unloaded)", *figures->classes_unloaded);
  if (figures->collections)
    counts += fmt::format("{}{} collections", counts.empty() ? "" : ", ", *figures->collections);
  if (figures->collections && figures->collection_ms)
    counts += fmt::format(" that took {} ms", *figures->collection_ms);
  if (!counts.empty()) page->Paragraph(counts, 2, 2);
  WriteNativeMemory(*figures, page);
}

}  // namespace wrackline::render
