#include "analyzer/diff/diff.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "analyzer/diff/sections.h"

namespace wrackline::diff {
namespace {

using evidence::Evidence;

Side Describe(const Evidence& evidence) {
  Side side;
  side.source = evidence.source;
  const evidence::ProcessFacts& process = evidence.process;
  side.subject = process.executable.empty()
                     ? std::string("a process")
                     : process.executable.substr(process.executable.rfind('/') + 1);
  if (process.pid != 0)
    side.subject += " (pid " + std::to_string(process.pid) +
                    (process.host.empty() ? "" : " on " + process.host) + ")";
  side.time = evidence.last_record;
  if (evidence.metrics) {
    side.kind = "scrape";
    side.subject = "TaskManager " + evidence.metrics->task_manager;
  } else if (evidence.heap_profile && evidence.records == 0) {
    side.kind = evidence.heap_profile->format + " heap profile";
    side.time = evidence.heap_profile->taken;
  } else {
    side.kind = "recording";
    if (evidence.Lifetime().count() > 0) side.uptime = evidence.Lifetime();
  }
  if (process.sampling_interval.count > 0) side.interval = process.sampling_interval;
  return side;
}

bool SameProcess(const Evidence& a, const Evidence& b) {
  const evidence::ProcessFacts &x = a.process, &y = b.process;
  return x.pid != 0 && x.pid == y.pid && x.host == y.host && x.start && y.start &&
         *x.start == *y.start;
}

void AddNotes(const Evidence& before, const Evidence& after, Diff* diff) {
  const auto& a = before.process;
  const auto& b = after.process;
  if (diff->same_process) {
    if (!before.sites.empty() && !after.sites.empty())
      diff->notes.push_back(
          "Both are of one process. What lived through both was sampled once, so the real "
          "uncertainty of a difference is smaller than "
          "is said here: what is called certain is.");
    if (after.last_record < before.last_record) diff->notes.push_back("B is older than A.");
  } else {
    diff->notes.push_back(
        "Two processes: sites match by the names of their functions, whatever their addresses and "
        "lines.");
    if (!a.executable.empty() && !b.executable.empty() &&
        diff->before.subject.substr(0, diff->before.subject.find(' ')) !=
            diff->after.subject.substr(0, diff->after.subject.find(' ')))
      diff->notes.push_back("They ran different programs.");
  }
  for (const auto& [evidence, name] :
       {std::pair<const Evidence*, const char*>{&before, "A"}, {&after, "B"}}) {
    if (!evidence->damage.empty())
      diff->notes.push_back(std::string(name) + " is damaged: " + evidence->damage);
    for (const evidence::Loss& loss : evidence->losses) {
      if (loss.name == "live_table_full" || loss.name == "stack_table_full")
        diff->notes.push_back(std::string(name) + " lost " + std::to_string(loss.count) + " " +
                              loss.meaning);
    }
    if (evidence->heap_profile) {
      for (const std::string& note : evidence->heap_profile->notes)
        diff->notes.push_back(std::string(name) + ": " + note);
    }
  }
}

void Scale(double factor_before, double factor_after, Row* row) {
  if (row->before) *row->before *= factor_before;
  if (row->after) *row->after *= factor_after;
  row->before_error *= factor_before;
  row->after_error *= factor_after;
}

double PerHour(const Side& side) {
  return 1 / std::chrono::duration<double, std::ratio<3600>>(*side.uptime).count();
}

void ScaleByUptime(Diff* diff) {
  if (!diff->before.uptime || !diff->after.uptime) {
    diff->notes.push_back(
        std::string(diff->before.uptime ? "B" : "A") +
        " does not say how long the process had run: there are no figures per hour.");
    diff->sections.clear();
    return;
  }
  const double before = PerHour(diff->before), after = PerHour(diff->after);
  for (Section& section : diff->sections) {
    for (Row& row : section.rows) Scale(before, after, &row);
  }
}

// One family: a site, its thread and the sum of all are tests of the same question, and each is a chance to be fooled.
void JudgeSampled(Diff* diff) {
  std::vector<Row*> rows;
  std::vector<Pair> tests;
  for (Section& section : diff->sections) {
    for (Row& row : section.rows) {
      if (!row.sampled || !row.before || !row.after || !row.judged) continue;
      rows.push_back(&row);
      tests.push_back({*row.before, row.before_error * row.before_error, *row.after,
                       row.after_error * row.after_error});
    }
  }
  const std::vector<Verdict> verdicts = Judge(tests);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i]->verdict = verdicts[i];
}

bool Grown(const Row& row, const Options& options) {
  if (!row.judged || !row.before || !row.after || row.unit != Unit::kBytes) return false;
  const double change = row.Change();
  if (change < static_cast<double>(options.least_growth.count) ||
      change * 100 < options.least_percent * *row.before || change <= 0)
    return false;
  return !row.sampled || row.verdict.confidence == Confidence::kCertain;
}

// What is held from the start on is a higher rate in the shorter run, and what leaks is more in the longer one: from two runs of
// different length only growth that is seen both in what is held and in its rate says something.
void LeaveOutWhatLengthExplains(const std::vector<bool>& grew_as_held, Diff* diff) {
  std::size_t at = 0, left_out = 0;
  for (Section& section : diff->sections) {
    for (Row& row : section.rows) {
      const bool grew = grew_as_held.at(at++);
      if (!row.judged || grew == Grown(row, diff->options)) continue;
      row.judged = false;
      ++left_out;
    }
  }
  if (left_out > 0)
    diff->notes.push_back(
        std::to_string(left_out) +
        " figures are not judged: by what is held and by the hour they say the opposite, for one "
        "run was longer. Runs of one length can be compared without --per-hour.");
}

void Sort(std::vector<Row>* rows) {
  std::stable_sort(rows->begin(), rows->end(), [](const Row& a, const Row& b) {
    const auto rank = [](const Row& row) {
      const bool noise = row.sampled && row.judged && row.verdict.confidence == Confidence::kNoise;
      const bool whole = row.id == "(all)" || row.id == "total";
      return std::tuple(!whole, !row.grown, noise, -std::abs(row.Change()));
    };
    return rank(a) < rank(b);
  });
}

}  // namespace

std::optional<double> Row::Percent() const {
  if (!before || !after || *before <= 0) return std::nullopt;
  return 100 * Change() / *before;
}

Diff Compare(const Evidence& before, const Evidence& after, const Options& options) {
  Diff diff;
  diff.options = options;
  diff.before = Describe(before);
  diff.after = Describe(after);
  diff.same_process = SameProcess(before, after);
  AddNotes(before, after, &diff);
  for (const auto& section : {LedgerSection, SiteSection, ThreadSection, RocksDbSection,
                              RocksDbObjectSection, JvmSection}) {
    Section made = section(before, after);
    if (!made.rows.empty() || !made.notes.empty()) diff.sections.push_back(std::move(made));
  }
  JudgeSampled(&diff);
  if (options.per_hour) {
    std::vector<bool> grew_as_held;
    for (const Section& section : diff.sections) {
      for (const Row& row : section.rows) grew_as_held.push_back(Grown(row, options));
    }
    ScaleByUptime(&diff);
    JudgeSampled(&diff);
    LeaveOutWhatLengthExplains(grew_as_held, &diff);
  }
  for (Section& section : diff.sections) {
    for (Row& row : section.rows) {
      row.grown = Grown(row, options);
      diff.grew |= row.grown;
    }
    Sort(&section.rows);
  }
  return diff;
}

std::string_view Name(Confidence confidence) {
  switch (confidence) {
    case Confidence::kCertain:
      return "certain";
    case Confidence::kLikely:
      return "likely";
    case Confidence::kNoise:
      break;
  }
  return "noise";
}

}  // namespace wrackline::diff
