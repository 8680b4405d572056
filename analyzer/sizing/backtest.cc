#include "analyzer/sizing/backtest.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "analyzer/flink/model_facts.h"
#include "analyzer/flink/rocksdb_budget.h"
#include "analyzer/sizing/replay_model.h"
#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

Result<Budgets> BudgetsOf(const Target& target) {
  // As ProposeFlink reads it. The modes differ in two keys that are read before 2.0 only.
  const auto memory = flink::DeriveTaskManagerMemory(target.configuration, target.version,
                                                     flink::Mode::kStandalone);
  if (!memory.ok()) return memory.error();
  const auto rocksdb =
      flink::ReadRocksDbBudget(target.configuration, target.version, memory.value().managed);
  if (!rocksdb.ok()) return rocksdb.error();
  Budgets budgets{memory.value(), rocksdb.value(), {}};
  if (budgets.rocksdb.kind == flink::RocksDbBudgetKind::kNone) {
    const flink::ModelFacts facts = flink::ExplainModel(
        target.configuration, target.version, flink::Role::kTaskManager, flink::Mode::kStandalone);
    if (facts.rocksdb) budgets.family_cache = Clamped(facts.rocksdb->block_cache);
  }
  return budgets;
}

std::vector<Replay::Part> PartsOf(const Parts& recorded, const Parts& predicted) {
  return {{"heap", recorded.heap, predicted.heap},
          {"metaspace", recorded.metaspace, predicted.metaspace},
          {"direct and network", recorded.direct, predicted.direct},
          {"rocksdb", recorded.rocksdb, predicted.rocksdb},
          {"rest", recorded.rest, predicted.rest}};
}

// Replays the moments of one run until one of them is its end.
class Replaying {
 public:
  Replaying(sizing::Run run, const Budgets& budgets, Bytes limit)
      : run_(std::move(run)), budgets_(budgets), limit_(limit), model_(run_, budgets) {}

  Replay Run() {
    replay_.run = run_.name;
    for (const Moment& moment : run_.moments) {
      if (!Lives(moment, ReplayModel::Recorded(moment), model_.Predicted(moment))) break;
    }
    if (run_.killed && replay_.death == Death::kNone) {
      const ReplayModel::Beyond beyond = model_.BeyondTheKill();
      Lives(beyond.peaks, beyond.recorded, beyond.predicted);
    }
    replay_.headroom = limit_ - replay_.peak;
    replay_.parts = PartsOf(recorded_, predicted_);
    replay_.assumptions = model_.Assumptions();
    if (replay_.death == Death::kNone) AddLeaks();
    return std::move(replay_);
  }

 private:
  Death DeathOf(const Moment& moment, const Parts& predicted) const {
    // The VM refuses before it takes the memory: its own bounds come first.
    if (moment.heap_live.value_or(Bytes{}) > budgets_.memory.JvmHeap()) return Death::kHeap;
    if (moment.metaspace.value_or(Bytes{}) > budgets_.memory.jvm_metaspace)
      return Death::kMetaspace;
    if (predicted.direct > budgets_.memory.JvmDirect()) return Death::kDirectMemory;
    return predicted.Sum() > limit_ ? Death::kLimit : Death::kNone;
  }

  bool Lives(const Moment& moment, const Parts& recorded, const Parts& predicted) {
    last_at_ = moment.at;
    last_ = predicted.Sum();
    if (!started_ || last_ > replay_.peak) {
      started_ = true;
      replay_.peak = last_;
      replay_.peak_at = moment.at;
      recorded_ = recorded;
      predicted_ = predicted;
    }
    replay_.death = DeathOf(moment, predicted);
    if (replay_.death == Death::kNone) return true;
    replay_.died_at = moment.at;
    return false;
  }

  // A leak has no size: what is said is how long the rest of the limit lasts.
  void AddLeaks() {
    double rate = 0;
    for (const Leak& leak : run_.leaks) {
      if (!(leak.bytes_per_hour > 0) || !std::isfinite(leak.bytes_per_hour)) continue;
      rate += leak.bytes_per_hour;
      replay_.assumptions.push_back(
          "its leak goes on: " + leak.what + " grows by " +
          FormatBytes(Clamped(Bytes{std::llround(
              std::min(leak.bytes_per_hour, static_cast<double>(kLargestFigure.count)))})) +
          " an hour");
    }
    if (rate <= 0) return;
    const double hours = static_cast<double>((limit_ - last_).count) / rate +
                         std::chrono::duration<double, std::ratio<3600>>(last_at_).count();
    replay_.assumptions.push_back("no size holds a leak: it reaches the limit of " +
                                  FormatBytes(limit_) + " " + AfterHours(hours) +
                                  " after its start, and that is no part of this verdict");
  }

  static std::string AfterHours(double hours) {
    const auto counted = [](double amount, const char* unit) {
      const auto whole = static_cast<std::int64_t>(std::floor(amount));
      return std::to_string(whole) + " " + unit + (whole == 1 ? "" : "s");
    };
    if (hours < 2) return counted(hours * 60, "minute");
    if (hours < 48) return counted(hours, "hour");
    return hours < 24 * 3650 ? counted(hours / 24, "day") : "more than ten years";
  }

  const sizing::Run run_;
  const Budgets& budgets_;
  Bytes limit_;
  ReplayModel model_;
  Replay replay_;
  bool started_ = false;
  Parts recorded_, predicted_;
  Milliseconds last_at_{};
  Bytes last_;
};

}  // namespace

Result<BackTest> TestBack(const std::vector<Run>& runs, const Target& target, Bytes headroom) {
  if (runs.empty())
    return Error{"there is no recorded run to replay", "give recordings, folders or a run file"};
  for (const Run& run : runs) {
    if (run.moments.empty())
      return Error{run.name + " has no moment at which its memory was seen",
                   "it was too short, or nothing of it was recorded: leave it out"};
  }
  const Result<Budgets> budgets = BudgetsOf(target);
  if (!budgets.ok()) return budgets.error();
  BackTest test;
  test.memory = budgets.value().memory;
  test.limit = Clamped(target.limit.value_or(test.memory.total_process));
  test.headroom_asked = Clamped(headroom);
  test.replays.reserve(runs.size());
  test.survives = true;
  test.least_headroom = test.limit;
  for (const Run& run : runs) {
    Replay replay = Replaying(Sanitized(run), budgets.value(), test.limit).Run();
    test.survives = test.survives && replay.death == Death::kNone;
    test.least_headroom = std::min(test.least_headroom, replay.headroom);
    test.replays.push_back(std::move(replay));
  }
  test.survives = test.survives && test.least_headroom >= test.headroom_asked;
  return test;
}

}  // namespace wrackline::sizing
