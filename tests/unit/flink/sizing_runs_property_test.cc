// Random runs, configurations, limits and objectives: a proposal is accepted by the memory model of its version, fits, and gives every
// component at least its demand; and where none is made, a search over a grid of sizes finds none either. What a demand is and what
// fits are written down here a second time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/memory_size.h"
#include "analyzer/flink/rocksdb_memory.h"
#include "analyzer/sizing/proposal.h"
#include "tests/unit/flink/random_configurations.h"

namespace wrackline::sizing {
namespace {

constexpr const char* kProcess = "taskmanager.memory.process.size";
constexpr const char* kFlink = "taskmanager.memory.flink.size";
constexpr const char* kTaskHeap = "taskmanager.memory.task.heap.size";
constexpr const char* kManagedSize = "taskmanager.memory.managed.size";
constexpr const char* kOffHeap = "taskmanager.memory.task.off-heap.size";
constexpr const char* kTurnOn = "state.backend.rocksdb.memory.managed";

struct Question {
  flink::Configuration configuration;
  flink::Version version;
  flink::TaskManagerMemory now;
  std::vector<sizing::Run> runs;
  Objective objective;
  Bytes limit;
  int slots = 1;
  bool rocksdb = false, unmanaged = false;
};

class Questions : testing::RandomConfigurations {
 public:
  explicit Questions(std::uint64_t seed) : RandomConfigurations(seed) {}

  Question Next() {
    for (;;) {
      Question question = Draw();
      const auto now = flink::DeriveTaskManagerMemory(question.configuration, question.version,
                                                      flink::Mode::kStandalone);
      if (!now.ok()) continue;
      question.now = now.value();
      DrawRuns(question);
      return question;
    }
  }

 private:
  Question Draw() {
    Question question;
    question.version = DrawVersion();
    auto& c = question.configuration;
    DrawSizes(&c);
    if (OneIn(6)) c.Set("taskmanager.memory.jvm-metaspace.size", Mebibytes(64, 512));
    if (OneIn(6)) c.Set("taskmanager.memory.framework.off-heap.size", Mebibytes(0, 256));
    if (OneIn(6)) c.Set("taskmanager.memory.jvm-overhead.max", Mebibytes(200, 2000));
    question.slots = DrawSlots(&c);
    question.rocksdb = !OneIn(4);
    question.unmanaged = question.rocksdb && OneIn(3);
    if (question.unmanaged) c.Set(kTurnOn, "false");
    return question;
  }

  void DrawRuns(Question& question) {
    const auto& now = question.now;
    question.limit = Percent(now.total_process, 40, 150);
    question.objective.limit = question.limit;
    question.objective.minimize = OneIn(4);
    if (OneIn(3)) {
      question.objective.headroom = Percent(question.limit, 0, 30);
    } else {
      question.objective.headroom_share = static_cast<double>(Below(20)) / 100;
    }
    for (std::int64_t n = 1 + Below(3); n > 0; --n) question.runs.push_back(DrawRun(question));
  }

  sizing::Run DrawRun(const Question& question) {
    const auto& now = question.now;
    sizing::Run run;
    run.name = "run";
    run.killed = OneIn(4);
    if (!OneIn(5)) run.granted = now;
    run.slots = question.slots;
    if (OneIn(2)) run.network_used = Percent(now.network, 0, 101);
    if (question.rocksdb) {
      run.rocksdb_managed = !question.unmanaged;
      run.families = {{"state", (1 + Below(128)) * kMiB, 2, {}, {}, question.slots}};
      run.databases = question.slots;
    }
    run.partial = OneIn(8);
    // Python's or a batch operator's, which are seen nowhere else.
    Bytes others;
    if (!question.rocksdb && OneIn(2)) {
      run.managed_used = Percent(now.managed, 0, 101);
      others = Percent(*run.managed_used, 0, 101);
    }
    const bool sees_heap = !OneIn(5), collected = !OneIn(4), sees_vm = !OneIn(5);
    const std::int64_t fill = 20 + Below(81), live = 1 + Below(fill), native = 5 + Below(120);
    for (std::int64_t i = 1 + Below(6); i > 0; --i) {
      Moment moment;
      moment.at = Milliseconds{(7 - i) * 10'000};
      if (sees_heap) {
        moment.heap = Percent(now.JvmHeap(), fill / 2, fill + 1);
        if (collected) moment.heap_live = Percent(*moment.heap, live / 2, live + 1);
      }
      if (sees_vm) {
        moment.metaspace = Percent(now.jvm_metaspace, 10, 101);
        moment.direct = now.network + Percent(now.framework_off_heap + now.task_off_heap, 0, 101);
      }
      if (question.rocksdb) {
        moment.caches = Percent(question.unmanaged ? now.total_process : now.managed, 5,
                                question.unmanaged ? 30 : 110);
        moment.memtables = Percent(now.managed, 0, 20);
        moment.table_readers = {OneIn(2) ? 0 : Below(16 << 20)};
      }
      moment.working_set = moment.heap.value_or(Bytes{}) + moment.metaspace.value_or(Bytes{}) +
                           moment.direct.value_or(Bytes{}) + moment.RocksDb() + others +
                           Percent(now.jvm_overhead, native / 2, native + 1);
      run.moments.push_back(moment);
    }
    return run;
  }
};

struct Layout {
  Bytes heap, metaspace, network, managed, task_off_heap, overhead, framework_off_heap;
  Bytes Total() const {
    return heap + metaspace + network + managed + task_off_heap + overhead + framework_off_heap;
  }
};

Layout LayoutOf(const flink::TaskManagerMemory& m) {
  return {m.JvmHeap(),     m.jvm_metaspace, m.network,           m.managed,
          m.task_off_heap, m.jvm_overhead,  m.framework_off_heap};
}

Bytes HeadroomOf(const Question& question, Bytes limit) {
  if (question.objective.headroom) return *question.objective.headroom;
  return {static_cast<std::int64_t>(static_cast<double>(limit.count) *
                                    question.objective.headroom_share)};
}

bool RocksDbWorks(const Question& question, const sizing::Run& run, Bytes managed) {
  const auto memory = flink::DivideForRocksDb(flink::ManagedPerSlot(managed, question.slots), 0.5);
  return memory.cache_capacity >= 8 * kMiB &&
         flink::ArenaBlockFits(run.families[0].write_buffer_size,
                               memory.write_buffer_manager_capacity);
}

// What is there beside the other components: so much that at most one moment of twenty has more, or what the last three say.
Bytes RestOf(const std::vector<Bytes>& amounts) {
  std::vector<Bytes> sorted = amounts;
  std::sort(sorted.begin(), sorted.end());
  std::size_t below = 0;
  while ((below + 1) * 20 < sorted.size() * 19) ++below;
  std::vector<Bytes> last(amounts.end() - std::min<std::ptrdiff_t>(3, std::ssize(amounts)),
                          amounts.end());
  std::sort(last.begin(), last.end());
  return std::max({Bytes{}, sorted[below], last[last.size() / 2]});
}

// So near to its bound that it may have been held back.
bool Full(Bytes amount, Bytes bound) { return amount >= bound - Bytes{bound.count / 32}; }

Bytes Fraction(Bytes amount, std::int64_t numerator, std::int64_t denominator) {
  return {amount.count / denominator * numerator};
}

// Every component of every run has what it was seen to need and its margin, and all of them at their peaks leave the headroom.
bool Enough(const Question& question, const Layout& layout, Bytes limit) {
  const auto& now = question.now;
  Bytes beside, overshoot_of_all, most_buffers, off_heap;
  Bytes reserved;
  bool told = true;
  for (const sizing::Run& run : question.runs) {
    told = told && run.managed_used;
    if (run.managed_used) reserved = std::max(reserved, *run.managed_used);
  }
  if (!told) reserved = now.managed;
  for (const sizing::Run& run : question.runs) {
    Bytes live, touched, metaspace, other, overshoot, readers;
    bool collected = false, sees_heap = false, sees_vm = false;
    std::vector<Bytes> rest, beyond;
    for (const Moment& moment : run.moments) {
      collected |= moment.heap_live.has_value();
      sees_heap |= moment.heap.has_value();
      sees_vm |= moment.metaspace.has_value();
      live = std::max(live, moment.heap_live.value_or(Bytes{}));
      touched = std::max(touched, moment.heap.value_or(Bytes{}));
      metaspace = std::max(metaspace, moment.metaspace.value_or(Bytes{}));
      other = std::max(other, moment.direct.value_or(Bytes{}) - now.network);
      readers = std::max(readers, moment.table_readers.value_or(Bytes{}));
      // What was not seen is taken to be full.
      rest.push_back(moment.Rest() - (moment.heap ? Bytes{} : now.JvmHeap()) -
                     (moment.direct ? Bytes{} : now.network));
      beyond.push_back(std::max(Bytes{}, moment.RocksDb() - now.managed));
      overshoot = std::max(overshoot, beyond.back());
    }
    // The heap: half as much again as what is live, or what it ran with.
    Bytes heap = now.JvmHeap();
    if (collected) {
      heap = Fraction(live, 3, 2);
      if (!Full(live, now.JvmHeap())) heap = std::min(heap, now.JvmHeap());
    } else if (sees_heap) {
      heap = std::min(now.JvmHeap(), touched);
    }
    if (layout.heap < heap || layout.heap < live) return false;
    Bytes classes = sees_vm ? Fraction(metaspace, 3, 2) : now.jvm_metaspace;
    if (!Full(metaspace, now.jvm_metaspace)) classes = std::min(classes, now.jvm_metaspace);
    if (layout.metaspace < classes) return false;
    const Bytes network =
        sees_vm && run.network_used ? Fraction(*run.network_used, 5, 4) : now.network;
    if (layout.network < std::min(now.network, network)) return false;
    const bool held_back = Full(other, now.framework_off_heap + now.task_off_heap);
    const Bytes buffers = other + Fraction(other, 1, held_back ? 2 : 8);
    most_buffers = std::max(most_buffers, buffers);
    // What nothing names, in the budgets for native memory that direct buffers leave, and in managed memory that is not RocksDB's. In
    // metrics it does not show.
    Bytes native = RestOf(rest);
    if (run.partial) {
      native = std::max(native, now.jvm_overhead);
      if (layout.overhead < now.jvm_overhead) return false;
    } else {
      const Bytes elsewhere = std::min(run.managed_used.value_or(Bytes{}), now.managed);
      if (layout.overhead + std::max(Bytes{}, layout.framework_off_heap - buffers) <
          native - elsewhere)
        return false;
    }
    beside =
        std::max(beside, metaspace + other + native + (question.unmanaged ? readers : Bytes{}));
    if (!question.rocksdb) {
      if (layout.managed < std::min(now.managed, reserved)) return false;
      continue;
    }
    if (question.unmanaged) {
      if (!RocksDbWorks(question, run, layout.managed)) return false;
      off_heap = Fraction(layout.managed, 1, 8);
      continue;
    }
    if (layout.managed < now.managed && !RocksDbWorks(question, run, layout.managed)) return false;
    std::sort(beyond.begin(), beyond.end());
    const Bytes lasting = beyond[beyond.size() / 2];
    if (lasting > Bytes{(now.managed.count + 7) / 8}) {
      // A third of what is added is the memtables'.
      if (layout.managed < now.managed + Fraction(lasting, 3, 2)) return false;
      overshoot = std::max(Bytes{}, overshoot - lasting);
    }
    if (lasting > Bytes{(now.managed.count + 7) / 8}) {
      // Up to a step of 32 MiB more was added to managed memory.
      if (overshoot.count > 32 << 20)
        off_heap = std::max(off_heap, overshoot - 32 * kMiB + Fraction(now.managed, 1, 8));
      overshoot_of_all = std::max(overshoot_of_all, overshoot - 32 * kMiB);
    } else if (overshoot.count > 0) {
      const Bytes step = 32 * kMiB;
      const std::int64_t steps =
          (overshoot.count + (now.managed.count + 7) / 8 + step.count - 1) / step.count;
      off_heap = std::max(off_heap, steps * step);
      overshoot_of_all = std::max(overshoot_of_all, overshoot);
    }
  }
  off_heap += std::max(Bytes{}, most_buffers - now.framework_off_heap);
  if (layout.task_off_heap < off_heap) return false;
  const Bytes pool = !question.rocksdb    ? Bytes{}
                     : question.unmanaged ? layout.managed + Bytes{layout.managed.count / 8}
                                          : layout.managed;
  const Bytes peak = layout.heap + layout.network + pool + beside + overshoot_of_all;
  return layout.Total() <= limit && peak + HeadroomOf(question, limit) <= limit;
}

// A run that does not say what it was granted ran with the configuration as it was.
Result<BackTest> Replayed(const Question& question, const flink::Configuration& configuration,
                          Bytes limit, Bytes headroom) {
  std::vector<sizing::Run> runs = question.runs;
  for (sizing::Run& run : runs) {
    if (!run.granted) run.granted = question.now;
  }
  return TestBack(runs, {configuration, question.version, limit}, headroom);
}

std::optional<flink::TaskManagerMemory> Derive(const flink::Configuration& configuration,
                                               flink::Version version) {
  const auto memory =
      flink::DeriveTaskManagerMemory(configuration, version, flink::Mode::kStandalone);
  if (!memory.ok()) return std::nullopt;
  return memory.value();
}

void ExpectSound(const Question& question, const Proposal& proposal) {
  flink::Configuration changed = question.configuration;
  for (const Change& change : proposal.changes) {
    if (change.new_value.empty()) {
      changed.Remove(change.key);
    } else {
      changed.Set(change.key, change.new_value);
    }
  }
  const auto memory = Derive(changed, question.version);
  ASSERT_TRUE(memory.has_value()) << "Flink refuses it";
  const Layout layout = LayoutOf(*memory);
  EXPECT_EQ(layout.Total(), memory->total_process);
  const Bytes limit = proposal.predicted_peak + proposal.headroom;
  EXPECT_LE(limit, question.limit);
  if (!question.objective.minimize) {
    EXPECT_EQ(limit, question.limit);
  }
  EXPECT_TRUE(Enough(question, layout, limit));
  EXPECT_GE(proposal.headroom, HeadroomOf(question, limit));
  EXPECT_LE(proposal.smallest_limit, limit);
  const auto test = Replayed(question, changed, limit, {});
  ASSERT_TRUE(test.ok());
  EXPECT_TRUE(test.value().survives);
  EXPECT_GE(test.value().least_headroom, HeadroomOf(question, limit));
  EXPECT_TRUE(!question.unmanaged || changed.Get(kTurnOn) == "true");
}

// Sizes one by one, so many of each between nothing and what there is room for: those that are enough and survive are tried on Flink's
// model. The limit is taken 10 MiB smaller, since every size is rounded up to a MiB.
bool GridFinds(const Question& question) {
  const Bytes limit = question.limit - 10 * kMiB;
  const auto& now = question.now;
  const auto value = [&](const Bytes most, int step, int steps) {
    return Bytes{most.count / steps * step / kMiB.count * kMiB.count};
  };
  constexpr int kHeap = 12, kManaged = 10, kOffHeapSteps = 6, kMetaspace = 3, kOverhead = 8;
  const Bytes framework_heap = now.framework_heap;
  for (int m = 0; m <= kMetaspace; ++m)
    for (int g = 0; g <= kManaged; ++g)
      for (int o = 0; o <= kOffHeapSteps; ++o)
        for (int v = 0; v <= kOverhead; ++v)
          for (int n = 0; n <= 2; ++n)
            for (int h = 0; h <= kHeap; ++h) {
              Layout layout{framework_heap + value(now.JvmHeap() + kMiB, h, kHeap),
                            value(now.jvm_metaspace + kMiB, m, kMetaspace),
                            value(now.network + kMiB, n, 2),
                            value(now.managed + kMiB, g, kManaged),
                            value(now.managed + kMiB, o, 4 * kOffHeapSteps),
                            value(now.jvm_overhead + now.jvm_overhead, v, kOverhead),
                            now.framework_off_heap};
              if (layout.Total() > limit || !Enough(question, layout, limit)) continue;
              flink::Configuration c = question.configuration;
              c.Remove(kFlink);
              c.Remove(kTaskHeap);
              const auto write = [](Bytes size) { return flink::WriteMemorySize({size.count}); };
              c.Set(kProcess, write(layout.Total()));
              c.Set(kManagedSize, write(layout.managed));
              c.Set(kOffHeap, write(layout.task_off_heap));
              c.Set("taskmanager.memory.jvm-metaspace.size", write(layout.metaspace));
              for (const char* end : {"min", "max"}) {
                c.Set(std::string("taskmanager.memory.network.") + end, write(layout.network));
                c.Set(std::string("taskmanager.memory.jvm-overhead.") + end,
                      write(layout.overhead));
              }
              if (question.unmanaged) c.Set(kTurnOn, "true");
              const auto memory = Derive(c, question.version);
              if (!memory) continue;
              const auto test = Replayed(question, c, limit, HeadroomOf(question, limit));
              if (test.ok() && test.value().survives) return true;
            }
  return false;
}

// The search is arithmetic, which AddressSanitizer makes twenty times slower and has little to say on.
#ifdef __SANITIZE_ADDRESS__
constexpr int kQuestions = 500;
#else
constexpr int kQuestions = 10'000;
#endif

TEST(ProposeFromRunsProperty, EveryProposalIsSoundAndEveryRefusalIsConfirmed) {
  Questions questions(20261129);
  int fits = 0, refused = 0;
  for (int i = 0; i < kQuestions; ++i) {
    const Question question = questions.Next();
    const auto answer = ProposeFlink(question.runs, {question.configuration, question.version, {}},
                                     question.objective);
    ASSERT_TRUE(answer.ok()) << answer.error().Text();
    const Proposal& proposal = answer.value();
    SCOPED_TRACE("question " + std::to_string(i) + ": " + proposal.summary);
    if (proposal.fits) {
      ++fits;
      ExpectSound(question, proposal);
    } else {
      ++refused;
      EXPECT_TRUE(proposal.changes.empty() && proposal.settings.empty());
      if (!question.objective.minimize) {
        EXPECT_FALSE(GridFinds(question));
      }
      Question larger = question;
      larger.objective.limit = proposal.smallest_limit;
      EXPECT_TRUE(
          ProposeFlink(larger.runs, {larger.configuration, larger.version, {}}, larger.objective)
              .value()
              .fits)
          << "the smallest limit does not work";
    }
    if (HasFailure()) {
      for (const auto& [key, value] : question.configuration)
        std::printf("  %s: %s\n", key.c_str(), value.text.c_str());
      for (const std::string& line : proposal.arithmetic) std::printf("  %s\n", line.c_str());
      for (const ComponentRow& row : proposal.components)
        std::printf("  %s: peak %s need %s before %s after %s\n", row.name.c_str(),
                    row.peak ? FormatBytes(*row.peak).c_str() : "-", FormatBytes(row.need).c_str(),
                    FormatBytes(row.before).c_str(), FormatBytes(row.after).c_str());
      std::printf("  version %s, limit %s, rocksdb %d unmanaged %d minimize %d\n",
                  flink::FormatVersion(question.version).c_str(),
                  FormatBytes(question.limit).c_str(), question.rocksdb, question.unmanaged,
                  question.objective.minimize);
      return;
    }
  }
  std::printf("%d fit, %d do not\n", fits, refused);
  // Both are asked often enough to be tested.
  EXPECT_GT(fits, kQuestions / 5);
  EXPECT_GT(refused, kQuestions / 10);
}

}  // namespace
}  // namespace wrackline::sizing
