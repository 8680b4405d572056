#include "analyzer/flink/upgrade.h"

#include "analyzer/flink/options.h"

namespace wrackline::flink {
namespace {

// Whether a fact concerns this configuration.
bool Concerns(const UpgradeFact& fact, const Configuration& configuration, std::string_view file) {
  switch (fact.kind) {
    case UpgradeFact::Kind::kGone:
    case UpgradeFact::Kind::kRenamed:
      return configuration.Contains(fact.key);
    case UpgradeFact::Kind::kDefault:
      // The network's maximum has another name too.
      return !configuration.Contains(fact.key) &&
             !(fact.key == options::NetworkMax(fact.since).key &&
               configuration.Contains(options::NetworkMax(fact.since).deprecated_key));
    case UpgradeFact::Kind::kValue: {
      const auto value = configuration.Get(fact.key);
      return value && value->find("DATAPROC") != std::string::npos;
    }
    case UpgradeFact::Kind::kFile:
      return file.ends_with(fact.key);
  }
  return false;
}

bool Breaks(const UpgradeFact& fact) {
  switch (fact.kind) {
    case UpgradeFact::Kind::kGone:
      return true;
    case UpgradeFact::Kind::kFile:
    case UpgradeFact::Kind::kValue:
      return fact.since >= kNoLegacyKeys;
    case UpgradeFact::Kind::kRenamed:
    case UpgradeFact::Kind::kDefault:
      return false;
  }
  return false;
}

}  // namespace

Upgrade CompareVersions(const Configuration& configuration, std::string_view file, Version from,
                        Version to, Role role, Mode mode) {
  Upgrade upgrade;
  upgrade.before = ExplainModel(configuration, from, role, mode);
  upgrade.after = ExplainModel(configuration, to, role, mode);
  for (const UpgradeFact& fact : UpgradeFacts()) {
    if (fact.since <= from || fact.since > to) continue;
    // A default of the TaskManager is nothing to a JobManager.
    if (fact.kind == UpgradeFact::Kind::kDefault && fact.job_manager != (role == Role::kJobManager))
      continue;
    if (!Concerns(fact, configuration, file)) continue;
    upgrade.changes.push_back({fact.since, std::string(fact.key), Breaks(fact),
                               std::string(fact.what), std::string(fact.step)});
  }
  return upgrade;
}

}  // namespace wrackline::flink
