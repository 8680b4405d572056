#include "analyzer/report/run_of.h"

#include <algorithm>
#include <utility>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/outcome.h"
#include "analyzer/report/granted.h"
#include "analyzer/report/leaks_of.h"
#include "analyzer/report/moments.h"
#include "analyzer/report/rocksdb_demand.h"

namespace wrackline::report {

std::optional<sizing::Run> RunOf(const evidence::Evidence& evidence,
                                 const std::optional<ledger::Ledger>& ledger, std::string name) {
  const ledger::Basis basis = ledger ? ledger->basis : ledger::Basis::kCharge;
  std::vector<sizing::Moment> moments = MomentsOf(evidence, basis);
  if (moments.empty()) return std::nullopt;
  std::vector<std::string> reasons;
  const diagnosis::Outcome outcome = diagnosis::DecideOutcome(evidence, &reasons);

  sizing::Run run;
  run.name = std::move(name);
  run.limit = diagnosis::LimitOf(evidence);
  run.killed = diagnosis::EndedByLimit(outcome);
  run.partial = basis == ledger::Basis::kMetrics;
  Granted granted = GrantedOf(evidence);
  run.flink_version = std::move(granted.version);
  run.granted = granted.memory;
  run.slots = granted.slots;
  run.rocksdb_managed = RocksDbIsManaged(evidence);
  if (run.rocksdb_managed.value_or(false) && evidence.flink)
    run.rocksdb_fixed = evidence.flink->rocksdb_fixed;
  if (const std::optional<evidence::RocksDb>& rocksdb = RocksDbOf(evidence)) {
    run.families = FamiliesOf(*rocksdb);
    run.databases = rocksdb->databases;
  }
  if (const auto& metrics = evidence.metrics ? evidence.metrics : evidence.scraped) {
    run.network_used = metrics->memory.network_used;
    run.managed_used = metrics->memory.managed_used;
  }
  run.leaks = LeaksOf({evidence, ledger, outcome});
  run.lifetime = std::max(moments.back().at,
                          std::chrono::duration_cast<sizing::Milliseconds>(evidence.Lifetime()));
  run.moments = sizing::Thinned(std::move(moments));
  return run;
}

}  // namespace wrackline::report
