// What every test of a rule needs: evidence made by hand, and the rule's one finding.
#pragma once

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analyzer/diagnosis/diagnosis.h"
#include "analyzer/evidence/evidence.h"
#include "analyzer/ledger/ledger.h"

namespace wrackline::testing {

inline const diagnosis::Finding* Find(const diagnosis::Diagnosis& diagnosis,
                                      const std::string& rule) {
  const auto found =
      std::find_if(diagnosis.findings.begin(), diagnosis.findings.end(),
                   [&](const diagnosis::Finding& finding) { return finding.rule == rule; });
  return found == diagnosis.findings.end() ? nullptr : &*found;
}

inline diagnosis::Diagnosis DiagnosisOf(const evidence::Evidence& evidence) {
  return diagnosis::Diagnose(evidence, ledger::BuildLedger(evidence));
}

// All lines of a finding in one text.
inline std::string TextOf(const diagnosis::Finding& finding) {
  std::string text = finding.summary + "\n";
  for (const std::string& line : finding.evidence) text += "+ " + line + "\n";
  for (const std::string& line : finding.against) text += "- " + line + "\n";
  for (const std::string& line : finding.advice) text += "! " + line + "\n";
  return text;
}

// One case made by hand: evidence, a ledger of given lines (what they leave of the total is unexplained), an outcome.
struct Made {
  evidence::Evidence evidence;
  std::optional<ledger::Ledger> ledger;
  diagnosis::Outcome outcome = diagnosis::Outcome::kOomKilled;

  Made() { evidence.process.pid = 17; }
  Made& Limit(Bytes limit) {
    evidence.limit = evidence::Figure{limit, {}, "cgroup"};
    return *this;
  }
  Made& Total(Bytes total) {
    ledger.emplace().total = total;
    ledger->unexplained = total;
    return *this;
  }
  Made& Line(const char* id, ledger::Holder holder, Bytes amount,
             ledger::Confidence confidence = ledger::Confidence::kExact) {
    ledger->lines.push_back(
        {id, id, holder, amount, std::nullopt, std::nullopt, "test", confidence});
    ledger->unexplained = ledger->total - ledger->Sum();
    return *this;
  }
  evidence::FlinkBudgets& Budgets() {
    if (!evidence.flink) evidence.flink.emplace();
    if (!evidence.flink->budgets) evidence.flink->budgets.emplace().origin = "tm.log";
    return *evidence.flink->budgets;
  }
  // A tick a second, from 0 on.
  template <typename Fill>
  Made& Ticks(int seconds, Fill fill) {
    for (int second = 0; second < seconds; ++second) {
      evidence::TimelinePoint& point = evidence.timeline.emplace_back();
      point.time = At(second);
      fill(second, point);
      evidence.last_record = point.time;
    }
    evidence.process.recording_start = At(0);
    return *this;
  }
  template <typename Fill>
  Made& JvmFigures(int seconds, Fill fill) {
    if (!evidence.jvm) evidence.jvm.emplace();
    for (int second = 0; second < seconds; ++second) {
      evidence::JvmFigures& figures = evidence.jvm->figures.emplace_back();
      figures.time = At(second);
      fill(second, figures);
    }
    return *this;
  }
  static evidence::Time At(int second) {
    return evidence::Time(std::chrono::seconds(1'700'000'000 + second));
  }
  std::optional<diagnosis::Finding> Look(
      std::optional<diagnosis::Finding> (*rule)(const diagnosis::Case&)) const {
    return rule(diagnosis::Case{evidence, ledger, outcome});
  }
};

// A site with its live samples in eight parts of the recorded time, each sample of `weight`.
inline evidence::Site SiteOf(std::initializer_list<const char*> functions,
                             std::vector<std::uint64_t> samples_by_age, Bytes weight,
                             double freed_part = 0, bool java = true) {
  evidence::Site site;
  for (const char* function : functions) {
    evidence::SiteFrame& frame = site.frames.emplace_back();
    frame.function = function;
    frame.named = true;
    frame.java = java;
  }
  site.label = site.frames.size() - 1;
  for (const std::uint64_t samples : samples_by_age) {
    site.samples += samples;
    site.live_by_age.push_back(static_cast<std::int64_t>(samples) * weight);
    site.live += site.live_by_age.back();
  }
  site.samples_by_age = std::move(samples_by_age);
  site.allocated =
      Bytes{static_cast<std::int64_t>(static_cast<double>(site.live.count) / (1 - freed_part))};
  site.freed = site.allocated - site.live;
  return site;
}

}  // namespace wrackline::testing
