#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "analyzer/render/graph.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::KernelKill;
using evidence::OomConstraint;
using evidence::OomReport;
using report::AtTheKill;
using report::GrowthRow;
using report::LimitState;
using report::TimeToLimit;

std::string Signed(const std::optional<Bytes>& amount) {
  if (!amount) return "";
  return (amount->count > 0 ? "+" : "") + FormatBytes(*amount);
}

void WriteGrowth(const AtTheKill& kill, Page* page) {
  struct Column {
    const char* title;
    std::optional<Bytes> GrowthRow::*value;
  };
  static constexpr Column kColumns[] = {{"1 min", &GrowthRow::minute},
                                        {"10 min", &GrowthRow::ten_minutes},
                                        {"1 h", &GrowthRow::hour},
                                        {"6 h", &GrowthRow::six_hours},
                                        {"in all", &GrowthRow::whole}};
  constexpr std::size_t kName = 22, kAmount = 12;
  std::vector<const Column*> shown;
  // As many as the page has room for, the nearest to the end first; "in all" always.
  for (const Column& column : kColumns) {
    const bool any = std::any_of(kill.growth.begin(), kill.growth.end(),
                                 [&](const auto& row) { return (row.*column.value).has_value(); });
    if (any) shown.push_back(&column);
  }
  while (shown.size() > 1 && 2 + kName + kAmount * (shown.size() + 1) > page->width())
    shown.erase(shown.end() - 2);
  std::string head = "  " + Left("grown in the last", kName, page->utf8()) +
                     Right("at the end", kAmount, page->utf8());
  for (const Column* column : shown) head += Right(column->title, kAmount, page->utf8());
  page->Line(head);
  for (const GrowthRow& row : kill.growth) {
    std::string line = "  " + Left(row.name, kName, page->utf8()) +
                       Right(FormatBytes(row.now), kAmount, page->utf8());
    for (const Column* column : shown)
      line += Right(Signed(row.*column->value), kAmount, page->utf8());
    page->Line(line);
  }
}

std::string WhoGrew(const AtTheKill& kill) {
  const GrowthRow& row = kill.growth[*kill.grew_most];
  const bool minute = kill.grew_over == std::chrono::minutes(1);
  const bool ten = kill.grew_over == std::chrono::minutes(10);
  const std::optional<Bytes>& grown = ten ? row.ten_minutes : minute ? row.minute : row.whole;
  return fmt::format("What grew most {}: {}, by {}.",
                     ten      ? "in the last 10 minutes"
                     : minute ? "in the last minute"
                              : "while it was watched",
                     row.name, FormatBytes(grown.value_or(Bytes{})));
}

void Append(std::string* line, const char* name, const std::optional<Bytes>& amount) {
  if (!amount) return;
  *line += fmt::format("{}{} {}", line->empty() ? "" : ", ", name, FormatBytes(*amount));
}

void WriteKernel(const KernelKill& kill, Page* page) {
  std::string line;
  Append(&line, "anonymous", kill.anon_rss);
  Append(&line, "file", kill.file_rss);
  Append(&line, "shared memory", kill.shmem_rss);
  Append(&line, "page tables", kill.page_tables);
  page->Paragraph(fmt::format("The kernel killed process {} ({}){}{}.", kill.pid, kill.name,
                              line.empty() ? "" : ": ", line),
                  2, 2);
  if (!kill.report) {
    if (kill.usage && kill.limit)
      page->Paragraph(
          fmt::format("Its cgroup: {} of {}.", FormatBytes(*kill.usage), FormatBytes(*kill.limit)),
          2, 2);
    return;
  }
  const OomReport& report = *kill.report;
  const std::optional<Bytes> usage = report.usage ? report.usage : kill.usage;
  const std::optional<Bytes> limit = report.limit ? report.limit : kill.limit;
  if (usage && limit) {
    std::string group = fmt::format("The limit that was reached: {} of {}", FormatBytes(*usage),
                                    FormatBytes(*limit));
    if (!report.oom_cgroup.empty()) group += ", of cgroup " + report.oom_cgroup;
    if (!report.task_cgroup.empty() && report.task_cgroup != report.oom_cgroup)
      group += ", which is above the process's own " + report.task_cgroup;
    page->Paragraph(group + ".", 2, 2);
  } else if (report.constraint == OomConstraint::kMachine) {
    page->Paragraph("No limit was reached: the machine itself had no memory left.", 2, 2);
  }
  if (report.stats) {
    std::string held;
    Append(&held, "anonymous", report.stats->anon);
    Append(&held, "huge pages of it", report.stats->anon_thp);
    Append(&held, "file", report.stats->file);
    Append(&held, "shared memory of it", report.stats->shmem);
    Append(&held, "kernel", report.stats->kernel);
    Append(&held, "page tables of it", report.stats->page_tables);
    Append(&held, "sockets", report.stats->sock);
    if (report.stats->major_faults)
      held += fmt::format("{}{} major faults since its start", held.empty() ? "" : ", ",
                          *report.stats->major_faults);
    if (!held.empty()) page->Paragraph("The group held: " + held + ".", 2, 2);
  }
  if (report.group_kill)
    page->Paragraph(
        fmt::format("memory.oom.group: {} were killed together.",
                    report.killed.size() > 1 ? fmt::format("{} processes", report.killed.size())
                                             : "all processes of the group"),
        2, 2);
  if (!report.invoker.empty())
    page->Paragraph(fmt::format("The thread that the kernel names, {}, asked for the page that was "
                                "too many: that is chance, and no fault of its own.",
                                report.invoker),
                    2, 2);
}

void WriteReclaim(const report::Reclaim& reclaim, Page* page) {
  if (reclaim.major_faults.value_or(0) == 0 && reclaim.limit_hits.value_or(0) == 0 &&
      reclaim.pressure_some.value_or(0) == 0) {
    page->Paragraph(
        fmt::format("No sign of reclaim in the last {} before it.", Elapsed(reclaim.window)), 2, 2);
    return;
  }
  std::string line =
      fmt::format("{} the last {}:", reclaim.thrash ? "Reclaim thrash in" : "Reclaim in",
                  Elapsed(reclaim.window));
  const char* separator = " ";
  const auto add = [&](const std::string& text) {
    line += separator + text;
    separator = ", ";
  };
  if (reclaim.major_faults)
    add(fmt::format("{} major faults{}", *reclaim.major_faults,
                    reclaim.major_faults_before ? fmt::format(" (before that {:.0f} a minute)",
                                                              *reclaim.major_faults_before)
                                                : std::string()));
  if (reclaim.limit_hits)
    add(fmt::format("the charge ran into the limit {} times", *reclaim.limit_hits));
  if (reclaim.pressure_some)
    add(fmt::format("memory pressure up to {:.1f} %{}{}", *reclaim.pressure_some,
                    reclaim.pressure_full
                        ? fmt::format(", of all tasks {:.1f} %", *reclaim.pressure_full)
                        : std::string(),
                    reclaim.pressure_of_cgroup ? "" : " (of the whole machine)"));
  page->Paragraph(line + ".", 2, 2, reclaim.thrash ? Style::kYellow : Style::kPlain);
}

std::string Span(double seconds) {
  constexpr double kMost = 400.0 * 24 * 3600;
  return Elapsed(std::chrono::duration_cast<evidence::Duration>(
      std::chrono::duration<double>(std::min(seconds, kMost))));
}

std::string RateText(const trend::Trend& trend) {
  const auto hourly = [](double slope) {
    return FormatBytes(Bytes{static_cast<std::int64_t>(std::clamp(slope * 3600, -9e15, 9e15))});
  };
  return fmt::format("{} an hour (between {} and {})", hourly(trend.slope.estimate),
                     hourly(trend.slope.low), hourly(trend.slope.high));
}

}  // namespace

void WriteAtTheKill(const report::Report& report, Page* page) {
  if (!report.at_the_kill) return;
  const AtTheKill& kill = *report.at_the_kill;
  page->Heading("At the kill");
  if (kill.last_record_age)
    page->Paragraph(fmt::format("The last record is {} older than the end that was seen.",
                                Elapsed(*kill.last_record_age)),
                    2, 2);
  if (report.evidence.ending.kernel_kill) WriteKernel(*report.evidence.ending.kernel_kill, page);
  if (kill.reclaim) WriteReclaim(*kill.reclaim, page);
  if (!kill.growth.empty()) WriteGrowth(kill, page);
  if (kill.grew_most) page->Paragraph(WhoGrew(kill), 2, 2);
}

void WriteTimeToLimit(const report::Report& report, Page* page) {
  if (!report.time_to_limit) return;
  const TimeToLimit& time = *report.time_to_limit;
  const std::string watched = Span(time.trend.seconds);
  const char* const what = time.series == "working_set" ? "The working set" : "Anonymous memory";
  switch (time.state) {
    case LimitState::kTooShort:
      page->Paragraph("Time to the limit: not known, it was watched for too short a time.");
      return;
    case LimitState::kNotGrowing:
      page->Paragraph(
          fmt::format("Time to the limit: not growing. {} showed no trend beyond its "
                      "noise in {}.",
                      what, watched));
      return;
    case LimitState::kPageCache:
      page->Paragraph(
          "Time to the limit: not growing. Only pages of files grow, which the kernel drops before "
          "it kills.");
      return;
    case LimitState::kLevelling:
      page->Paragraph(fmt::format(
          "Time to the limit: not growing any more. {} rose by {} in {} and "
          "is levelling off.",
          what, FormatBytes(Bytes{static_cast<std::int64_t>(time.trend.growth)}), watched));
      return;
    case LimitState::kSteps: {
      double height = 0;
      for (const trend::Step& step : time.trend.steps) height += step.height;
      page->Paragraph(fmt::format(
          "Time to the limit: not by time. {} rises by jumps, {} in {}, {} each, and is flat "
          "between "
          "them; {} more of these are left.",
          what, time.trend.steps.size(), watched,
          FormatBytes(Bytes{
              static_cast<std::int64_t>(height / static_cast<double>(time.trend.steps.size()))}),
          static_cast<long>(static_cast<double>((time.limit - time.now).count) /
                            (height / static_cast<double>(time.trend.steps.size())))));
      return;
    }
    case LimitState::kFar:
      page->Paragraph(
          fmt::format("Time to the limit: far. {} grows by {}; that was watched for {} "
                      "only, too short to say when it reaches {}.",
                      what, RateText(time.trend), watched, FormatBytes(time.limit)));
      return;
    case LimitState::kGrowing:
      page->Paragraph(
          fmt::format("Time to the limit: {} (between {} and {}). {} grows by {}, now {} of {}.",
                      Span(time.seconds->estimate), Span(time.seconds->low),
                      Span(time.seconds->high), what, RateText(time.trend), FormatBytes(time.now),
                      FormatBytes(time.limit)),
          0, 0, Style::kYellow);
      return;
  }
}

}  // namespace wrackline::render
