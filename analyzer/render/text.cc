#include "analyzer/render/text.h"

#include <fmt/core.h>

#include <chrono>
#include <ctime>

#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using diagnosis::Outcome;
using evidence::Evidence;

std::string BaseName(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

Style StyleOf(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOomKilled:
    case Outcome::kProbablyOomKilled:
    case Outcome::kOomKilledContainerLived:
    case Outcome::kNodeOutOfMemory:
    case Outcome::kEvicted:
    case Outcome::kKilledByYarn:
    case Outcome::kJavaOutOfMemory:
      return Style::kRed;
    case Outcome::kCleanExit:
    case Outcome::kStillRunning:
      return Style::kGreen;
    default:
      return Style::kYellow;
  }
}

// Seconds are enough: a scrape is as old as that.
std::string Clock(evidence::Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  std::tm utc{};
  char text[32] = "";
  if (gmtime_r(&seconds, &utc) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc) == 0)
    return "an unknown time";
  return text;
}

void WriteTitle(const Evidence& evidence, Page* page) {
  if (evidence.metrics) {
    std::string title = "wrackline: TaskManager " + evidence.metrics->task_manager;
    title += fmt::format(", {} of {}",
                         evidence.metrics->scrapes == 1
                             ? std::string("metrics")
                             : fmt::format("{} scrapes, the last", evidence.metrics->scrapes),
                         Clock(evidence.last_record));
    if (evidence.limit) title += fmt::format(", limit {}", FormatBytes(evidence.limit->amount));
    page->Paragraph(title, 0, 0, Style::kDim);
    return;
  }
  const evidence::ProcessFacts& process = evidence.process;
  std::string title = "wrackline: ";
  title += process.executable.empty() ? "a process" : BaseName(process.executable);
  if (!evidence.recorded) {
    title += ", from files of " + Clock(evidence.last_record);
    if (evidence.limit) title += fmt::format(", limit {}", FormatBytes(evidence.limit->amount));
    page->Paragraph(title, 0, 0, Style::kDim);
    return;
  }
  title += fmt::format(" (pid {}", process.pid);
  if (!process.host.empty()) title += " on " + process.host;
  title += fmt::format("), recorded for {}", Elapsed(evidence.Lifetime()));
  if (evidence.limit) title += fmt::format(", limit {}", FormatBytes(evidence.limit->amount));
  page->Paragraph(title, 0, 0, Style::kDim);
}

void WriteFindings(const report::Report& report, Page* page) {
  if (report.diagnosis.findings.empty()) return;
  page->Heading("What was found");
  for (const diagnosis::Finding& finding : report.diagnosis.findings) {
    page->Paragraph(fmt::format("- {} ({}, confidence {})", finding.summary, Name(finding.role),
                                Name(finding.confidence)),
                    2, 2);
    for (const std::string& fact : finding.evidence) page->Paragraph(fact, 6, 2, Style::kDim);
    for (const std::string& fact : finding.against)
      page->Paragraph("but: " + fact, 6, 5, Style::kDim);
    for (const std::string& advice : finding.advice) page->Paragraph("try: " + advice, 6, 5);
  }
}

void WriteTrust(const report::Report& report, Page* page) {
  const Evidence& evidence = report.evidence;
  page->Heading("How far to trust this");
  if (evidence.metrics) {
    page->Paragraph("How it ended: metrics do not say how a process ended.", 2);
    for (const std::string& note : evidence.metrics->notes) page->Paragraph(note, 2);
    return;
  }
  if (const auto age = evidence.LastRecordAge())
    page->Paragraph(
        fmt::format("The last record was written {} before the end was seen.", Elapsed(*age)), 2);
  std::string ending = "How it ended: ";
  for (std::size_t i = 0; i < report.diagnosis.outcome_evidence.size(); ++i)
    ending += (i == 0 ? "" : "; ") + report.diagnosis.outcome_evidence[i];
  if (!report.diagnosis.outcome_evidence.empty()) page->Paragraph(ending + ".", 2);
  if (evidence.ending.kernel_kill) {
    const evidence::KernelKill& kill = *evidence.ending.kernel_kill;
    std::string line = fmt::format("The kernel's log: killed process {} ({})", kill.pid, kill.name);
    if (kill.anon_rss) line += fmt::format(", anonymous {}", FormatBytes(*kill.anon_rss));
    if (kill.file_rss) line += fmt::format(", file {}", FormatBytes(*kill.file_rss));
    if (kill.usage && kill.limit)
      line += fmt::format("; cgroup usage {} of {}", FormatBytes(*kill.usage),
                          FormatBytes(*kill.limit));
    page->Paragraph(line + ".", 2);
  }
  if (!evidence.damage.empty())
    page->Paragraph("The file is damaged: " + evidence.damage + ".", 2, 0, Style::kYellow);
  if (!evidence.recorded) {
    page->Paragraph("No process was recorded: every figure is as old as the file that it is from.",
                    2);
    if (evidence.scraped) {
      for (const std::string& note : evidence.scraped->notes) page->Paragraph(note, 2);
    }
  } else if (evidence.losses.empty()) {
    page->Paragraph("Nothing was lost.", 2);
  } else {
    page->Paragraph("Lost or left out:", 2);
    for (const evidence::Loss& loss : evidence.losses)
      page->Paragraph(fmt::format("{} {}", loss.count, loss.meaning), 4, 2);
  }
  if (evidence.process.sampling_interval.count > 0)
    page->Paragraph(
        fmt::format("Allocations: one sample in {} on average; allocator {}.",
                    FormatBytes(evidence.process.sampling_interval),
                    evidence.process.allocator.empty() ? "not known" : evidence.process.allocator),
        2);
}

}  // namespace

std::string Percent(Bytes part, Bytes whole) {
  if (whole.count <= 0) return "-";
  const double percent = 100.0 * static_cast<double>(part.count) / static_cast<double>(whole.count);
  if (part.count != 0 && percent < 0.05 && percent > -0.05)
    return part.count > 0 ? "<0.1 %" : ">-0.1 %";
  return fmt::format("{:.1f} %", percent);
}

std::string Elapsed(evidence::Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long long>(seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (seconds < 48 * 3600) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string RenderText(const report::Report& report, const TextOptions& options) {
  Page page(options);
  WriteTitle(report.evidence, &page);
  page.Blank();
  page.Paragraph(report.diagnosis.verdict, 0, 0, StyleOf(report.diagnosis.outcome));
  WriteTimeToLimit(report, &page);
  // What is read first at three in the morning: what happened, why, what held it, what to set. Figures to look up come after.
  WriteTimeline(report.evidence, &page);
  WriteFindings(report, &page);
  WriteLedger(report, &page);
  WriteProposal(report, &page);
  WriteAtTheKill(report, &page);
  WriteSites(report, &page);
  if (report.evidence.rocksdb) WriteRocksDb(*report.evidence.rocksdb, &page);
  if (report.evidence.rocksdb_objects) WriteRocksDbObjects(*report.evidence.rocksdb_objects, &page);
  WriteThreads(report.evidence, &page);
  if (report.evidence.jvm) WriteJvm(report.evidence, &page);
  WriteAllocator(report, &page);
  WriteMappings(report.evidence, &page);
  WriteTrust(report, &page);
  WriteSources(report.evidence, &page);
  WriteLacking(report.evidence, &page);
  return page.Take();
}

}  // namespace wrackline::render
