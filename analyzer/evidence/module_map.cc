#include "analyzer/evidence/module_map.h"

#include <iterator>

namespace wrackline::evidence {

ModuleMap::ModuleMap(const recorder::Recording& recording) {
  for (const bool unloaded : {true, false}) {
    for (const auto& [id, module] : recording.modules) {
      if (module.unloaded() == unloaded) Put(module);
    }
  }
}

void ModuleMap::Split(std::uint64_t at) {
  const auto after = ranges_.upper_bound(at);
  if (after == ranges_.begin()) return;
  const auto before = std::prev(after);
  if (before->first == at || before->second.end <= at) return;
  const Range tail = before->second;
  before->second.end = at;
  ranges_.emplace(at, tail);
}

void ModuleMap::Put(const proto::Module& module) {
  if (module.start() >= module.end()) return;
  Split(module.start());
  Split(module.end());
  ranges_.erase(ranges_.lower_bound(module.start()), ranges_.lower_bound(module.end()));
  ranges_.emplace(module.start(), Range{module.end(), &module});
}

const proto::Module* ModuleMap::Of(std::uint64_t pc) const {
  if (pc == 0) return nullptr;
  const auto after = ranges_.upper_bound(pc - 1);
  if (after == ranges_.begin()) return nullptr;
  const Range& range = std::prev(after)->second;
  return pc - 1 < range.end ? range.module : nullptr;
}

}  // namespace wrackline::evidence
