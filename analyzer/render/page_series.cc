#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "analyzer/render/page_data.h"
#include "analyzer/report/rocksdb_demand.h"

namespace wrackline::render {
namespace {

using evidence::TimelinePoint;

constexpr std::size_t kTicks = 1200, kFamilyTicks = 300, kFamilies = 11, kCollections = 600;

Json Value(const std::optional<Bytes>& amount) { return amount ? Json(amount->count) : Json(); }

template <typename Of>
Json Column(const std::vector<TimelinePoint>& timeline, const std::vector<std::size_t>& ticks,
            Of of) {
  Json column = Json::array();
  bool known = false;
  for (const std::size_t tick : ticks) {
    const std::optional<Bytes> value = of(timeline[tick]);
    known |= value.has_value();
    column.push_back(Value(value));
  }
  return known ? column : Json();
}

// The newest of `list` at or before `time`, from where the last question ended: questions come in order of time.
template <typename T>
const T* Until(const std::vector<T>& list, evidence::Time time, std::size_t* next) {
  while (*next < list.size() && list[*next].time <= time) ++*next;
  return *next == 0 ? nullptr : &list[*next - 1];
}

struct Stack {
  std::map<std::string, Json> columns;
  std::map<std::string, bool> known;
  void Add(const std::string& id, Bytes amount) {
    columns[id].push_back(amount.count);
    known[id] = known[id] || amount.count != 0;
  }
};

Bytes Of(const std::optional<Bytes>& amount) { return amount.value_or(Bytes{}); }

// Parts whose sum is the charge (of the resident set, where there is no charge), at every tick: each is cut to what the parts before it
// left of its kind of page. What native code holds is known by site at single moments only, so here it is part of "anonymous".
Json Parts(const report::Report& report, const std::vector<std::size_t>& ticks) {
  const evidence::Evidence& evidence = report.evidence;
  Stack stack;
  std::size_t next_rocksdb = 0, next_resident = 0;
  for (const std::size_t tick : ticks) {
    const TimelinePoint& point = evidence.timeline[tick];
    Bytes anon = Of(point.anon ? point.anon : point.ProcessAnonymous());
    Bytes shmem = Of(point.shmem);
    const Bytes file = std::max(Bytes{}, Of(point.file) - shmem);
    const Bytes kernel = Of(point.kernel);
    const Bytes sum = anon + shmem + file + kernel;
    const Bytes whole = point.charge ? *point.charge : std::max(Of(point.resident), sum);
    const auto take = [](Bytes wanted, Bytes* from) {
      const Bytes taken = std::min(wanted, *from);
      *from = *from - taken;
      return taken;
    };
    Bytes heap, other_vm;
    if (evidence.jvm) {
      if (const auto* vm = Until(evidence.jvm->resident, point.time, &next_resident)) {
        heap = take(Of(vm->heap), &anon) + take(Of(vm->heap_shared), &shmem);
        other_vm = take(Of(vm->metaspace) + Of(vm->class_space) + Of(vm->code_cache) +
                            Of(vm->thread_stacks) + Of(vm->class_archive) + Of(vm->other),
                        &anon);
      }
    }
    Bytes memtables, caches, readers;
    if (const auto& held = report::RocksDbOf(evidence)) {
      if (const auto* rocksdb = Until(held->history, point.time, &next_rocksdb)) {
        memtables = take(rocksdb->memtables, &anon);
        caches = take(rocksdb->caches, &anon);
        readers = take(rocksdb->table_readers, &anon);
      }
    }
    stack.Add("heap", heap);
    stack.Add("vm", other_vm);
    stack.Add("memtables", memtables);
    stack.Add("caches", caches);
    stack.Add("readers", readers);
    stack.Add("anonymous", anon);
    stack.Add("shared", shmem);
    stack.Add("file", file);
    stack.Add("kernel", kernel);
    stack.Add("rest", std::max(Bytes{}, whole - sum));
  }
  static constexpr std::pair<const char*, const char*> kLabels[] = {
      {"heap", "Java heap"},
      {"vm", "JVM beside the heap"},
      {"memtables", "RocksDB memtables"},
      {"caches", "RocksDB caches"},
      {"readers", "RocksDB table readers"},
      {"anonymous", "other anonymous memory"},
      {"shared", "shared memory"},
      {"file", "files and page cache"},
      {"kernel", "kernel"},
      {"rest", "not told apart"}};
  Json parts = Json::array();
  for (const auto& [id, label] : kLabels) {
    if (!stack.known[id]) continue;
    parts.push_back({{"id", id}, {"label", label}, {"bytes", std::move(stack.columns[id])}});
  }
  return parts;
}

Json Timeline(const report::Report& report, evidence::Time base,
              const std::vector<std::size_t>& ticks) {
  const auto& timeline = report.evidence.timeline;
  Json time = Json::array();
  for (const std::size_t tick : ticks) time.push_back(Offset(timeline[tick].time, base));
  Json json = {{"time", std::move(time)}, {"ticks", timeline.size()}};
  const auto put = [&](const char* key, auto of) {
    Json column = Column(timeline, ticks, of);
    if (!column.is_null()) json[key] = std::move(column);
  };
  put("charge", [](const TimelinePoint& point) { return point.charge; });
  put("limit", [](const TimelinePoint& point) { return point.limit; });
  put("working_set", [](const TimelinePoint& point) { return point.WorkingSet(); });
  put("resident", [](const TimelinePoint& point) { return point.resident; });
  json["parts"] = Parts(report, ticks);
  return json;
}

// Where the count of collections had risen, and by how many.
Json Collections(const evidence::Jvm& jvm, evidence::Time base) {
  std::vector<std::pair<evidence::Time, std::uint64_t>> rises;
  std::optional<std::uint64_t> before;
  for (const evidence::JvmFigures& figures : jvm.figures) {
    if (!figures.collections) continue;
    if (before && *figures.collections > *before)
      rises.emplace_back(figures.time, *figures.collections - *before);
    before = figures.collections;
  }
  const std::size_t step = rises.size() / kCollections + 1;
  Json time = Json::array(), count = Json::array();
  for (std::size_t i = 0; i < rises.size(); i += step) {
    std::uint64_t sum = 0;
    for (std::size_t j = i; j < std::min(rises.size(), i + step); ++j) sum += rises[j].second;
    time.push_back(Offset(rises[i].first, base));
    count.push_back(sum);
  }
  return {{"time", std::move(time)}, {"count", std::move(count)}};
}

// Per family what it held at the end of each part of the time; null before its first sample.
Json Families(const evidence::RocksDb& rocksdb, evidence::Time base) {
  const auto& history = rocksdb.family_history;
  const evidence::Time first = history.front().time, last = history.back().time;
  const std::size_t all = rocksdb.families.size();
  const auto held_by = [](const evidence::RocksDbFamilyMoment& moment) {
    return moment.memtables + moment.table_readers + Of(moment.cached);
  };
  std::vector<Bytes> peak(all);
  for (const evidence::RocksDbFamilyMoment& moment : history)
    peak[moment.family] = std::max(peak[moment.family], held_by(moment));
  std::vector<std::size_t> order(all), rank(all);
  for (std::size_t i = 0; i < all; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return peak[a] > peak[b]; });
  for (std::size_t i = 0; i < all; ++i) rank[order[i]] = i;
  // The smallest together, so that the chart's sum is RocksDB's.
  const std::size_t shown = std::min(all, kFamilies);
  std::vector<Json> columns(shown, Json::array());
  Json others = Json::array();
  std::vector<std::optional<Bytes>> now(shown);
  std::vector<Bytes> small(all);
  Bytes small_sum, sum;
  Json time = Json::array();
  std::size_t next = 0, next_total = 0;
  Json unsplit = Json::array();
  bool some_unsplit = false;
  const std::size_t parts = std::min(kFamilyTicks, std::max<std::size_t>(1, history.size()));
  evidence::Time previous{};
  for (std::size_t part = 1; part <= parts; ++part) {
    const evidence::Time until = part == parts
                                     ? last
                                     : first + (last - first) / static_cast<std::int64_t>(parts) *
                                                   static_cast<std::int64_t>(part);
    if (part > 1 && until == previous) continue;
    previous = until;
    for (; next < history.size() && history[next].time <= until; ++next) {
      const evidence::RocksDbFamilyMoment& moment = history[next];
      const Bytes held = held_by(moment);
      const std::size_t place = rank[moment.family];
      const Bytes before = place < shown ? Of(now[place]) : small[moment.family];
      sum += held - before;
      if (place < shown) {
        now[place] = held;
      } else {
        small[moment.family] = held;
        small_sum += held - before;
      }
    }
    time.push_back(Offset(until, base));
    for (std::size_t place = 0; place < shown; ++place) columns[place].push_back(Value(now[place]));
    others.push_back(small_sum.count);
    const auto* total = Until(rocksdb.history, until, &next_total);
    const Bytes rest = total == nullptr ? Bytes{} : std::max(Bytes{}, total->Total() - sum);
    some_unsplit |= rest.count > 0;
    unsplit.push_back(rest.count);
  }
  Json series = Json::array();
  for (std::size_t place = 0; place < shown; ++place) {
    const evidence::RocksDbFamily& family = rocksdb.families[order[place]];
    series.push_back({{"name", family.name},
                      {"database", family.database},
                      {"bytes", std::move(columns[place])}});
  }
  if (all > shown) series.push_back({{"others", all - shown}, {"bytes", std::move(others)}});
  if (some_unsplit) series.push_back({{"unsplit", true}, {"bytes", std::move(unsplit)}});
  return {{"time", std::move(time)}, {"series", std::move(series)}};
}

}  // namespace

std::vector<std::size_t> ThinnedTicks(const std::vector<TimelinePoint>& timeline,
                                      std::size_t most) {
  std::vector<std::size_t> ticks;
  if (timeline.empty()) return ticks;
  const evidence::Time first = timeline.front().time, last = timeline.back().time;
  const auto recent = static_cast<std::size_t>(
      timeline.end() -
      std::lower_bound(timeline.begin(), timeline.end(), last - std::chrono::minutes(1),
                       [](const TimelinePoint& a, evidence::Time b) { return a.time < b; }));
  const std::size_t tail = std::min(recent, most / 4);
  const std::size_t body = timeline.size() - tail;
  const std::int64_t parts = static_cast<std::int64_t>(most - tail);
  const evidence::Duration width = (last - first) / std::max<std::int64_t>(1, parts);
  std::int64_t part = -1;
  for (std::size_t i = 0; i < body; ++i) {
    const std::int64_t own = width.count() <= 0 || body <= most
                                 ? static_cast<std::int64_t>(i)
                                 : (timeline[i].time - first) / width;
    const auto weight = [&](std::size_t tick) {
      return Of(timeline[tick].charge ? timeline[tick].charge : timeline[tick].resident);
    };
    if (own != part || ticks.empty()) {
      // The first stays beside its part's largest.
      ticks.push_back(i);
      part = i == 0 && body > most ? -1 : own;
    } else if (weight(i) > weight(ticks.back())) {
      ticks.back() = i;
    }
  }
  // Should all have one time.
  if (ticks.size() > most + 1) {
    std::vector<std::size_t> fewer;
    const std::size_t step = ticks.size() / (most - tail) + 1;
    for (std::size_t i = 0; i < ticks.size(); i += step) fewer.push_back(ticks[i]);
    ticks = std::move(fewer);
  }
  for (std::size_t i = body; i < timeline.size(); ++i) ticks.push_back(i);
  return ticks;
}

Json PageSeriesJson(const report::Report& report) {
  const evidence::Evidence& evidence = report.evidence;
  const bool families = evidence.rocksdb && !evidence.rocksdb->family_history.empty();
  evidence::Time base = evidence.last_record;
  if (!evidence.timeline.empty()) base = std::min(base, evidence.timeline.front().time);
  if (families) base = std::min(base, evidence.rocksdb->family_history.front().time);
  Json json = {{"base", Stamp(base)}};
  if (!evidence.timeline.empty())
    json["timeline"] = Timeline(report, base, ThinnedTicks(evidence.timeline, kTicks));
  if (evidence.jvm) {
    Json collections = Collections(*evidence.jvm, base);
    if (!collections["time"].empty()) json["collections"] = std::move(collections);
  }
  if (families) json["families"] = Families(*evidence.rocksdb, base);
  return json;
}

}  // namespace wrackline::render
