#include "analyzer/diagnosis/verdict.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "analyzer/diagnosis/outcome.h"
#include "analyzer/diagnosis/pod_end.h"
#include "analyzer/ledger/rocksdb_totals.h"

namespace wrackline::diagnosis {
namespace {

using evidence::Evidence;

// "350.0 of 350.0 MiB" where both have one unit.
std::string ChargeOfLimit(Bytes charge, Bytes limit) {
  const std::string a = FormatBytes(charge), b = FormatBytes(limit);
  const std::size_t unit_a = a.find(' '), unit_b = b.find(' ');
  if (unit_a != std::string::npos && unit_b != std::string::npos &&
      a.substr(unit_a) == b.substr(unit_b))
    return a.substr(0, unit_a) + " of " + b;
  return a + " of " + b;
}

// The charge nearest to the end; at a kill the kernel's own high-water mark is nearer still.
std::optional<Bytes> ChargeAtEnd(const Case& c) {
  if (IsOomKill(c.outcome) && c.evidence.peak_charge) return c.evidence.peak_charge->amount;
  if (IsOomKill(c.outcome) && c.evidence.ending.kernel_kill && c.evidence.ending.kernel_kill->usage)
    return c.evidence.ending.kernel_kill->usage;
  if (c.ledger && c.ledger->basis == ledger::Basis::kResident) return c.ledger->total;
  if (c.evidence.last_charge) return c.evidence.last_charge->amount;
  if (c.ledger) return c.ledger->total;
  return std::nullopt;
}

std::optional<Bytes> LimitAtEnd(const Evidence& evidence) {
  if (evidence.limit) return evidence.limit->amount;
  return evidence.ending.kernel_kill ? evidence.ending.kernel_kill->limit : std::nullopt;
}

std::string YarnSentence(const evidence::YarnKill& kill) {
  const char* const which = kill.virtual_memory ? "virtual" : "physical";
  const std::optional<Bytes>& used = kill.virtual_memory ? kill.virtual_used : kill.physical_used;
  const std::optional<Bytes>& limit =
      kill.virtual_memory ? kill.virtual_limit : kill.physical_limit;
  if (!used || !limit) return fmt::format("Killed by YARN, above its limit of {} memory.", which);
  return fmt::format("Killed by YARN at {} of {} memory.", ChargeOfLimit(*used, *limit), which);
}

std::string JavaSentence(const Evidence& evidence) {
  if (const evidence::JavaError* error = WorstJavaError(evidence))
    return fmt::format("Not a kernel kill: the Java VM ran out of memory: {}.", error->message);
  return "Not a kernel kill: the Java VM ran out of memory.";
}

std::string NotMemorySentence(const Evidence& evidence) {
  const PodEnd pod = PodEndOf(evidence);
  if (pod.kind == PodEndKind::kNotMemory) return fmt::format("Not a memory kill: {}.", pod.why);
  for (const evidence::JavaError& error : evidence.java_errors) {
    if (error.kind == evidence::JavaErrorKind::kCrash)
      return fmt::format("Not a memory kill: the Java VM crashed: {}.", error.message);
  }
  return "Not a memory kill.";
}

std::string LivedSentence(const Evidence& evidence, const std::string& at) {
  const PodEnd pod = PodEndOf(evidence);
  if (pod.kind == PodEndKind::kRunning)
    return fmt::format(
        "Killed by the kernel's OOM killer{}; its container lived on without it and runs still.",
        at);
  return fmt::format(
      "Killed by the kernel's OOM killer{}; its container lived on without it and ended later: {}.",
      at, pod.why);
}

// A group's own name: of "/kubepods.slice/kubepods-podUID.slice" the last part.
std::string GroupName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// What the kernel's report says of the groups, where it was not the process's own limit or not the process alone:
// " The limit was that of ..., above its container ...".
std::string GroupsOfKill(const Evidence& evidence) {
  const auto& kill = evidence.ending.kernel_kill;
  if (!kill || !kill->report) return {};
  const evidence::OomReport& report = *kill->report;
  std::string text;
  if (report.task_cgroup.size() > report.oom_cgroup.size() &&
      report.task_cgroup.compare(0, report.oom_cgroup.size() + 1, report.oom_cgroup + "/") == 0) {
    text = fmt::format(
        " The limit that was reached is that of {}{}, the group (a pod's, mostly) around its own, "
        "{}.",
        GroupName(report.oom_cgroup),
        kill->usage && kill->limit ? ", at " + ChargeOfLimit(*kill->usage, *kill->limit) : "",
        GroupName(report.task_cgroup));
  }
  if (report.group_kill) {
    text +=
        report.killed.size() > 1
            ? fmt::format(" The kernel killed all {} processes of {} with it (memory.oom.group).",
                          report.killed.size(), GroupName(report.group))
            : fmt::format(" The kernel killed {} as a whole (memory.oom.group).",
                          GroupName(report.group));
  }
  return text;
}

std::string FirstSentence(const Case& c) {
  const Evidence& evidence = c.evidence;
  std::string at;
  if (const auto charge = ChargeAtEnd(c)) {
    const std::optional<Bytes> limit = LimitAtEnd(evidence);
    at = limit ? fmt::format(" at {}", ChargeOfLimit(*charge, *limit))
               : fmt::format(" at {}, no limit known", FormatBytes(*charge));
  }
  switch (c.outcome) {
    case Outcome::kOomKilled:
      return fmt::format("Killed by the kernel's OOM killer{}.{}", at, GroupsOfKill(evidence));
    case Outcome::kProbablyOomKilled:
      return fmt::format("Most likely killed by the kernel's OOM killer{}.", at);
    case Outcome::kKilledBySignal:
      return evidence.ending.oom_kill_after || evidence.ending.signal != 9
                 ? fmt::format("Not an OOM kill: ended by signal {}{}.",
                               evidence.ending.signal.value_or(0), at)
                 : fmt::format("Ended by signal {}{}; who sent it is not known.",
                               evidence.ending.signal.value_or(0), at);
    case Outcome::kCleanExit:
      break;  // CleanExit
    case Outcome::kEndedWithStatus:
      if (!evidence.ending.exit_status)
        return fmt::format("Not a kill: {}{}.", PodEndOf(evidence).why, at);
      return fmt::format("Not a kill: it exited with status {}{}.", *evidence.ending.exit_status,
                         at);
    case Outcome::kStillRunning:
      return evidence.recorded
                 ? fmt::format("Not a kill: it is still running{}.", at)
                 : fmt::format("Not a kill: it was running when it was last seen{}.", at);
    case Outcome::kStoppedAtLimit:
      return fmt::format("Not a kill: it stopped itself{}.", at);
    case Outcome::kMetricsOnly:
      break;  // OfMetrics
    case Outcome::kOomKilledContainerLived:
      return LivedSentence(evidence, at);
    case Outcome::kNodeOutOfMemory:
      return "Killed by the kernel's OOM killer because the machine had no memory left: no "
             "limit of the pod was reached.";
    case Outcome::kEvicted:
      return "Evicted: the node was short of memory; no limit of the pod was reached.";
    case Outcome::kKilledByYarn:
      return YarnSentence(*evidence.yarn);
    case Outcome::kJavaOutOfMemory:
      return JavaSentence(evidence);
    case Outcome::kNotMemory:
      return NotMemorySentence(evidence);
    case Outcome::kUnknown:
      if (!HasRecording(evidence)) {
        const PodEnd pod = PodEndOf(evidence);
        if (!pod.why.empty())
          return fmt::format("How it ended is not known: {}, and nothing says who sent it.",
                             pod.why);
        return fmt::format("Whether and how it ended is not in the evidence{}.",
                           at.empty() ? "" : ", it was" + at);
      }
      return fmt::format("It ended without a clean exit{}; why is not known.", at);
  }
  return {};
}

struct Held {
  ledger::Holder holder;
  Bytes amount;
};

Held Largest(const ledger::Ledger& ledger) {
  Held largest{ledger::Holder::kNative, {}};
  using ledger::Holder;
  for (const Holder holder :
       {Holder::kRocksDb, Holder::kNative, Holder::kJvm, Holder::kAllocator, Holder::kWrackline,
        Holder::kOtherProcesses, Holder::kFile, Holder::kKernel}) {
    const Bytes amount = ledger.Of(holder);
    if (amount > largest.amount) largest = {holder, amount};
  }
  return largest;
}

std::string Who(ledger::Holder holder) {
  switch (holder) {
    case ledger::Holder::kRocksDb:
      return "RocksDB";
    case ledger::Holder::kNative:
      return "Native code outside RocksDB";
    case ledger::Holder::kJvm:
      return "The Java VM";
    case ledger::Holder::kAllocator:
      return "The allocator itself";
    case ledger::Holder::kWrackline:
      return "wrackline itself";
    case ledger::Holder::kOtherProcesses:
      return "Other processes of the cgroup";
    case ledger::Holder::kFile:
      return "Files and page cache";
    case ledger::Holder::kKernel:
      return "The kernel";
  }
  return "Somebody";
}

std::string Capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// The first cause, as a sentence of its own; "" when there is none.
std::string CauseSentence(const std::vector<Finding>& findings) {
  if (findings.empty() || findings.front().role != Role::kCause) return {};
  return " " + Capital(findings.front().summary) + ".";
}

std::string WithoutLedger(const Case& c, const std::vector<Finding>& findings) {
  const auto& kill = c.evidence.ending.kernel_kill;
  if (kill && kill->anon_rss)
    return fmt::format(
               "The kernel counted {} of anonymous memory in process {} ({}); of whom is not "
               "known.",
               FormatBytes(*kill->anon_rss), kill->pid, kill->name) +
           CauseSentence(findings);
  if (const std::string cause = CauseSentence(findings); !cause.empty()) return cause.substr(1);
  return "Who held the memory is not known: no charge was recorded.";
}

// Rules that say why a holder held so much.
std::optional<ledger::Holder> SpeaksOf(const std::string& rule) {
  static const std::map<std::string, ledger::Holder> kSpeaksOf = {
      {"rocksdb_unmanaged", ledger::Holder::kRocksDb},
      {"rocksdb_beyond_managed", ledger::Holder::kRocksDb},
      {"rocksdb_orphan_cache", ledger::Holder::kRocksDb},
      {"native_leak", ledger::Holder::kNative},
      {"jni_handle_leak", ledger::Holder::kNative},
      {"native_site", ledger::Holder::kNative},
      {"heap_too_large", ledger::Holder::kJvm},
      {"metaspace_leak", ledger::Holder::kJvm},
      {"allocator_retention", ledger::Holder::kAllocator},
      {"other_processes", ledger::Holder::kOtherProcesses},
      {"neighbour_in_the_pod", ledger::Holder::kOtherProcesses},
      {"tmpfs_counted", ledger::Holder::kFile}};
  const auto found = kSpeaksOf.find(rule);
  return found == kSpeaksOf.end() ? std::nullopt : std::optional(found->second);
}

std::string SecondSentence(const Case& c, const std::vector<Finding>& findings) {
  if (!c.ledger) return WithoutLedger(c, findings);
  const Held held = Largest(*c.ledger);
  if (held.amount.count <= 0 || held.amount < c.ledger->unexplained)
    return fmt::format("Who held most of it is not known: {} of {} is unexplained.",
                       FormatBytes(c.ledger->unexplained), FormatBytes(c.ledger->total)) +
           CauseSentence(findings);
  std::string sentence =
      fmt::format("{} held {} of it", Who(held.holder), FormatBytes(held.amount));
  for (const Finding& finding : findings) {
    if (SpeaksOf(finding.rule) != held.holder || finding.role == Role::kInformation) continue;
    return sentence + ": " + finding.summary + ".";
  }
  return sentence + "." + CauseSentence(findings);
}

// What was held at a clean end was mostly freed on the way there: the peak says more.
std::string CleanExit(const Case& c) {
  const Evidence& evidence = c.evidence;
  if (c.ledger && c.ledger->basis == ledger::Basis::kResident &&
      c.ledger->moment == ledger::When::kPeak)
    return fmt::format("Not a kill: it exited cleanly. Its resident set peaked at {}.",
                       FormatBytes(c.ledger->total));
  if (!evidence.peak_charge || (c.ledger && c.ledger->basis == ledger::Basis::kResident))
    return "Not a kill: it exited cleanly. " + SecondSentence(c, {});
  return fmt::format("Not a kill: it exited cleanly. Its charge peaked at {}.",
                     evidence.limit
                         ? ChargeOfLimit(evidence.peak_charge->amount, evidence.limit->amount)
                         : FormatBytes(evidence.peak_charge->amount) + ", no limit known");
}

// Of one moment, and of a part of the process.
std::string OfMetrics(const Case& c) {
  if (!c.evidence.rocksdb)
    return "The metrics have no figure of RocksDB: switch on "
           "state.backend.rocksdb.metrics.block-cache-usage and size-all-mem-tables.";
  const ledger::RocksDbTotals totals = ledger::TotalsOf(*c.evidence.rocksdb);
  Bytes capacity;
  for (const evidence::RocksDbCache& cache : c.evidence.rocksdb->caches)
    capacity += cache.capacity.value_or(Bytes{});
  std::string caches = FormatBytes(totals.cache_usage);
  if (capacity.count > 0) caches = ChargeOfLimit(totals.cache_usage, capacity);
  const std::size_t count = c.evidence.rocksdb->caches.size();
  std::string sentence =
      fmt::format("RocksDB held {}; its block cache{} {} {}.", FormatBytes(totals.total),
                  count == 1 ? "" : "s", count == 1 ? "is at" : "are at", caches);
  if (totals.naive > totals.total)
    sentence +=
        fmt::format(" Adding up every family's gauges would give {}.", FormatBytes(totals.naive));
  return sentence;
}

}  // namespace

std::string Verdict(const Case& c, const std::vector<Finding>& findings) {
  if (c.outcome == Outcome::kCleanExit) return CleanExit(c);
  if (c.outcome == Outcome::kMetricsOnly) return OfMetrics(c);
  return FirstSentence(c) + " " + SecondSentence(c, findings);
}

}  // namespace wrackline::diagnosis
