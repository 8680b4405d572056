#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "analyzer/render/graph.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/text_parts.h"

namespace wrackline::render {
namespace {

using evidence::Evidence;
using evidence::TimelinePoint;

constexpr evidence::Duration kWindow = std::chrono::minutes(5);

// The largest value in each of `columns` equal spans up to `end`.
std::vector<std::optional<Bytes>> Spread(
    std::size_t columns, evidence::Time begin, evidence::Time end,
    const std::function<void(const std::function<void(evidence::Time, Bytes)>&)>& feed) {
  std::vector<std::optional<Bytes>> spans(columns);
  const double length = std::max(1.0, static_cast<double>((end - begin).count()));
  feed([&](evidence::Time time, Bytes amount) {
    if (time < begin || time > end) return;
    const double place =
        static_cast<double>((time - begin).count()) / length * static_cast<double>(columns);
    std::optional<Bytes>& span = spans[std::min(columns - 1, static_cast<std::size_t>(place))];
    if (!span || *span < amount) span = amount;
  });
  // A span without a tick repeats the one before: the tick is coarser than the column, nothing was
  // missed.
  for (std::size_t i = 1; i < columns; ++i) {
    if (!spans[i]) spans[i] = spans[i - 1];
  }
  return spans;
}

void Row(const char* name, const std::vector<std::optional<Bytes>>& spans, Bytes whole,
         Page* page) {
  std::optional<Bytes> first, most, last;
  std::vector<std::optional<double>> heights;
  for (const std::optional<Bytes>& span : spans) {
    heights.push_back(span ? std::optional<double>(static_cast<double>(span->count) /
                                                   static_cast<double>(whole.count))
                           : std::nullopt);
    if (!span) continue;
    if (!first) first = span;
    if (!most || *most < *span) most = span;
    last = span;
  }
  if (!most) return;
  page->Line(fmt::format("  {} {} {} at the end", Left(name, 8, page->utf8()),
                         Sparkline(heights, page->utf8()),
                         Right(FormatBytes(*last), 10, page->utf8())));
}

}  // namespace

void WriteTimeline(const Evidence& evidence, Page* page) {
  if (evidence.timeline.size() < 2) return;
  const evidence::Time end = std::max(evidence.last_record, evidence.timeline.back().time);
  const evidence::Time begin = std::max(evidence.timeline.front().time, end - kWindow);
  if (end <= begin) return;
  const std::size_t columns = page->width() - 2 - 9 - 22 - 1;
  Bytes whole = evidence.limit ? evidence.limit->amount : Bytes{1};
  const auto with_point = [&](std::optional<Bytes> (*value)(const TimelinePoint&)) {
    return Spread(columns, begin, end, [&](const auto& put) {
      for (const TimelinePoint& point : evidence.timeline) {
        if (const auto amount = value(point)) put(point.time, *amount);
      }
    });
  };
  const auto charge = with_point([](const TimelinePoint& point) { return point.charge; });
  const auto resident = with_point([](const TimelinePoint& point) { return point.resident; });
  for (const auto* spans : {&charge, &resident}) {
    for (const auto& span : *spans) {
      if (span && !evidence.limit) whole = std::max(whole, *span);
    }
  }
  page->Heading(fmt::format(
      "The last {}{}", Elapsed(end - begin),
      evidence.limit ? fmt::format(", full height is the limit of {}", FormatBytes(whole)) : ""));
  Row("charge", charge, whole, page);
  Row("resident", resident, whole, page);
  if (evidence.rocksdb && !evidence.rocksdb->history.empty()) {
    Row("RocksDB",
        Spread(columns, begin, end,
               [&](const auto& put) {
                 for (const auto& moment : evidence.rocksdb->history)
                   put(moment.time, moment.Total());
               }),
        whole, page);
  }
}

}  // namespace wrackline::render
