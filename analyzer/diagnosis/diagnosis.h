// Diagnosis: how the process ended, what went over its budget and why, ranked, each finding with
// its evidence and its confidence. What cannot be known is said to be not known.
//
// Pure; any thread. One rule is one file and one row in rules.cc.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/ledger/ledger.h"

namespace wrackline::diagnosis {

enum class Outcome {
  kOomKilled,          // the kernel's OOM killer: its counter moved, or its log names the process
  kProbablyOomKilled,  // no mark, nobody waited, and the charge was at the limit
  kKilledBySignal,     // a signal that was not the OOM killer's
  kCleanExit,
  kEndedWithStatus,  // exit status other than 0, or without the mark
  kStillRunning,
  kStoppedAtLimit,  // stopped itself on purpose where the limit would be: not a kill
  kMetricsOnly,     // a scrape of metrics: its end, if there was one, is not in it
  kUnknown,
  kOomKilledContainerLived,  // the kernel killed it at the limit, and its container went on without it
  kNodeOutOfMemory,          // the kernel's OOM killer, because the machine had no memory left
  kEvicted,                  // Kubernetes evicted the pod from a node that was short of memory
  kKilledByYarn,             // YARN's NodeManager ended a container above its limit
  kJavaOutOfMemory,          // the Java VM gave up: an OutOfMemoryError
  kNotMemory,                // preempted, drained, a liveness probe, a crash
};

// True for those in which the kernel's OOM killer acted at the memory limit.
bool IsOomKill(Outcome outcome);
// True for those that a limit of the container ended, whoever watched over it.
bool EndedByLimit(Outcome outcome);
std::string_view Name(Outcome outcome);

enum class Confidence { kHigh, kMedium, kLow };
std::string_view Name(Confidence confidence);

enum class Role {
  kCause,        // explains the end
  kContributor,  // held memory it need not have
  kInformation,  // worth knowing, no cause
};
std::string_view Name(Role role);

struct Finding {
  std::string rule;  // the rule's name: "rocksdb_unmanaged"
  Role role = Role::kInformation;
  Confidence confidence = Confidence::kMedium;
  Bytes amount;                       // how much memory it is about; ranks findings of one role
  std::string summary;                // one sentence
  std::vector<std::string> evidence;  // one figure or fact each: why this is believed
  std::vector<std::string> against;   // what speaks against it, or is missing to be sure
  std::vector<std::string> advice;    // what to set, with its price, where the evidence supports it
};

struct Diagnosis {
  Outcome outcome = Outcome::kUnknown;
  std::vector<std::string> outcome_evidence;
  std::string verdict;            // two sentences
  std::vector<Finding> findings;  // causes first, larger first
};

// What every rule sees.
struct Case {
  const evidence::Evidence& evidence;
  const std::optional<ledger::Ledger>& ledger;
  Outcome outcome;
};

Diagnosis Diagnose(const evidence::Evidence& evidence, const std::optional<ledger::Ledger>& ledger);

}  // namespace wrackline::diagnosis
