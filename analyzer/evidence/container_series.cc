// What cAdvisor and kube-state-metrics say of one container, as a timeline.
#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/prometheus_json.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostPoints = 20'000;

struct ContainerGauge {
  std::string_view name;
  std::optional<Bytes> TimelinePoint::*field;
};
constexpr ContainerGauge kGauges[] = {
    {"container_memory_usage_bytes", &TimelinePoint::charge},
    {"container_memory_working_set_bytes", &TimelinePoint::given_working_set},
    {"container_memory_rss", &TimelinePoint::anon},
    {"container_memory_cache", &TimelinePoint::file},
    {"container_memory_mapped_file", &TimelinePoint::file_mapped},
    {"container_memory_swap", &TimelinePoint::swap},
    {"container_memory_kernel_usage", &TimelinePoint::kernel},
    {"container_memory_max_usage_bytes", &TimelinePoint::peak},
    {"container_spec_memory_limit_bytes", &TimelinePoint::limit},
};
struct ContainerCounter {
  std::string_view name;
  std::optional<std::uint64_t> TimelinePoint::*field;
};
constexpr ContainerCounter kCounters[] = {
    {"container_memory_failcnt", &TimelinePoint::limit_hits},
    {"container_oom_events_total", &TimelinePoint::oom_kill},
};
constexpr std::string_view kLimits = "kube_pod_container_resource_limits";

// Older cAdvisors say pod_name and container_name.
std::string_view Either(std::string_view first, std::string_view second) {
  return first.empty() ? second : first;
}

struct Container {
  std::string name_space, pod, container;
  auto operator<=>(const Container&) const = default;
};

Container ContainerOf(const PrometheusSeries& series) {
  return {std::string(series.Label("namespace")),
          std::string(Either(series.Label("pod"), series.Label("pod_name"))),
          std::string(Either(series.Label("container"), series.Label("container_name")))};
}

bool IsGauge(std::string_view name) {
  return std::any_of(std::begin(kGauges), std::end(kGauges),
                     [&](const ContainerGauge& gauge) { return gauge.name == name; });
}

Bytes Amount(double value) {
  return value > 0 && value < 9e18 ? ToBytes(static_cast<std::uint64_t>(value)) : Bytes{};
}

// Of a pod its containers' series go before those of the pod as a whole, and the sandbox's counts for nothing.
std::optional<Container> Choose(const std::vector<PrometheusSeries>& all,
                                const Evidence& evidence) {
  std::map<Container, double> most;
  for (const PrometheusSeries& series : all) {
    if (!IsGauge(series.name) || series.name == "container_spec_memory_limit_bytes") continue;
    const Container container = ContainerOf(series);
    if (container.container == "POD" || container.container == "pause") continue;
    double& largest = most[container];
    for (const auto& sample : series.samples) largest = std::max(largest, sample.second);
  }
  const auto rank = [&](const std::pair<const Container, double>& entry) {
    const bool named =
        evidence.pod && !evidence.pod->name.empty() && entry.first.pod == evidence.pod->name;
    return std::tuple(named, !entry.first.container.empty(), entry.second);
  };
  const auto best = std::max_element(
      most.begin(), most.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  if (best == most.end()) return std::nullopt;
  return best->first;
}

void Fill(const PrometheusSeries& series, std::map<Time, TimelinePoint>* points) {
  for (const ContainerGauge& gauge : kGauges) {
    if (gauge.name != series.name) continue;
    for (const auto& [time, value] : series.samples) {
      // cAdvisor writes 0 for "no limit", and for what it does not read.
      if (value <= 0 && gauge.field == &TimelinePoint::limit) continue;
      (*points)[time].*gauge.field = Amount(value);
    }
  }
  for (const ContainerCounter& counter : kCounters) {
    if (counter.name != series.name) continue;
    for (const auto& [time, value] : series.samples)
      (*points)[time].*counter.field = static_cast<std::uint64_t>(Amount(value).count);
  }
  if (series.name == "container_memory_failures_total" &&
      series.Label("failure_type") == "pgmajfault" && series.Label("scope") == "container") {
    for (const auto& [time, value] : series.samples)
      (*points)[time].major_faults = static_cast<std::uint64_t>(Amount(value).count);
  }
}

// What only two of them together say.
void Complete(TimelinePoint* point) {
  if (!point->charge || !point->given_working_set || *point->charge < *point->given_working_set)
    return;
  point->inactive_file = *point->charge - *point->given_working_set;
}

void Raise(std::optional<Figure>* peak, const std::optional<Bytes>& amount, Time time) {
  if (amount && (!*peak || (*peak)->amount < *amount)) *peak = Figure{*amount, time, "Prometheus"};
}

// One answer a metric is the usual case: figures of one time are one point, whichever file they came from.
TimelinePoint* PointAt(Time time, std::vector<TimelinePoint>* timeline) {
  const auto found =
      std::lower_bound(timeline->begin(), timeline->end(), time,
                       [](const TimelinePoint& point, Time at) { return point.time < at; });
  return found != timeline->end() && found->time == time ? &*found : nullptr;
}

void FillGaps(const TimelinePoint& from, TimelinePoint* to) {
  for (const ContainerGauge& gauge : kGauges) {
    if (!(to->*gauge.field)) to->*gauge.field = from.*gauge.field;
  }
  for (const ContainerCounter& counter : kCounters) {
    if (!(to->*counter.field)) to->*counter.field = from.*counter.field;
  }
  if (!to->major_faults) to->major_faults = from.major_faults;
}

void Merge(const std::map<Time, TimelinePoint>& points, Evidence* evidence) {
  const std::size_t step = points.size() / kMostPoints + 1;
  std::size_t left = points.size();
  std::vector<TimelinePoint> fresh;
  for (const auto& [time, figures] : points) {
    TimelinePoint point = figures;
    point.time = time;
    if (TimelinePoint* known = PointAt(time, &evidence->timeline)) {
      FillGaps(point, known);
      Complete(known);
      point = *known;
      --left;
    } else {
      Complete(&point);
      // Counted back from the newest.
      if (--left % step == 0) fresh.push_back(point);
    }
    Raise(&evidence->peak_charge, point.charge, time);
    Raise(&evidence->peak_charge, point.peak, time);
    Raise(&evidence->peak_working_set, point.WorkingSet(), time);
    if (point.charge && (!evidence->last_charge || evidence->last_charge->time < time))
      evidence->last_charge = Figure{*point.charge, time, "Prometheus"};
  }
  std::vector<TimelinePoint>& timeline = evidence->timeline;
  timeline.insert(timeline.end(), fresh.begin(), fresh.end());
  std::stable_sort(timeline.begin(), timeline.end(),
                   [](const TimelinePoint& a, const TimelinePoint& b) { return a.time < b.time; });
}

void AddLimit(const std::vector<PrometheusSeries>& all, const Container& container,
              Evidence* evidence) {
  for (const PrometheusSeries& series : all) {
    const bool limit = series.name == kLimits && series.Label("resource") == "memory";
    if ((!limit && series.name != "container_spec_memory_limit_bytes") ||
        ContainerOf(series) != container || series.samples.back().second <= 0)
      continue;
    if (!evidence->limit || evidence->limit->origin == "manifest")
      evidence->limit =
          Figure{Amount(series.samples.back().second), series.samples.back().first, "Prometheus"};
  }
}

}  // namespace

std::string AddContainerSeries(const std::vector<PrometheusSeries>& series, Evidence* evidence) {
  const std::optional<Container> container = Choose(series, *evidence);
  if (!container) return {};
  std::string gave = "container " + container->container + " of pod " + container->pod;
  AddLimit(series, *container, evidence);
  if (evidence->recorded) return gave + ": the recording's own figures are used instead";
  std::map<Time, TimelinePoint> points;
  for (const PrometheusSeries& one : series) {
    if (ContainerOf(one) == *container) Fill(one, &points);
  }
  gave += ", " + std::to_string(points.size()) + (points.size() == 1 ? " moment" : " moments");
  Merge(points, evidence);
  if (evidence->peak_working_set)
    gave += ", working set at most " + FormatBytes(evidence->peak_working_set->amount);
  return gave;
}

}  // namespace wrackline::evidence
