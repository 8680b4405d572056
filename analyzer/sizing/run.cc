#include "analyzer/sizing/run.h"

#include <algorithm>
#include <set>

namespace wrackline::sizing {

Bytes Moment::Rest() const {
  const Bytes named =
      heap.value_or(Bytes{}) + metaspace.value_or(Bytes{}) + direct.value_or(Bytes{}) + RocksDb();
  return std::max(Bytes{}, working_set - named);
}

std::vector<Moment> Thinned(std::vector<Moment> moments) {
  if (moments.size() <= kMostMoments) return moments;
  std::set<std::size_t> kept;
  for (std::size_t part = 0; part < kMostMoments; ++part) {
    const std::size_t begin = part * moments.size() / kMostMoments;
    const std::size_t end = (part + 1) * moments.size() / kMostMoments;
    std::size_t largest = begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (moments[i].working_set > moments[largest].working_set) largest = i;
    }
    kept.insert(largest);
  }
  const auto keep_peak = [&](auto amount) {
    std::size_t largest = 0;
    for (std::size_t i = 1; i < moments.size(); ++i) {
      if (amount(moments[i]) > amount(moments[largest])) largest = i;
    }
    kept.insert(largest);
  };
  keep_peak([](const Moment& m) { return m.heap.value_or(Bytes{}); });
  keep_peak([](const Moment& m) { return m.heap_live.value_or(Bytes{}); });
  keep_peak([](const Moment& m) { return m.metaspace.value_or(Bytes{}); });
  keep_peak([](const Moment& m) { return m.direct.value_or(Bytes{}); });
  keep_peak([](const Moment& m) { return m.RocksDb(); });
  keep_peak([](const Moment& m) { return m.memtables.value_or(Bytes{}); });
  keep_peak([](const Moment& m) { return m.table_readers.value_or(Bytes{}); });
  keep_peak([](const Moment& m) { return m.Rest(); });
  std::vector<Moment> thinned;
  thinned.reserve(kept.size());
  for (const std::size_t index : kept) thinned.push_back(moments[index]);
  return thinned;
}

}  // namespace wrackline::sizing
