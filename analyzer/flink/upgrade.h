// What changes for one configuration when Flink's version does: each component's bytes, and the
// keys and defaults behind it. One table of facts (upgrade_facts.cc), taken from the options of the
// releases.
//
//   Upgrade u = CompareVersions(configuration, {}, Version{1, 16, 3}, Version{1, 20, 5},
//                               Role::kTaskManager, Mode::kStandalone);
//   u.before.components, u.after.components; u.changes[0].key -> "taskmanager.memory.network.max"
//
// Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/model_facts.h"
#include "analyzer/flink/version.h"

namespace wrackline::flink {

struct UpgradeFact {
  enum class Kind {
    kGone,     // the key is ignored from `since` on
    kRenamed,  // it has a new name, the old one still works
    kDefault,  // another default: for whoever does not set the key
    kValue,    // a value or its meaning
    kFile,     // the configuration file
  };
  Version since;
  Kind kind = Kind::kGone;
  std::string_view key;
  std::string_view what;
  std::string_view step;  // what to do about it
  bool job_manager = false;
};

// In the order of versions.
const std::vector<UpgradeFact>& UpgradeFacts();

struct UpgradeChange {
  Version since;
  std::string key;
  bool breaks = false;  // the configuration does not do any more what it did
  std::string what, step;
};

struct Upgrade {
  ModelFacts before, after;
  std::vector<UpgradeChange> changes;  // that concern this configuration, in the order of versions
};

// `file`: where the configuration was read from, for what a version does with such a file; "" when
// it was none.
Upgrade CompareVersions(const Configuration& configuration, std::string_view file, Version from,
                        Version to, Role role, Mode mode);

}  // namespace wrackline::flink
