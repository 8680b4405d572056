// The parts of the text report, one function each; RenderText puts them in order.
#pragma once

#include "analyzer/render/page.h"
#include "analyzer/report/report.h"

namespace wrackline::render {

void WriteLedger(const report::Report& report, Page* page);
void WriteTimeToLimit(const report::Report& report, Page* page);
void WriteAtTheKill(const report::Report& report, Page* page);
void WriteJvm(const evidence::Evidence& evidence, Page* page);
void WriteAllocator(const report::Report& report, Page* page);
void WriteRocksDb(const evidence::RocksDb& rocksdb, Page* page);
void WriteRocksDbObjects(const evidence::RocksDbObjects& objects, Page* page);
void WriteSites(const report::Report& report, Page* page);
void WriteThreads(const evidence::Evidence& evidence, Page* page);
void WriteMappings(const evidence::Evidence& evidence, Page* page);
void WriteTimeline(const evidence::Evidence& evidence, Page* page);
void WriteProposal(const report::Report& report, Page* page);
// The files of a folder, and what became of each; what would have said more, and how to get it.
void WriteSources(const evidence::Evidence& evidence, Page* page);
void WriteLacking(const evidence::Evidence& evidence, Page* page);

// A function's name in `columns`; and "function (file.cc:12)", where the function gives way, not the line.
std::string FunctionText(const evidence::SiteFrame& frame, std::size_t columns, const Page& page);
std::string FrameText(const evidence::SiteFrame& frame, std::size_t columns, const Page& page);

// "12.3 %", "<0.1 %", "-".
std::string Percent(Bytes part, Bytes whole);
// "80 ms", "1.2 s", "3 min 5 s", "2 h 4 min".
std::string Elapsed(evidence::Duration duration);

}  // namespace wrackline::render
