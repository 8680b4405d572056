#include "analyzer/evidence/prometheus_json.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "analyzer/evidence/scrape_source.h"

namespace wrackline::evidence {
namespace {

using Json = nlohmann::json;

// A parsed answer takes some eight times its text.
constexpr std::size_t kMostBytes = std::size_t{32} << 20;
constexpr std::size_t kMostSeries = 100'000;
constexpr std::size_t kMostMoments = 60;

std::optional<double> Number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

// [seconds, "value"]
void AddSample(const Json& pair, PrometheusSeries* series) {
  if (!pair.is_array() || pair.size() != 2) return;
  const std::optional<double> seconds = Number(pair[0]), value = Number(pair[1]);
  // 1970 to 2200: others are nobody's clock, and would overflow.
  if (!seconds || !value || !(*seconds > 0 && *seconds < 7'258'118'400) || !std::isfinite(*value))
    return;
  const auto milliseconds = static_cast<std::int64_t>(std::llround(*seconds * 1000));
  series->samples.emplace_back(Time{std::chrono::milliseconds(milliseconds)}, *value);
}

bool ReadSeries(const Json& entry, PrometheusSeries* series) {
  if (!entry.is_object()) return false;
  const auto metric = entry.find("metric");
  if (metric == entry.end() || !metric->is_object()) return false;
  for (const auto& [key, value] : metric->items()) {
    if (!value.is_string()) continue;
    if (key == "__name__") {
      series->name = value.get<std::string>();
    } else {
      series->labels.emplace_back(key, value.get<std::string>());
    }
  }
  if (const auto one = entry.find("value"); one != entry.end()) AddSample(*one, series);
  if (const auto many = entry.find("values"); many != entry.end() && many->is_array()) {
    for (const Json& pair : *many) AddSample(pair, series);
  }
  std::stable_sort(series->samples.begin(), series->samples.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return !series->samples.empty();
}

// The list of series in an answer, or in promtool's output; nullptr: there is none.
const Json* ResultOf(const Json& root) {
  if (root.is_array()) return &root;
  if (!root.is_object()) return nullptr;
  const auto data = root.find("data");
  const Json& holder = data != root.end() && data->is_object() ? *data : root;
  const auto result = holder.find("result");
  return result != holder.end() && result->is_array() ? &*result : nullptr;
}

}  // namespace

std::string_view PrometheusSeries::Label(std::string_view label) const {
  for (const auto& [name, value] : labels) {
    if (name == label) return value;
  }
  return {};
}

Result<std::vector<PrometheusSeries>> ParsePrometheusJson(std::string_view text) {
  if (text.size() > kMostBytes)
    return Error{"larger than 32 MiB", "ask for fewer series, or with a larger step"};
  const Json root = Json::parse(text.begin(), text.end(), nullptr, false);
  if (root.is_discarded()) return Error{"no JSON, or cut off", "save the whole answer"};
  if (root.is_object() && root.value("status", Json()) == "error") {
    const Json message = root.value("error", Json());
    return Error{"Prometheus answered with an error: " +
                     (message.is_string() ? message.get<std::string>() : std::string("no message")),
                 "ask again"};
  }
  const Json* const result = ResultOf(root);
  if (result == nullptr)
    return Error{"no answer of Prometheus's query API", "it has data.result, a list of series"};
  std::vector<PrometheusSeries> all;
  for (const Json& entry : *result) {
    PrometheusSeries series;
    if (all.size() < kMostSeries && ReadSeries(entry, &series)) all.push_back(std::move(series));
  }
  if (all.empty())
    return Error{"the answer has no series", "widen the query's time range or its labels"};
  return all;
}

std::vector<ScrapeInput> ScrapesOf(const std::vector<PrometheusSeries>& series,
                                   const std::string& source) {
  std::set<Time> times;
  for (const PrometheusSeries& one : series) {
    if (one.name.rfind("flink_", 0) != 0) continue;
    for (const auto& sample : one.samples) times.insert(sample.first);
  }
  const std::vector<Time> all(times.begin(), times.end());
  std::vector<ScrapeInput> inputs;
  const std::size_t step = (all.size() + kMostMoments - 1) / kMostMoments;
  // Counted back from the newest, which always is there.
  for (std::size_t i = all.empty() ? 0 : (all.size() - 1) % step; i < all.size(); i += step) {
    std::vector<ScrapeSample> samples;
    for (const PrometheusSeries& one : series) {
      if (one.name.rfind("flink_", 0) != 0) continue;
      const auto at =
          std::lower_bound(one.samples.begin(), one.samples.end(), all[i],
                           [](const auto& sample, Time time) { return sample.first < time; });
      if (at == one.samples.end() || at->first != all[i]) continue;
      ScrapeSample sample;
      sample.name = one.name;
      sample.labels = one.labels;
      sample.value = at->second;
      sample.time = all[i];
      samples.push_back(std::move(sample));
    }
    Result<FlinkScrape> scrape = FlinkScrapeOf(samples);
    if (scrape.ok() && !scrape.value().task_managers.empty())
      inputs.push_back({source, all[i], std::move(scrape.value())});
  }
  return inputs;
}

bool IsPrometheusJson(const SourceFile& file) {
  const std::string_view head = file.Head();
  const std::size_t first = head.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (head[first] != '{' && head[first] != '[')) return false;
  const bool answer = head.find("\"resultType\"") != std::string_view::npos &&
                      head.find("\"result\"") != std::string_view::npos;
  const bool failed = head.find("\"errorType\"") != std::string_view::npos &&
                      head.find("\"status\"") != std::string_view::npos;
  const bool bare = head[first] == '[' && head.find("\"metric\"") != std::string_view::npos &&
                    head.find("\"value") != std::string_view::npos;
  return answer || failed || bare;
}

Result<std::string> AddPrometheusAnswer(const SourceFile& file,
                                        const std::optional<std::string>& task_manager,
                                        const std::optional<ConfiguredRocksDb>& configured,
                                        Evidence* evidence) {
  const Result<std::vector<PrometheusSeries>> series = ParsePrometheusJson(file.text);
  if (!series.ok()) return series.error();
  std::string gave = AddContainerSeries(series.value(), evidence);
  const std::vector<ScrapeInput> scrapes = ScrapesOf(series.value(), file.name);
  if (!scrapes.empty()) {
    const Result<std::string> added = AddScrapes(scrapes, task_manager, configured, evidence);
    if (!added.ok() && gave.empty()) return added.error();
    gave += (gave.empty() ? "" : "; ") + (added.ok() ? added.value() : added.error().Text());
  }
  if (gave.empty())
    return Error{
        "no series of a container's memory or of Flink",
        "query container_memory_working_set_bytes, container_memory_rss and flink_taskmanager_.*"};
  return gave;
}

Result<std::string> AddPrometheusJson(const SourceFile& file, Evidence* evidence) {
  return AddPrometheusAnswer(file, std::nullopt, std::nullopt, evidence);
}

}  // namespace wrackline::evidence
