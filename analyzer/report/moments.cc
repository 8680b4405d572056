#include "analyzer/report/moments.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "analyzer/evidence/vm_figures.h"
#include "analyzer/report/rocksdb_demand.h"
#include "analyzer/report/series.h"

namespace wrackline::report {
namespace {

using evidence::Duration;
using evidence::Evidence;
using evidence::JvmFigures;
using evidence::RocksDbMoment;
using evidence::Time;
using evidence::TimelinePoint;

Bytes OrZero(const std::optional<Bytes>& amount) { return amount.value_or(Bytes{}); }

sizing::Milliseconds Since(Time start, Time time) {
  return std::max(sizing::Milliseconds{},
                  std::chrono::duration_cast<sizing::Milliseconds>(time - start));
}

// The collectors that keep no such figure (Serial, Parallel) have emptied eden when they are done: the rest of the heap is what they
// left, and what they left stays there until the next time.
std::optional<Bytes> UsedAfterCollection(const JvmFigures& figures) {
  if (figures.heap_used_after_collection) return figures.heap_used_after_collection;
  if (figures.collections.value_or(0) == 0) return std::nullopt;
  std::optional<Bytes> survivors, old;
  for (const evidence::JvmPool& pool : figures.pools) {
    if (pool.name == "from space") survivors = pool.used;
    for (const std::string_view name : {"tenured generation", "Tenured", "ParOldGen"}) {
      if (pool.name == name) old = pool.used;
    }
  }
  if (!survivors || !old) return std::nullopt;
  return *survivors + *old;
}

// What the VM said, each figure as a series.
struct VmSeries {
  Series heap, heap_live, metaspace, direct;
};

void AddHeap(const evidence::Jvm& jvm, VmSeries* series) {
  for (const evidence::JvmResident& resident : jvm.resident) {
    if (resident.heap || resident.heap_shared)
      series->heap.Add(resident.time, OrZero(resident.heap) + OrZero(resident.heap_shared));
  }
  if (!series->heap.empty()) return;
  // What was used once has pages, and a heap of a fixed size keeps them. More may have been touched: that is then in the rest. What is
  // committed would say too much: Flink commits the whole heap at the start.
  Bytes most;
  for (const JvmFigures& figures : jvm.figures) {
    if (!figures.heap_used) continue;
    most = std::max(most, *figures.heap_used);
    series->heap.Add(figures.time, most);
  }
}

VmSeries SeriesOf(const Evidence& evidence) {
  VmSeries series;
  if (!evidence.jvm) return series;
  AddHeap(*evidence.jvm, &series);
  for (const JvmFigures& figures : evidence.jvm->figures) {
    if (const auto live = UsedAfterCollection(figures)) series.heap_live.Add(figures.time, *live);
    // The class space is a part of what the VM calls metaspace.
    if (figures.metaspace_committed)
      series.metaspace.Add(figures.time, *figures.metaspace_committed);
    if (figures.direct_used) series.direct.Add(figures.time, *figures.direct_used);
  }
  return series;
}

// A VM begins with nothing: up to the first reading it grew to what that says.
Series FromNothing(const Series& series, Time start) {
  if (series.empty() || series.FirstTime() <= start) return series;
  Series whole;
  whole.Add(start, Bytes{});
  whole.Append(series);
  return whole;
}

// RocksDB's figures over the time; which of them were read at all.
class RocksDbSeries {
 public:
  explicit RocksDbSeries(const std::optional<evidence::RocksDb>& rocksdb) {
    if (!rocksdb) return;
    history_ = &rocksdb->history;
    for (const evidence::RocksDbFamily& family : rocksdb->families) {
      has_memtables_ |= family.all_memtables.has_value();
      has_readers_ |= family.table_readers.has_value();
    }
    for (const evidence::RocksDbCache& cache : rocksdb->caches)
      has_caches_ |= cache.usage.has_value();
  }

  bool empty() const { return history_ == nullptr || history_->empty(); }
  Time FirstTime() const { return history_->front().time; }

  // The nearest sample where that is of the same moment, else what lies between the two. False: none that early.
  bool Fill(Time time, sizing::Moment* moment) const {
    const auto after = std::upper_bound(
        history_->begin(), history_->end(), time,
        [](Time wanted, const RocksDbMoment& sample) { return wanted < sample.time; });
    const RocksDbMoment* const next = after == history_->end() ? nullptr : &*after;
    const RocksDbMoment* const last = after == history_->begin() ? nullptr : &*std::prev(after);
    if (last != nullptr && (next == nullptr || time - last->time <= next->time - time)) {
      if (next == nullptr || time - last->time <= evidence::kRocksDbReach) {
        Set(*last, moment);
        return true;
      }
    } else if (next != nullptr && next->time - time <= evidence::kRocksDbReach) {
      Set(*next, moment);
      return true;
    }
    if (last == nullptr) return false;
    if (next->time <= last->time) {  // a history that is in no order
      Set(*last, moment);
      return true;
    }
    const double part = static_cast<double>((time - last->time).count()) /
                        static_cast<double>((next->time - last->time).count());
    const auto between = [part](Bytes from, Bytes to) {
      return from +
             Bytes{static_cast<std::int64_t>(part * static_cast<double>(to.count - from.count))};
    };
    Set({time, between(last->memtables, next->memtables), between(last->caches, next->caches),
         between(last->table_readers, next->table_readers)},
        moment);
    return true;
  }
  void FillFirst(sizing::Moment* moment) const { Set(history_->front(), moment); }

 private:
  void Set(const RocksDbMoment& sample, sizing::Moment* moment) const {
    if (has_memtables_) moment->memtables = sample.memtables;
    if (has_caches_) moment->caches = sample.caches;
    if (has_readers_) moment->table_readers = sample.table_readers;
  }

  const std::vector<RocksDbMoment>* history_ = nullptr;
  bool has_memtables_ = false, has_caches_ = false, has_readers_ = false;
};

struct Held {
  Time time;
  Bytes amount;
};

// Pages of files that no process has mapped: before the kernel kills it drops these, the active ones too. tmpfs cannot be dropped,
// so that nothing is known where it is not told apart.
std::optional<Bytes> PageCache(const TimelinePoint& point) {
  if (!point.file || !point.shmem) return std::nullopt;
  return std::max(Bytes{}, *point.file - *point.shmem - OrZero(point.file_mapped));
}

// What the kernel cannot drop of the charge; where its parts are not known, what the kubelet calls the working set.
std::optional<Bytes> HeldByGroup(const TimelinePoint& point) {
  const std::optional<Bytes> cache = PageCache(point);
  if (!point.charge || !cache) return point.WorkingSet();
  return std::max(Bytes{}, *point.charge - std::max(*cache, OrZero(point.inactive_file)));
}

std::vector<Held> HeldOf(const Evidence& evidence, bool own_group) {
  std::vector<Held> held;
  held.reserve(evidence.timeline.size() + 1);
  std::optional<Bytes> droppable;
  for (const TimelinePoint& point : evidence.timeline) {
    const std::optional<Bytes> amount = own_group ? HeldByGroup(point) : point.resident;
    if (amount && (held.empty() || held.back().time < point.time))
      held.push_back({point.time, *amount});
    if (own_group && amount && point.charge) droppable = *point.charge - *amount;
  }
  // A process that fills its limit within a tick: a heartbeat knows the charge alone, and page cache only went since.
  if (own_group && evidence.last_charge && !held.empty() && droppable &&
      held.back().time < evidence.last_charge->time)
    held.push_back(
        {evidence.last_charge->time, std::max(Bytes{}, evidence.last_charge->amount - *droppable)});
  return held;
}

// The newest tick is right, and readings of other moments cannot hold more than it: each gives way in proportion.
void CutToWorkingSet(sizing::Moment* moment) {
  std::optional<Bytes>* const parts[] = {&moment->heap,      &moment->metaspace,
                                         &moment->direct,    &moment->caches,
                                         &moment->memtables, &moment->table_readers};
  Bytes named;
  for (const std::optional<Bytes>* part : parts) named += OrZero(*part);
  if (named <= moment->working_set) return;
  const double left =
      static_cast<double>(moment->working_set.count) / static_cast<double>(named.count);
  for (std::optional<Bytes>* part : parts) {
    if (*part) *part = Bytes{static_cast<std::int64_t>(left * static_cast<double>((*part)->count))};
  }
}

// Without a timeline: what the metrics name, summed up, at each scrape that has RocksDB's figures. The VM's are of the last one.
std::vector<sizing::Moment> OfMetrics(const Evidence& evidence) {
  const evidence::FlinkMemory& memory = evidence.metrics->memory;
  const RocksDbSeries rocksdb(evidence.rocksdb);
  std::vector<Time> times;
  if (!rocksdb.empty()) {
    for (const RocksDbMoment& sample : evidence.rocksdb->history) times.push_back(sample.time);
  } else {
    times.push_back(evidence.last_record);
  }
  std::vector<sizing::Moment> moments;
  for (const Time time : times) {
    sizing::Moment moment;
    moment.at = Since(StartOf(evidence), time);
    moment.heap = memory.heap_committed;
    moment.metaspace = memory.metaspace_committed;
    moment.direct = memory.direct;
    if (!rocksdb.empty()) rocksdb.Fill(time, &moment);
    moment.working_set = OrZero(memory.heap_committed) +
                         std::max(OrZero(memory.non_heap_committed), OrZero(moment.metaspace)) +
                         OrZero(memory.direct) + moment.RocksDb();
    if (moment.working_set.count > 0) moments.push_back(moment);
  }
  return moments;
}

// Files beside each other are of moments some seconds to a minute apart.
constexpr Duration kFilesApart = evidence::kOneMoment;

}  // namespace

Time StartOf(const Evidence& evidence) {
  if (evidence.process.start) return *evidence.process.start;
  if (evidence.process.recording_start) return *evidence.process.recording_start;
  if (!evidence.timeline.empty()) return evidence.timeline.front().time;
  if (evidence.rocksdb && !evidence.rocksdb->history.empty())
    return evidence.rocksdb->history.front().time;
  return evidence.last_record;
}

std::vector<sizing::Moment> MomentsOf(const Evidence& evidence, ledger::Basis basis) {
  if (basis == ledger::Basis::kMetrics)
    return evidence.metrics ? OfMetrics(evidence) : std::vector<sizing::Moment>{};
  const Time start = StartOf(evidence);
  VmSeries vm = SeriesOf(evidence);
  if (evidence.recorded) {
    for (Series* series : {&vm.heap, &vm.metaspace, &vm.direct})
      *series = FromNothing(*series, start);
  }
  const RocksDbSeries rocksdb(RocksDbOf(evidence));
  std::vector<sizing::Moment> moments, incomplete;
  for (const Held& held : HeldOf(evidence, basis == ledger::Basis::kCharge)) {
    sizing::Moment moment;
    moment.at = Since(start, held.time);
    moment.working_set = held.amount;
    bool complete = true;
    const auto read = [&](const Series& series) {
      if (series.empty()) return std::optional<Bytes>();
      std::optional<Bytes> amount = series.At(held.time);
      if (!amount && series.FirstTime() - held.time <= kFilesApart)
        amount = series.At(series.FirstTime());
      // Not yet read, of what was there: a moment without it would count it among the rest.
      complete &= amount.has_value();
      return amount;
    };
    moment.heap = read(vm.heap);
    moment.metaspace = read(vm.metaspace);
    moment.direct = read(vm.direct);
    moment.heap_live = vm.heap_live.Newest(held.time);
    if (!rocksdb.empty() && !rocksdb.Fill(held.time, &moment) && !evidence.recorded) {
      // A recorder sees every database from its first second on; of files it is only known when they were written.
      if (rocksdb.FirstTime() - held.time <= kFilesApart) {
        rocksdb.FillFirst(&moment);
      } else {
        complete = false;
      }
    }
    CutToWorkingSet(&moment);
    (complete ? moments : incomplete).push_back(moment);
  }
  return moments.empty() ? std::move(incomplete) : std::move(moments);
}

}  // namespace wrackline::report
