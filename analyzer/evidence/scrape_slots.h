// Which databases of a TaskManager use one block cache together.
//
// Each family's gauge shows the whole cache that it uses, and no label says which. What decides:
//   - What Flink does. With managed (or fixed-per-slot) memory all databases of a slot share one
//     cache; with fixed-per-tm memory all of the TaskManager; with none each family has its own.
//   - A capacity that is Flink's share of the managed memory, to the byte, means one cache a slot.
//   - Families of one database that show different capacities or clearly different usages have
//     caches of their own; that show the very same usage share one.
//   - Two subtasks of one task are never in one slot, nor are two jobs. Others are put together
//     where their usages are alike.
// In doubt a cache counts once: the sum is then a lower bound, and a note says so.
//
// The reasons with figures: docs/rocksdb-probe.md, "From metrics alone". Pure; any
// thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/rocksdb_scrape.h"
#include "analyzer/flink/rocksdb_budget.h"

namespace wrackline::evidence {

// Groups of indexes into task_manager.databases, one group a cache; families of a database in no
// group have caches of their own, or none. `notes` gets how that was told.
std::vector<std::vector<std::size_t>> DatabasesOfSharedCaches(
    const ScrapedTaskManager& task_manager, const std::optional<flink::RocksDbBudget>& configured,
    std::vector<std::string>* notes);

}  // namespace wrackline::evidence
