// Any file through every reader of the table that takes it, each on its own and then all on one evidence; and the report on
// the result. A reader that fails leaves the evidence as it was; a timeline is in order; a ledger adds up.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence_folder.h"
#include "analyzer/evidence/kernel_moment.h"
#include "analyzer/evidence/lacking.h"
#include "analyzer/evidence/scrape_source.h"
#include "analyzer/evidence/smaps_layout.h"
#include "analyzer/evidence/source.h"
#include "analyzer/render/json.h"
#include "analyzer/render/text.h"
#include "analyzer/report/report.h"

namespace {

using namespace wrackline;
using namespace wrackline::evidence;

void CheckLayout(std::string_view text) {
  const Smaps smaps = ParseSmaps(text);
  const SmapsLayout layout = LayOut(smaps, {});
  Bytes sum = layout.unnamed + layout.arena_resident;
  for (const auto& part :
       {layout.heap, layout.metaspace, layout.class_space, layout.code_cache, layout.thread_stacks,
        layout.class_archive, layout.other, layout.brk_resident})
    sum += part.value_or(Bytes{});
  // In hostile text a mapping's resident pages and its anonymous ones are any two numbers.
  const Bytes most = smaps.Anonymous() + smaps.Resident();
  if (sum > most) std::abort();
}

void CheckReport(Evidence evidence) {
  AddKernelMoment(evidence.last_record, &evidence);
  StandBeside(&evidence);
  if (!std::is_sorted(
          evidence.timeline.begin(), evidence.timeline.end(),
          [](const TimelinePoint& a, const TimelinePoint& b) { return a.time < b.time; }))
    std::abort();
  WhatLacks(evidence);
  const report::Report report = report::BuildReport(std::move(evidence), std::nullopt);
  if (report.ledger && report.ledger->Sum() + report.ledger->unexplained != report.ledger->total)
    std::abort();
  render::RenderText(report, {});
  render::RenderJson(report);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckLayout(text);
  // Names say which process or moment a file is of.
  const SourceFile file{"hsperfdata_flink/1", text, Time{std::chrono::seconds(1'764'000'000)}};
  Evidence all = FromFilesOnly("folder");
  bool taken = false;
  for (const SourceReader& reader : SourceReaders()) {
    if (!reader.recognises(file)) continue;
    taken = true;
    Evidence recorded;
    if (reader.add(file, &recorded).ok() && recorded.recorded != true) std::abort();
    const std::size_t points = all.timeline.size();
    if (!reader.add(file, &all).ok() && all.timeline.size() != points) std::abort();
  }
  if (taken) CheckReport(std::move(all));
  return 0;
}
