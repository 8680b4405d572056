#include "analyzer/report/at_the_kill.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "analyzer/report/rocksdb_demand.h"

namespace wrackline::report {
namespace {

using diagnosis::Outcome;
using evidence::Duration;
using evidence::Evidence;
using evidence::Time;
using evidence::TimelinePoint;

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr Duration kTenMinutes = std::chrono::minutes(10);
constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kSixHours = std::chrono::hours(6);
// Ticks are a second apart, readings of the VM up to half a minute.
constexpr Duration kSlack = std::chrono::seconds(2);
constexpr Bytes kWorthNaming = kMiB;

// Of a healthy process's minute; a real TaskManager in its last 40 s had 1,772.
constexpr std::uint64_t kManyFaults = 200;
constexpr double kTimesBefore = 5;
constexpr double kPressureFull = 10;  // percent

using Series = std::vector<std::pair<Time, Bytes>>;

// The value at `time`: of the newest element at or before it. Nothing when the series begins later.
std::optional<Bytes> At(const Series& series, Time time) {
  const auto after = std::upper_bound(
      series.begin(), series.end(), time + kSlack,
      [](Time wanted, const std::pair<Time, Bytes>& element) { return wanted < element.first; });
  if (after == series.begin()) return std::nullopt;
  return std::prev(after)->second;
}

// Between two elements in proportion: what grows by 30 MiB a second is not what it was a second before.
std::optional<Bytes> Interpolated(const Series& series, Time time) {
  const auto after = std::lower_bound(
      series.begin(), series.end(), time,
      [](const std::pair<Time, Bytes>& element, Time wanted) { return element.first < wanted; });
  if (after == series.end()) return series.back().second;
  if (after->first == time) return after->second;
  if (after == series.begin()) return std::nullopt;
  const auto& [from, low] = *std::prev(after);
  const double part = static_cast<double>((time - from).count()) /
                      static_cast<double>((after->first - from).count());
  return low +
         Bytes{static_cast<std::int64_t>(part * static_cast<double>((after->second - low).count))};
}

GrowthRow RowOf(std::string id, std::string name, bool holder, const Series& series) {
  GrowthRow row;
  row.id = std::move(id);
  row.name = std::move(name);
  row.holder = holder;
  const auto& [end, now] = series.back();
  row.now = now;
  const auto since = [&series, end = end, now = now](Duration window) -> std::optional<Bytes> {
    if (end - series.front().first + kSlack < window) return std::nullopt;
    const std::optional<Bytes> then = At(series, end - window);
    return then ? std::optional(now - *then) : std::nullopt;
  };
  row.minute = since(kMinute);
  row.ten_minutes = since(kTenMinutes);
  row.hour = since(kHour);
  row.six_hours = since(kSixHours);
  if (series.size() > 1) row.whole = now - series.front().second;
  return row;
}

using Value = std::optional<Bytes> (*)(const TimelinePoint&);

Series OfTimeline(const Evidence& evidence, Value value) {
  Series series;
  for (const TimelinePoint& point : evidence.timeline) {
    if (const auto amount = value(point)) series.emplace_back(point.time, *amount);
  }
  return series;
}

Series OfJvm(const Evidence& evidence, std::optional<Bytes> evidence::JvmFigures::*member) {
  Series series;
  if (!evidence.jvm) return series;
  for (const evidence::JvmFigures& figures : evidence.jvm->figures) {
    if (figures.*member) series.emplace_back(figures.time, *(figures.*member));
  }
  return series;
}

Series OfHeap(const Evidence& evidence) {
  Series series;
  if (!evidence.jvm) return series;
  for (const evidence::JvmResident& resident : evidence.jvm->resident) {
    if (!resident.heap && !resident.heap_shared) continue;
    series.emplace_back(resident.time,
                        resident.heap.value_or(Bytes{}) + resident.heap_shared.value_or(Bytes{}));
  }
  return series.empty() ? OfJvm(evidence, &evidence::JvmFigures::heap_committed) : series;
}

// Without what ZGC has in shared memory, which is no part of the anonymous.
Series OfAnonymousHeap(const Evidence& evidence) {
  Series series;
  if (!evidence.jvm) return series;
  for (const evidence::JvmResident& resident : evidence.jvm->resident) {
    if (resident.heap || resident.heap_shared)
      series.emplace_back(resident.time, resident.heap.value_or(Bytes{}));
  }
  return series.empty() ? OfJvm(evidence, &evidence::JvmFigures::heap_committed) : series;
}

Series OfRocksDb(const Evidence& evidence) {
  Series series;
  const std::optional<evidence::RocksDb>& rocksdb = RocksDbOf(evidence);
  if (!rocksdb) return series;
  for (const evidence::RocksDbMoment& moment : rocksdb->history)
    series.emplace_back(moment.time, moment.Total());
  return series;
}

std::optional<Bytes> PageCache(const TimelinePoint& point) {
  if (!point.file) return std::nullopt;
  return std::max(Bytes{}, *point.file - point.shmem.value_or(Bytes{}));
}

// What anonymous memory grew by beyond the holders that are anonymous themselves: of whom is not known from these series.
void AddRest(const Series& anonymous, const std::vector<Series>& named,
             std::vector<GrowthRow>* rows) {
  if (anonymous.size() < 2 || rows->empty() || rows->back().id != "process_anon") return;
  // Nobody is named: then it is what grew.
  if (std::all_of(named.begin(), named.end(), [](const Series& one) { return one.empty(); })) {
    rows->back().holder = true;
    return;
  }
  Series rest;
  for (const auto& [time, amount] : anonymous) {
    Bytes left = amount;
    bool complete = true;
    for (const Series& series : named) {
      if (series.empty()) continue;
      const std::optional<Bytes> held = Interpolated(series, time);
      complete &= held.has_value();
      left -= held.value_or(Bytes{});
    }
    if (complete) rest.emplace_back(time, left);
  }
  if (!rest.empty()) rows->push_back(RowOf("anon.rest", "anonymous, the rest", true, rest));
}

std::vector<GrowthRow> Growth(const Evidence& evidence, bool own_group) {
  std::vector<GrowthRow> rows;
  const auto add = [&rows](const char* id, const char* name, bool holder, const Series& series) {
    const bool any = std::any_of(series.begin(), series.end(),
                                 [](const auto& element) { return element.second.count != 0; });
    if (any) rows.push_back(RowOf(id, name, holder, series));
  };
  Series charge = OfTimeline(evidence, [](const TimelinePoint& p) { return p.charge; });
  if (evidence.last_charge && (charge.empty() || charge.back().first < evidence.last_charge->time))
    charge.emplace_back(evidence.last_charge->time, evidence.last_charge->amount);
  if (own_group) {
    add("charge", "charge", false, charge);
    add("working_set", "working set", false,
        OfTimeline(evidence, [](const TimelinePoint& p) { return p.WorkingSet(); }));
    add("anon", "all anonymous memory", false,
        OfTimeline(evidence, [](const TimelinePoint& p) { return p.anon; }));
  }
  const Series own =
      OfTimeline(evidence, [](const TimelinePoint& p) { return p.ProcessAnonymous(); });
  const std::vector<Series> named = {OfRocksDb(evidence), OfAnonymousHeap(evidence),
                                     OfJvm(evidence, &evidence::JvmFigures::metaspace_committed),
                                     OfJvm(evidence, &evidence::JvmFigures::direct_used)};
  add("rocksdb", "RocksDB", true, named[0]);
  add("jvm.heap", "Java heap", true, OfHeap(evidence));
  add("jvm.metaspace", "metaspace", true, named[2]);
  add("jvm.direct", "direct buffers", true, named[3]);
  add("process_anon", "own anonymous memory", false, own);
  AddRest(own, named, &rows);
  if (!own_group) return rows;
  add("file.page_cache", "page cache", false, OfTimeline(evidence, PageCache));
  add("file.shmem", "shared memory, tmpfs", true,
      OfTimeline(evidence, [](const TimelinePoint& p) { return p.shmem; }));
  add("kernel.memory", "kernel memory", true,
      OfTimeline(evidence, [](const TimelinePoint& p) { return p.kernel; }));
  return rows;
}

std::optional<Bytes> Over(const GrowthRow& row, Duration window) {
  if (window == kTenMinutes) return row.ten_minutes;
  if (window == kMinute) return row.minute;
  return row.whole;
}

void FindWhoGrew(AtTheKill* kill) {
  // The longest of the windows that the charge (or what is known of it) reaches back to; else since the start.
  for (const Duration window : {kTenMinutes, kMinute, Duration{}}) {
    const bool known = std::any_of(
        kill->growth.begin(), kill->growth.end(),
        [window](const GrowthRow& row) { return !row.holder && Over(row, window).has_value(); });
    if (!known) continue;
    Bytes most = kWorthNaming;
    for (std::size_t i = 0; i < kill->growth.size(); ++i) {
      const std::optional<Bytes> grown = Over(kill->growth[i], window);
      if (!kill->growth[i].holder || !grown || *grown < most) continue;
      most = *grown;
      kill->grew_most = i;
    }
    kill->grew_over = window;
    return;
  }
}

template <typename T>
std::optional<T> Difference(const std::optional<T>& later, const std::optional<T>& earlier) {
  if (!later || !earlier || *later < *earlier) return std::nullopt;
  return *later - *earlier;
}

std::optional<Reclaim> ReclaimOf(const Evidence& evidence) {
  if (evidence.timeline.size() < 2) return std::nullopt;
  const TimelinePoint& last = evidence.timeline.back();
  const auto begin =
      std::lower_bound(evidence.timeline.begin(), evidence.timeline.end() - 1, last.time - kMinute,
                       [](const TimelinePoint& point, Time time) { return point.time < time; });
  Reclaim reclaim;
  reclaim.window = last.time - begin->time;
  if (reclaim.window.count() <= 0) return std::nullopt;
  reclaim.major_faults = Difference(last.major_faults, begin->major_faults);
  reclaim.limit_hits = Difference(last.limit_hits, begin->limit_hits);
  for (auto point = begin; point != evidence.timeline.end(); ++point) {
    if (point->pressure_some)
      reclaim.pressure_some = std::max(reclaim.pressure_some.value_or(0), *point->pressure_some);
    if (point->pressure_full)
      reclaim.pressure_full = std::max(reclaim.pressure_full.value_or(0), *point->pressure_full);
    reclaim.pressure_of_cgroup |= point->pressure_of_cgroup;
  }
  const TimelinePoint& first = evidence.timeline.front();
  const double minutes =
      std::chrono::duration<double, std::ratio<60>>(begin->time - first.time).count();
  if (const auto before = Difference(begin->major_faults, first.major_faults);
      before && minutes > 0.1)
    reclaim.major_faults_before = static_cast<double>(*before) / minutes;
  const double faults = static_cast<double>(reclaim.major_faults.value_or(0));
  reclaim.thrash =
      (reclaim.major_faults.value_or(0) >= kManyFaults &&
       faults > kTimesBefore * reclaim.major_faults_before.value_or(0)) ||
      (reclaim.pressure_of_cgroup && reclaim.pressure_full.value_or(0) >= kPressureFull);
  // A charge that page cache holds at the limit runs into it all day: the hits are shown, and prove nothing.
  if (!reclaim.major_faults && !reclaim.limit_hits && !reclaim.pressure_some) return std::nullopt;
  return reclaim;
}

}  // namespace

std::optional<AtTheKill> AtTheKillOf(const Evidence& evidence, Outcome outcome, bool own_group) {
  const bool killed = diagnosis::EndedByLimit(outcome) || outcome == Outcome::kNodeOutOfMemory ||
                      outcome == Outcome::kEvicted ||
                      (outcome == Outcome::kUnknown && evidence.ending.kernel_kill.has_value());
  if (!killed) return std::nullopt;
  AtTheKill kill;
  kill.last_record = evidence.last_record;
  kill.last_record_age = evidence.LastRecordAge();
  kill.growth = Growth(evidence, own_group);
  FindWhoGrew(&kill);
  kill.reclaim = ReclaimOf(evidence);
  if (kill.growth.empty() && !evidence.ending.kernel_kill && !kill.reclaim) return std::nullopt;
  return kill;
}

}  // namespace wrackline::report
