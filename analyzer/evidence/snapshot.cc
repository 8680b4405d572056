#include "analyzer/evidence/snapshot.h"

#include <algorithm>

namespace wrackline::evidence {

TimelinePoint* SnapshotPoint(Time time, Evidence* evidence,
                             std::optional<Bytes> TimelinePoint::*own) {
  if (evidence->recorded) return nullptr;
  std::vector<TimelinePoint>& points = evidence->timeline;
  TimelinePoint* nearest = nullptr;
  Duration least = kSameSnapshot;
  for (TimelinePoint& point : points) {
    const Duration apart = point.time > time ? point.time - time : time - point.time;
    if (apart > least || (own != nullptr && point.*own)) continue;
    least = apart;
    nearest = &point;
  }
  if (nearest != nullptr) return nearest;
  const auto place =
      std::upper_bound(points.begin(), points.end(), time,
                       [](Time at, const TimelinePoint& point) { return at < point.time; });
  TimelinePoint fresh;
  fresh.time = time;
  return &*points.insert(place, fresh);
}

}  // namespace wrackline::evidence
