// Random demands, limits and configurations: a proposal is accepted by the memory model of its
// version, fits its limit and covers the demand; and where none is made, a search over a grid of
// configurations finds none either.
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

constexpr const char* kFlink = "taskmanager.memory.flink.size";
constexpr const char* kTaskHeap = "taskmanager.memory.task.heap.size";
constexpr const char* kManagedSize = "taskmanager.memory.managed.size";
constexpr const char* kOffHeap = "taskmanager.memory.task.off-heap.size";
constexpr const char* kManaged = "state.backend.rocksdb.memory.managed";

struct Question {
  flink::Configuration configuration;
  flink::Version version;
  flink::TaskManagerMemory now;
  Demand demand;
  int slots = 1;
  bool unmanaged = false;
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
      DrawDemand(question);
      return question;
    }
  }

 private:
  Question Draw() {
    Question question;
    question.version = DrawVersion();
    auto& c = question.configuration;
    DrawSizes(&c);
    question.slots = DrawSlots(&c);
    question.unmanaged = OneIn(3);
    if (question.unmanaged) c.Set(kManaged, "false");
    return question;
  }

  void DrawDemand(Question& question) {
    const auto& now = question.now;
    Demand& demand = question.demand;
    demand.limit = Bytes{now.total_process.count * (80 + Below(50)) / 100};
    demand.families = {{"state", {(1 + Below(128)) << 20}, 2, {}, {}, question.slots}};
    demand.databases = question.slots;
    if (question.unmanaged) {
      demand.memtables_peak = {Below(now.total_process.count)};
      demand.outside_rocksdb = {now.total_process.count * (20 + Below(80)) / 100};
    } else {
      demand.shared_cache = demand.write_buffer_manager = true;
      demand.caches_usage_peak = {now.managed.count * (80 + Below(50)) / 100};
      demand.outside_rocksdb = {(now.total_process - now.managed).count * (60 + Below(50)) / 100};
    }
    demand.table_readers_peak = {OneIn(2) ? 0 : Below(16 << 20)};
    demand.peak_working_set =
        demand.outside_rocksdb + demand.caches_usage_peak + demand.memtables_peak;
  }
};

std::optional<flink::TaskManagerMemory> Derive(const flink::Configuration& configuration,
                                               flink::Version version) {
  const auto memory =
      flink::DeriveTaskManagerMemory(configuration, version, flink::Mode::kStandalone);
  if (!memory.ok()) return std::nullopt;
  return memory.value();
}

bool ArenaWorks(const Question& question, Bytes managed) {
  const auto memory = flink::DivideForRocksDb(flink::ManagedPerSlot(managed, question.slots), 0.5);
  return memory.cache_capacity >= 8 * kMiB &&
         flink::ArenaBlockFits(question.demand.families[0].write_buffer_size,
                               memory.write_buffer_manager_capacity);
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
  ASSERT_TRUE(memory.has_value()) << proposal.summary;
  const Demand& demand = question.demand;
  EXPECT_LE(memory->total_process, *demand.limit);
  EXPECT_LE(proposal.predicted_peak, *demand.limit);
  EXPECT_EQ(proposal.headroom, *demand.limit - proposal.predicted_peak);
  EXPECT_GE(3 * memory->task_heap, Bytes{}) << "no negative component";
  EXPECT_LE(proposal.smallest_limit, *demand.limit);
  if (question.unmanaged) {
    EXPECT_EQ(changed.Get(kManaged), "true");
    EXPECT_TRUE(ArenaWorks(question, memory->managed));
    EXPECT_LE(demand.outside_rocksdb + demand.table_readers_peak + memory->managed, *demand.limit);
    return;
  }
  const Bytes overshoot =
      demand.caches_usage_peak + demand.table_readers_peak - question.now.managed;
  if (overshoot.count > 0) {
    EXPECT_GE(memory->task_off_heap, overshoot) << proposal.summary;
  }
}

// Management on and M as managed memory; what today's managed memory has more goes to task
// off-heap, what it has less comes out of the task heap, at most two thirds of it: for every M on a
// 1 MiB grid. The limit is taken 1 % smaller, since the solver works in whole MiB elsewhere too.
bool GridFindsUnmanaged(const Question& question) {
  const Demand& demand = question.demand;
  const auto& now = question.now;
  const Bytes limit{demand.limit->count / 100 * 99};
  const Bytes most = now.managed + Bytes{now.task_heap.count / 3 * 2} - 2 * kMiB;
  for (Bytes managed = kMiB; managed <= most; managed += kMiB) {
    if (!ArenaWorks(question, managed)) continue;
    const Bytes predicted = demand.outside_rocksdb + demand.table_readers_peak + managed +
                            Bytes{managed.count / 8} + Bytes{limit.count / 10};
    if (predicted > limit) return false;  // and so for every larger one
    const Bytes freed = std::max(Bytes{}, now.managed - managed);
    const Bytes wanted = std::max(Bytes{}, managed - now.managed);
    flink::Configuration c = question.configuration;
    c.Set(kManaged, "true");
    c.Set(kManagedSize, flink::WriteMemorySize({managed.count}));
    c.Set(kOffHeap, flink::WriteMemorySize({(now.task_off_heap + freed).count}));
    if (c.Contains(kTaskHeap)) {
      c.Set(kTaskHeap, flink::WriteMemorySize({(now.task_heap - wanted).count}));
      if (!c.Contains(kFlink)) c.Set(kFlink, flink::WriteMemorySize({now.total_flink.count}));
    }
    const auto memory = Derive(c, question.version);
    if (memory && memory->total_process <= limit) return true;
  }
  return false;
}

// The off-heap memory that the overshoot needs, taken from heap and managed memory in sixteenths,
// total unchanged.
bool GridFindsOvershoot(const Question& question) {
  const Demand& demand = question.demand;
  const auto& now = question.now;
  const Bytes limit{demand.limit->count / 100 * 99};
  const Bytes overshoot = demand.caches_usage_peak + demand.table_readers_peak - now.managed;
  const Bytes step = 32 * kMiB;
  const std::int64_t need =
      (overshoot.count + (now.managed.count + 7) / 8 + step.count - 1) / step.count * step.count;
  if (now.total_process > limit) return false;
  const Bytes off_heap{std::max(need, now.task_off_heap.count)};
  const Bytes added = off_heap - now.task_off_heap;
  for (int sixteenth = 0; sixteenth <= 16; ++sixteenth) {
    const Bytes from_managed{added.count / 16 / kMiB.count * kMiB.count * sixteenth};
    const Bytes from_heap = added - from_managed;
    const Bytes managed = now.managed - from_managed;
    if (from_managed.count > 0 && !ArenaWorks(question, managed)) break;
    if (3 * (now.task_heap - from_heap) < now.task_heap + 3 * kMiB) continue;
    flink::Configuration c = question.configuration;
    c.Set(kOffHeap, flink::WriteMemorySize({off_heap.count}));
    if (from_managed.count > 0) c.Set(kManagedSize, flink::WriteMemorySize({managed.count}));
    if (c.Contains(kTaskHeap)) {
      c.Set(kTaskHeap, flink::WriteMemorySize({(now.task_heap - from_heap).count}));
      if (!c.Contains(kFlink)) c.Set(kFlink, flink::WriteMemorySize({now.total_flink.count}));
    }
    const auto memory = Derive(c, question.version);
    if (!memory || memory->total_process > limit) continue;
    const Bytes cut = now.JvmHeap() - memory->JvmHeap();
    const Bytes budget_outside = memory->total_process - memory->managed - Bytes{need};
    const Bytes surplus = std::max(Bytes{}, demand.outside_rocksdb - budget_outside);
    const Bytes outside = demand.outside_rocksdb - std::min(std::max(Bytes{}, cut), surplus);
    if (outside + memory->managed + overshoot + Bytes{memory->managed.count / 8} <= limit)
      return true;
  }
  return false;
}

TEST(ProposeFlinkProperty, EveryProposalIsSoundAndEveryRefusalIsConfirmed) {
  Questions questions(2026);
  int fits = 0, refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const Question question = questions.Next();
    const auto answer = ProposeFlink(question.demand, question.configuration,
                                     flink::FormatVersion(question.version));
    ASSERT_TRUE(answer.ok()) << answer.error().Text();
    const Proposal& proposal = answer.value();
    SCOPED_TRACE("question " + std::to_string(i) + ": " + proposal.summary);
    if (proposal.fits) {
      ++fits;
      ExpectSound(question, proposal);
    } else {
      ++refused;
      EXPECT_TRUE(proposal.changes.empty() && proposal.settings.empty());
      if (question.unmanaged) {
        EXPECT_FALSE(GridFindsUnmanaged(question));
      } else if (question.demand.caches_usage_peak + question.demand.table_readers_peak >
                 question.now.managed) {
        EXPECT_FALSE(GridFindsOvershoot(question));
      }
      if (proposal.smallest_limit.count > 0) {
        Demand larger = question.demand;
        larger.limit = proposal.smallest_limit;
        const auto again =
            ProposeFlink(larger, question.configuration, flink::FormatVersion(question.version));
        EXPECT_TRUE(again.value().fits) << "the smallest limit does not work";
      }
    }
    if (HasFailure()) {
      for (const auto& [key, value] : question.configuration)
        std::printf("  %s: %s\n", key.c_str(), value.text.c_str());
      std::printf("  version %s, limit %lld, outside %lld, caches %lld\n",
                  flink::FormatVersion(question.version).c_str(),
                  static_cast<long long>(question.demand.limit->count),
                  static_cast<long long>(question.demand.outside_rocksdb.count),
                  static_cast<long long>(question.demand.caches_usage_peak.count));
      break;
    }
  }
  RecordProperty("fits", fits);
  std::printf("%d fit, %d do not\n", fits, refused);
  if (!HasFailure()) {
    EXPECT_GT(fits, 500);
    EXPECT_GT(refused, 200);
  }
}

}  // namespace
}  // namespace wrackline::sizing
