#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "analyzer/render/graph.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"
#include "analyzer/report/rocksdb_demand.h"

namespace wrackline::render {
namespace {

using evidence::Evidence;
using evidence::TimelinePoint;

constexpr evidence::Duration kWindow = std::chrono::hours(1);

struct Series {
  std::vector<std::optional<Bytes>> spans;  // the largest value in each
  std::optional<Bytes> last;                // the newest value of all
};

// `columns` equal spans up to `end`.
Series Spread(std::size_t columns, evidence::Time begin, evidence::Time end,
              const std::function<void(const std::function<void(evidence::Time, Bytes)>&)>& feed) {
  Series series;
  std::vector<std::optional<Bytes>>& spans = series.spans;
  spans.resize(columns);
  evidence::Time newest = begin;
  const double length = std::max(1.0, static_cast<double>((end - begin).count()));
  feed([&](evidence::Time time, Bytes amount) {
    if (time < begin || time > end) return;
    const double place =
        static_cast<double>((time - begin).count()) / length * static_cast<double>(columns);
    std::optional<Bytes>& span = spans[std::min(columns - 1, static_cast<std::size_t>(place))];
    if (!span || *span < amount) span = amount;
    if (time < newest) return;
    newest = time;
    series.last = amount;
  });
  // A span without a tick repeats the one before: the tick is coarser than the column, nothing was
  // missed.
  for (std::size_t i = 1; i < columns; ++i) {
    if (!spans[i]) spans[i] = spans[i - 1];
  }
  return series;
}

void Row(const char* name, const Series& series, Bytes whole, Page* page) {
  if (!series.last) return;
  std::vector<std::optional<double>> heights;
  for (const std::optional<Bytes>& span : series.spans) {
    heights.push_back(span ? std::optional<double>(static_cast<double>(span->count) /
                                                   static_cast<double>(whole.count))
                           : std::nullopt);
  }
  page->Line(fmt::format("  {} {} {} at the end", Left(name, 8, page->utf8()),
                         Sparkline(heights, page->utf8()),
                         Right(FormatBytes(*series.last), 10, page->utf8())));
}

}  // namespace

void WriteTimeline(const Evidence& evidence, Page* page) {
  // A few snapshots make no course.
  if (evidence.timeline.size() < (evidence.recorded ? 2 : 5)) return;
  const evidence::Time end = std::max(evidence.last_record, evidence.timeline.back().time);
  const evidence::Time begin = std::max(evidence.timeline.front().time, end - kWindow);
  if (end <= begin) return;
  const std::size_t columns = page->width() - 2 - 9 - 22 - 1;
  Bytes whole = evidence.limit ? evidence.limit->amount : Bytes{1};
  const auto with_point = [&](std::optional<Bytes> (*value)(const TimelinePoint&),
                              const std::optional<evidence::Figure>& newest) {
    return Spread(columns, begin, end, [&](const auto& put) {
      for (const TimelinePoint& point : evidence.timeline) {
        if (const auto amount = value(point)) put(point.time, *amount);
      }
      if (newest) put(newest->time, newest->amount);
    });
  };
  // The last heartbeat is newer than the last tick: it is where the verdict's charge comes from.
  const auto charge =
      with_point([](const TimelinePoint& point) { return point.charge; }, evidence.last_charge);
  const auto resident =
      with_point([](const TimelinePoint& point) { return point.resident; }, std::nullopt);
  for (const auto* series : {&charge, &resident}) {
    for (const auto& span : series->spans) {
      if (span && !evidence.limit) whole = std::max(whole, *span);
    }
  }
  page->Heading(fmt::format(
      "The last {}{}", Elapsed(end - begin),
      evidence.limit ? fmt::format(", full height is the limit of {}", FormatBytes(whole)) : ""));
  Row("charge", charge, whole, page);
  Row("resident", resident, whole, page);
  if (const auto& rocksdb = report::RocksDbOf(evidence); rocksdb && !rocksdb->history.empty()) {
    Row("RocksDB",
        Spread(columns, begin, end,
               [&](const auto& put) {
                 for (const auto& moment : rocksdb->history) put(moment.time, moment.Total());
               }),
        whole, page);
  }
}

}  // namespace wrackline::render
