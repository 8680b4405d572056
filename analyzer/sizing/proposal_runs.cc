// A Flink TaskManager sized by what recorded runs of it needed, component by component.
#include <algorithm>
#include <cmath>

#include "analyzer/flink/options.h"
#include "analyzer/sizing/fit.h"
#include "analyzer/sizing/flink_candidates.h"
#include "analyzer/sizing/proposal.h"
#include "analyzer/sizing/rules.h"
#include "analyzer/sizing/words.h"
#include "analyzer/sizing/write_buffers.h"

namespace wrackline::sizing {
namespace {

struct Question {
  std::vector<Run> runs;  // those that are to be held, sanitized
  std::size_t of = 0;     // runs that were given
  flink::Configuration configuration;
  flink::Version version;
  flink::TaskManagerMemory now;
  flink::RocksDbBudget budget;
  Objective objective;
  std::optional<Bytes> limit;
  bool assumed = false;  // what some run was granted is not known
};

Demand FamiliesOf(const Run& run) {
  Demand demand;
  demand.families = run.families;
  demand.databases = run.databases;
  return Sanitized(demand);
}

std::optional<Bytes> LimitOf(const std::vector<Run>& runs) {
  std::optional<Bytes> limit;
  for (const Run& run : runs) {
    if (run.limit) limit = limit ? std::min(*limit, *run.limit) : *run.limit;
  }
  return limit;
}

struct Answer {
  Fitted fitted;
  BackTest test;
  Bytes limit;
};

// The sizes under that limit, accepted by Flink and lived under by every run.
std::optional<Answer> Under(const Question& question, Needs* needs, Bytes limit,
                            const std::optional<Sizes>& given) {
  constexpr int kMostTries = 4;
  for (int i = 0; i < kMostTries; ++i) {
    std::optional<Sizes> sizes =
        given ? given : LargestUnder(*needs, limit, question.now.total_process, question.objective);
    if (!sizes) return std::nullopt;
    auto fitted = Realize(question.configuration, question.version, question.now, *needs, *sizes,
                          limit, question.objective);
    if (!fitted) return std::nullopt;
    auto test = TestBack(question.runs, {fitted->edit.configuration(), question.version, limit},
                         HeadroomUnder(limit, question.objective));
    if (!test.ok()) return std::nullopt;
    if (test.value().survives) return Answer{std::move(*fitted), std::move(test.value()), limit};
    // At one moment more was held than the components' peaks say: that much is added to what is fixed.
    const Bytes missing = test.value().headroom_asked - test.value().least_headroom;
    if (missing.count <= 0) return std::nullopt;
    needs->fixed += missing;
    if (given) return std::nullopt;
  }
  return std::nullopt;
}

Sizes Comfortable(const Needs& needs) {
  Sizes sizes = needs.Floors();
  sizes.managed = needs.comfortable;
  sizes.overhead = needs.comfortable_overhead;
  sizes.task_off_heap = needs.OffHeapBeside(sizes.managed);
  return sizes;
}

std::optional<Answer> Smallest(const Question& question, Needs* needs) {
  constexpr int kMostTries = 4;
  for (int i = 0; i < kMostTries; ++i) {
    Sizes sizes = Comfortable(*needs);
    const Bytes limit = SmallestLimitFor(*needs, sizes, question.objective);
    if (question.limit && limit > *question.limit) return std::nullopt;
    sizes.overhead += ProcessUnder(limit, question.objective) - needs->Total(sizes);
    if (auto answer = Under(question, needs, limit, sizes)) return answer;
  }
  return std::nullopt;
}

// The smallest limit under which this proposal exists; of the smallest pod, where there is none, the smallest at all.
Bytes SmallestThatWorks(Question question, Needs needs, bool fits) {
  question.limit.reset();
  if (question.objective.minimize && fits) {
    const auto answer = Smallest(question, &needs);
    return answer ? answer->limit : kLargestFigure;
  }
  for (;;) {
    const Bytes limit = SmallestLimitFor(needs, needs.Floors(), question.objective);
    const Bytes fixed = needs.fixed;
    if (limit >= kLargestFigure || Under(question, &needs, limit, std::nullopt)) return limit;
    // No more was found to be needed, and yet Flink has no such configuration.
    if (needs.fixed == fixed) return kLargestFigure;
  }
}

void AddComponents(const Needs& needs, const flink::TaskManagerMemory& before,
                   const flink::TaskManagerMemory& after, Proposal* proposal) {
  const auto row = [&](const char* name, const Need& need, Bytes floor, Bytes was, Bytes is) {
    proposal->components.push_back({name, need.peak, floor, was, is, need.reason});
  };
  row("JVM heap", needs.heap, needs.heap.floor, before.JvmHeap(), after.JvmHeap());
  row("managed memory", needs.managed, needs.managed.floor, before.managed, after.managed);
  row("network", needs.network, needs.network.floor, before.network, after.network);
  row("task off-heap", needs.task_off_heap, needs.OffHeapBeside(after.managed),
      before.task_off_heap, after.task_off_heap);
  row("framework off-heap",
      {{}, {}, {}, "as configured: direct buffers of Flink's own, and room for native memory"}, {},
      before.framework_off_heap, after.framework_off_heap);
  row("JVM metaspace", needs.metaspace, needs.metaspace.floor, before.jvm_metaspace,
      after.jvm_metaspace);
  row("JVM overhead", needs.overhead, std::min(needs.comfortable_overhead, after.jvm_overhead),
      before.jvm_overhead, after.jvm_overhead);
}

// Why a key of the memory model stays as it is: what its component needs of what it has.
std::string WhyKept(std::string_view key, const std::vector<ComponentRow>& components) {
  constexpr std::pair<std::string_view, std::string_view> kComponents[] = {
      {"taskmanager.memory.managed.", "managed memory"},
      {"taskmanager.memory.network.", "network"},
      {"taskmanager.network.memory.", "network"},
      {"taskmanager.memory.task.heap.", "JVM heap"},
      {"taskmanager.memory.framework.heap.", "JVM heap"},
      {"taskmanager.memory.task.off-heap.", "task off-heap"},
      {"taskmanager.memory.jvm-metaspace.", "JVM metaspace"},
      {"taskmanager.memory.jvm-overhead.", "JVM overhead"}};
  for (const auto& [prefix, name] : kComponents) {
    if (key.substr(0, prefix.size()) != prefix) continue;
    for (const ComponentRow& row : components) {
      if (row.name == name)
        return row.name + " needs " + FormatBytes(row.need) + " of " + FormatBytes(row.after);
    }
  }
  if (key.substr(0, 29) == "state.backend.rocksdb.memory.") return "RocksDB is bounded as it is";
  return key == "taskmanager.memory.framework.off-heap.size" ? "Flink's own: no proposal changes it"
                                                             : "it fits the limit";
}

// The keys of the memory model that were set and stay.
void AddKept(const Question& question, Proposal* proposal) {
  for (const auto& [key, value] : question.configuration) {
    const std::string_view text = key;
    if (text.substr(0, 19) != "taskmanager.memory." &&
        text.substr(0, 27) != "taskmanager.network.memory." &&
        text.substr(0, 29) != "state.backend.rocksdb.memory.")
      continue;
    if (proposal->settings.count(key) == 0)
      proposal->kept.push_back({key, value.text, WhyKept(key, proposal->components)});
  }
}

void ExplainUnmanaged(const Question& question, Bytes limit, Proposal* proposal) {
  const Run* most = nullptr;
  for (const Run& run : question.runs) {
    if (run.rocksdb_managed && !*run.rocksdb_managed &&
        (most == nullptr || UnmanagedNeed(FamiliesOf(run)) > UnmanagedNeed(FamiliesOf(*most))))
      most = &run;
  }
  if (most == nullptr) return;
  const std::string need = UnmanagedNeedEquation(FamiliesOf(*most));
  if (!need.empty())
    proposal->arithmetic.push_back(need + " that RocksDB may take, limit " + FormatBytes(limit));
  if (question.budget.kind != flink::RocksDbBudgetKind::kNone) {
    proposal->advice.push_back(
        "RocksDB ran without management although the configuration asks for it: look for "
        "state.backend.rocksdb.memory.managed or RocksDB options set in the job's code.");
  }
}

void ExplainOvershoot(const Needs& needs, Proposal* proposal) {
  if (needs.plan != RocksDbPlan::kManaged || !needs.beyond) return;
  const Needs::Beyond& run = *needs.beyond;
  const Bytes margin = Retention(run.bound);
  const std::string bound = run.fixed ? " its fixed budget" : " managed memory";
  // What more managed memory takes in is not beyond it any more.
  const std::string and_then = run.peak - run.bound == run.overshoot
                                   ? ""
                                   : ", " + FormatBytes(run.overshoot) + " with more of it";
  proposal->arithmetic.push_back("RocksDB's peak " + FormatBytes(run.peak) + " - " +
                                 FormatBytes(run.bound) + bound + " = " +
                                 FormatBytes(run.peak - run.bound) + " overshoot" + and_then);
  std::string sum = FormatBytes(run.overshoot) + " overshoot + " + FormatBytes(margin) +
                    " margin (1/8 of" + bound + ") = " + FormatBytes(run.overshoot + margin) +
                    ", rounded up to a multiple of " + FormatBytes(kOffHeapStep) + ": " +
                    FormatBytes(run.off_heap);
  const Bytes others = needs.task_off_heap.floor - run.off_heap;
  if (others.count > 0)
    sum += ", and " + FormatBytes(others) +
           " for direct buffers: " + FormatBytes(needs.task_off_heap.floor);
  proposal->arithmetic.push_back(sum + " task off-heap");
}

void ExplainPeak(const Needs& needs, const flink::TaskManagerMemory& then, const Proposal& proposal,
                 Bytes limit, std::vector<std::string>* arithmetic) {
  std::string sum =
      FormatBytes(then.JvmHeap()) + " heap + " + FormatBytes(then.network) + " network";
  const Bytes pool = needs.Pool(then.managed);
  if (pool.count > 0) {
    sum += " + " + FormatBytes(pool) + " RocksDB's pool";
    if (needs.plan == RocksDbPlan::kTurnOn) sum += " with 1/8 for the allocator";
  }
  arithmetic->push_back(
      sum + ", all full, + " + FormatBytes(needs.fixed) +
      " of everything else at its peak = " + FormatBytes(proposal.predicted_peak) + " predicted, " +
      FormatBytes(proposal.headroom) + " below the limit of " + FormatBytes(limit));
}

// No component's size, but with managed memory of this size a slot's memtables need it. Where a run had as little and got on, it is
// advice: how hard the next job writes is not known.
void FitWriteBuffers(const Question& question, const Needs& needs, Answer* answer,
                     Proposal* proposal) {
  if (needs.plan != RocksDbPlan::kManaged && needs.plan != RocksDbPlan::kTurnOn) return;
  const auto buffers = WriteBuffersFor(question.runs, answer->fitted.memory.managed,
                                       question.budget, question.version);
  if (!buffers) return;
  const std::string sum =
      std::to_string(buffers->written) + " written families of a slot and a flush x " +
      FormatBytes(buffers->block) + " (1/8 of a write buffer of " + FormatBytes(buffers->present) +
      ") = " + FormatBytes((buffers->written + 1) * buffers->block) +
      ", its write buffer manager is of " + FormatBytes(buffers->manager);
  if (buffers->wanted.count == 0) {
    proposal->advice.push_back(sum + ": a flush starts the next one, whatever the write buffer. " +
                               "Fewer slots, or more managed memory, would end that.");
    return;
  }
  const flink::Option& option = flink::options::kRocksDbWriteBufferSize;
  if (needs.plan == RocksDbPlan::kManaged &&
      answer->fitted.memory.managed >= question.now.managed) {
    proposal->advice.push_back(sum + ": under load a flush starts the next one. " +
                               std::string(option.key) + " of " + FormatBytes(buffers->wanted) +
                               " ends that; what bounds the memtables stays the same.");
    return;
  }
  proposal->arithmetic.push_back(sum + ": write buffers of " + FormatBytes(buffers->wanted) +
                                 " fit");
  answer->fitted.edit.Set(option, buffers->wanted,
                          "with larger ones a flush starts the next one: each written family of a "
                          "slot takes 1/8 of it at once");
}

std::string Hours(double hours) {
  if (hours < 1.0 / 60) return "less than a minute";
  if (hours < 2) return std::to_string(static_cast<int>(std::lround(hours * 60))) + " minutes";
  if (hours < 72) return std::to_string(static_cast<int>(std::lround(hours))) + " hours";
  return std::to_string(static_cast<long long>(std::llround(std::min(hours / 24, 1e9)))) + " days";
}

// A leak has no size: what it is, and when it ends the process under these settings.
void ExplainLeaks(const Question& question, Bytes headroom, Proposal* proposal) {
  for (const Run& run : question.runs) {
    for (const Leak& leak : run.leaks) {
      if (!(leak.bytes_per_hour > 0) || !std::isfinite(leak.bytes_per_hour)) continue;
      const double hours = std::max(0.0, static_cast<double>(headroom.count)) / leak.bytes_per_hour;
      proposal->advice.insert(
          proposal->advice.begin(),
          leak.what + " grows by " +
              FormatBytes({static_cast<std::int64_t>(std::min(leak.bytes_per_hour, 1e15))}) +
              " an hour (" + FormatBytes(leak.held) + " at the end of " + run.name +
              "): no size holds a leak. With what is free here it lasts " + Hours(hours) +
              " longer; mend it.");
    }
  }
}

void Advise(const Question& question, const Needs& needs, const flink::TaskManagerMemory& then,
            Proposal* proposal) {
  const auto& now = question.now;
  if (question.runs.size() < question.of) {
    proposal->advice.push_back("Held are " + std::to_string(question.runs.size()) + " of " +
                               std::to_string(question.of) +
                               " runs, those of the smallest demand, as the confidence asks.");
  }
  if (std::any_of(question.runs.begin(), question.runs.end(),
                  [](const Run& run) { return run.killed; })) {
    proposal->advice.push_back(
        "A run that its limit ended would have grown on: what it needed is at least what was seen. "
        "Record "
        "the next run too, and size again.");
  }
  if (std::any_of(question.runs.begin(), question.runs.end(),
                  [](const Run& run) { return run.partial; })) {
    proposal->advice.push_back(
        "Of some run there are metrics only: the process held more than they name. Its overhead is "
        "as it was; size by a recording before a pod gets smaller.");
  }
  if (question.assumed)
    proposal->advice.push_back(
        "What some run was granted is not known: it is taken to have run with this configuration.");
  if (!needs.heap.peak)
    proposal->advice.push_back(
        "How much of the heap was in use after collection is not known, so none of it was taken. A "
        "recording with the preload, or a GC log beside it, tells.");
  if (then.managed < now.managed && needs.plan == RocksDbPlan::kManaged)
    proposal->advice.push_back(
        "The room comes out of managed memory: RocksDB caches less and reads more from disk.");
  if (needs.plan == RocksDbPlan::kManaged && needs.overshoot.count == 0)
    proposal->advice.push_back("RocksDB stayed within its managed memory.");
}

void Summarize(const Question& question, const Needs& needs, const Answer& answer,
               Proposal* proposal) {
  const auto& then = answer.fitted.memory;
  const std::string ends = " The process then peaks at " + FormatBytes(proposal->predicted_peak) +
                           " at most, of " + FormatBytes(answer.limit) + ".";
  if (proposal->changes.empty()) {
    proposal->summary = "No change: every component has what it needs." + ends;
  } else if (needs.plan == RocksDbPlan::kTurnOn) {
    proposal->summary = "Let Flink manage RocksDB's memory: " + FormatBytes(then.managed) +
                        " of managed memory bound all caches and memtables." + ends;
  } else if (question.objective.minimize) {
    proposal->summary = "A pod of " + FormatBytes(answer.limit) + " is enough." + ends;
  } else if (needs.overshoot.count > 0 && then.task_off_heap > question.now.task_off_heap) {
    proposal->summary =
        "RocksDB goes " + FormatBytes(needs.overshoot) +
        " beyond its managed memory: give that room with taskmanager.memory.task.off-heap.size." +
        ends;
  } else {
    proposal->summary = "Give each component what it needs." + ends;
  }
}

void ExplainNoFit(const Needs& needs, Bytes limit, Proposal* proposal) {
  const Sizes floors = needs.Floors();
  proposal->summary = proposal->smallest_limit >= kLargestFigure
                          ? "No configuration of this shape fits any limit."
                          : "Nothing fits under " + FormatBytes(limit) + ": " +
                                FormatBytes(proposal->smallest_limit - limit) +
                                " are missing. The smallest limit that works is " +
                                FormatBytes(proposal->smallest_limit) + ".";
  proposal->arithmetic.push_back(
      "the least of each: " + FormatBytes(floors.heap) + " heap + " + FormatBytes(floors.managed) +
      " managed + " + FormatBytes(floors.network) + " network + " +
      FormatBytes(floors.task_off_heap + needs.framework_off_heap) + " off-heap + " +
      FormatBytes(floors.metaspace) + " metaspace + " + FormatBytes(floors.overhead) +
      " overhead = " + FormatBytes(needs.Total(floors)) + " process; its peak " +
      FormatBytes(needs.Predicted(floors)));
}

Proposal Propose(const Question& question) {
  Proposal proposal;
  Needs needs = NeedsOf(question.runs, question.now, question.budget);
  const Bytes limit = question.limit.value_or(question.now.total_process);
  if (!question.limit) {
    proposal.advice.push_back(
        "No memory limit was recorded or given: the configured process size, " +
        FormatBytes(limit) + ", is taken for it.");
  }
  if (needs.plan == RocksDbPlan::kTurnOn) ExplainUnmanaged(question, limit, &proposal);
  ExplainOvershoot(needs, &proposal);
  const Needs before = needs;
  std::optional<Answer> answer = question.objective.minimize
                                     ? Smallest(question, &needs)
                                     : Under(question, &needs, limit, std::nullopt);
  // What RocksDB made use of does not fit; with less it works as well.
  const bool comfortable = answer.has_value();
  if (!answer && question.objective.minimize) {
    needs = before;
    if (question.limit) answer = Under(question, &needs, limit, std::nullopt);
  }
  proposal.smallest_limit = SmallestThatWorks(question, needs, comfortable);
  if (!answer) {
    proposal.predicted_peak = needs.Predicted(needs.Floors());
    proposal.headroom = limit - proposal.predicted_peak;
    ExplainNoFit(needs, limit, &proposal);
    ExplainLeaks(question, {}, &proposal);
    return proposal;
  }
  const flink::TaskManagerMemory& then = answer->fitted.memory;
  proposal.fits = true;
  FitWriteBuffers(question, needs, &*answer, &proposal);
  proposal.changes = answer->fitted.edit.changes();
  for (const Change& change : proposal.changes) proposal.settings[change.key] = change.new_value;
  const Sizes sizes{then.JvmHeap(), then.jvm_metaspace, then.network,
                    then.managed,   then.task_off_heap, then.jvm_overhead};
  proposal.predicted_peak = needs.Predicted(sizes);
  proposal.headroom = answer->limit - proposal.predicted_peak;
  proposal.smallest_limit = std::min(proposal.smallest_limit, answer->limit);
  AddComponents(needs, question.now, then, &proposal);
  AddKept(question, &proposal);
  ExplainPeak(needs, then, proposal, answer->limit, &proposal.arithmetic);
  proposal.arithmetic.push_back(DerivedAgain(question.now, then, answer->limit));
  Advise(question, needs, then, &proposal);
  ExplainLeaks(question, proposal.headroom, &proposal);
  Summarize(question, needs, *answer, &proposal);
  proposal.backtest = std::move(answer->test);
  return proposal;
}

}  // namespace

Result<Proposal> ProposeFlink(const std::vector<Run>& runs, const Target& target,
                              const Objective& objective) {
  if (runs.empty()) return Error{"no recorded run to size by", "sizing"};
  for (const Run& run : runs) {
    if (run.moments.empty())
      return Error{"nothing says how much it held at any moment", "sizing: " + run.name};
  }
  const auto now = flink::DeriveTaskManagerMemory(target.configuration, target.version,
                                                  flink::Mode::kStandalone);
  if (!now.ok()) return now.error();
  const auto budget =
      flink::ReadRocksDbBudget(target.configuration, target.version, now.value().managed);
  if (!budget.ok()) return budget.error();
  std::vector<Run> sane;
  sane.reserve(runs.size());
  bool assumed = false;
  for (const Run& run : runs) {
    sane.push_back(Sanitized(run));
    if (sane.back().granted) continue;
    assumed = true;
    sane.back().granted = now.value();
  }
  Question question{ToHold(std::move(sane), objective.confidence),
                    runs.size(),
                    target.configuration,
                    target.version,
                    now.value(),
                    budget.value(),
                    objective,
                    {},
                    assumed};
  question.limit = objective.limit ? objective.limit : LimitOf(runs);
  if (question.limit) question.limit = std::clamp(*question.limit, Bytes{}, kLargestFigure);
  return Propose(question);
}

}  // namespace wrackline::sizing
