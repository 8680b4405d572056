// One figure over the time, read now and then. Pure; any thread.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "analyzer/evidence/evidence.h"

namespace wrackline::report {

class Series {
 public:
  // In order of time; of two readings of one time the last counts.
  void Add(evidence::Time time, Bytes amount) {
    if (!readings_.empty() && readings_.back().first >= time) {
      readings_.back().second = amount;
    } else {
      readings_.emplace_back(time, amount);
    }
  }
  void Append(const Series& later) {
    for (const auto& [time, amount] : later.readings_) Add(time, amount);
  }
  bool empty() const { return readings_.empty(); }
  evidence::Time FirstTime() const { return readings_.front().first; }

  // Between two readings in proportion: what grows by 30 MiB a second is not what it was half a minute before. After the last one
  // its value; before the first one nothing.
  std::optional<Bytes> At(evidence::Time time) const {
    const auto after = Behind(time);
    if (after == readings_.begin()) return std::nullopt;
    const auto& [from, low] = *std::prev(after);
    if (after == readings_.end()) return low;
    const double part = static_cast<double>((time - from).count()) /
                        static_cast<double>((after->first - from).count());
    const double change = static_cast<double>(after->second.count - low.count);
    return low + Bytes{static_cast<std::int64_t>(part * change)};
  }
  // The newest reading at or before `time`.
  std::optional<Bytes> Newest(evidence::Time time) const {
    const auto after = Behind(time);
    return after == readings_.begin() ? std::nullopt : std::optional(std::prev(after)->second);
  }

 private:
  using Readings = std::vector<std::pair<evidence::Time, Bytes>>;

  // The first one after `time`.
  Readings::const_iterator Behind(evidence::Time time) const {
    return std::upper_bound(
        readings_.begin(), readings_.end(), time,
        [](evidence::Time wanted, const auto& reading) { return wanted < reading.first; });
  }

  Readings readings_;
};

}  // namespace wrackline::report
