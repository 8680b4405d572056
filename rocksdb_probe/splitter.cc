#include "rocksdb_probe/splitter.h"

#include <time.h>

#include <algorithm>
#include <set>

#include "rocksdb_probe/block_keys.h"
#include "rocksdb_probe/process_facts.h"

namespace wrackline::probe {
namespace {

std::uint64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

void Duty::Spent(std::uint64_t now_ns, std::uint64_t cost_ns) {
  // No more than an hour: a clock that jumped shall not end it for good.
  constexpr double kMost = 3600e9;
  const double pause = part_ > 0 ? static_cast<double>(cost_ns) / part_ : kMost;
  next_ns_ = now_ns + static_cast<std::uint64_t>(std::min(pause, kMost));
}

void Splitter::AddFamily(const DatabaseFacts& database, FamilyFacts* family, Plan* plan) {
  FamilyFiles& files = family->files;
  // Of which the last walk found no block.
  files.ForgetFormer([this](std::uint64_t prefix) { return !owners_.WasFound(prefix); });
  files.Refresh(database.db, family->handle);
  if (files.Unconfirmed() && plan->may_ask) {
    const std::uint64_t begin = MonotonicNs();
    files.Confirm(database.db, family->handle);
    plan->asked_ns += MonotonicNs() - begin;
  }
  const auto owner = static_cast<std::uint32_t>(plan->owners.size());
  plan->owners.emplace_back(database.id, family->id);
  for (const FamilyFiles::File& file : files.files()) plan->files.emplace_back(file.prefix, owner);
  for (const FamilyFiles::File& file : files.former())
    plan->former.emplace_back(file.prefix, owner | FileOwners::kFormer);
  const auto add_cache = [&](std::uint64_t id, RocksDbCacheKind kind) {
    const auto is_this = [id](const auto& cache) {
      return reinterpret_cast<std::uintptr_t>(cache.get()) == id;
    };
    if (id == 0 || std::any_of(plan->caches.begin(), plan->caches.end(), is_this)) return;
    std::shared_ptr<rocksdb::Cache> cache = CacheOf(family->handle, kind);
    // Another than at Watch: the table options were changed.
    if (is_this(cache)) plan->caches.push_back(std::move(cache));
  };
  add_cache(family->cache_id, RocksDbCacheKind::kBlock);
  add_cache(family->blob_cache_id, RocksDbCacheKind::kBlob);
}

std::shared_ptr<const Splitter::Figures> Splitter::Walk(
    const std::vector<std::shared_ptr<WatchedDatabase>>& databases) {
  const std::uint64_t begin = MonotonicNs();
  const std::uint64_t begin_cpu = ThreadCpuNs();
  Plan plan;
  plan.may_ask = properties_.Due(begin);
  for (const auto& watched : databases) {
    std::set<std::uint32_t> done;
    for (std::size_t i = 0;; ++i) {
      // For one family at a time, so that Unwatch waits for one at most. What it takes away between two of them moves the others.
      const std::lock_guard lock(watched->mutex);
      std::vector<FamilyFacts>& families = watched->facts.families;
      if (watched->facts.db == nullptr) break;
      i = std::min(i, families.size());
      while (i > 0 && done.count(families[i - 1].id) == 0) --i;
      if (i == families.size()) break;
      done.insert(families[i].id);
      AddFamily(watched->facts, &families[i], &plan);
    }
  }
  if (plan.asked_ns != 0) properties_.Spent(begin, plan.asked_ns);
  owners_.Reset(plan.files.size() + plan.former.size());
  for (const auto& [prefix, owner] : plan.files) owners_.Add(prefix, owner);
  // After all live ones: a file that one database gave up may be another's still.
  for (const auto& [prefix, owner] : plan.former) owners_.Add(prefix, owner);
  const std::uint64_t files_ns = MonotonicNs() - begin;

  auto figures = std::make_shared<Figures>();
  OwnedBlocks owned(plan.owners.size());
  std::map<std::uint64_t, EntryTrail> trails;
  for (std::shared_ptr<rocksdb::Cache>& cache : plan.caches) {
    const std::uint64_t cache_id = reinterpret_cast<std::uintptr_t>(cache.get());
    // Of a cache that is walked no more, it ends here. One of another cache that was at this address leads nowhere.
    if (const auto known = trails_.find(cache_id); known != trails_.end())
      trails[cache_id] = std::move(known->second);
    const std::uint64_t walk = MonotonicNs();
    const std::uint64_t walk_cpu = ThreadCpuNs();
    RocksDbCacheSplit split = ScanCache(cache.get(), &owners_, &trails[cache_id], &owned);
    split.monotonic_ns = walk;
    split.duration_ns = MonotonicNs() - walk;
    split.cpu_ns = ThreadCpuNs() - walk_cpu;
    split.files_ns = files_ns;
    figures->caches.emplace(cache_id, split);
    cache.reset();
  }
  trails_.swap(trails);
  for (std::size_t i = 0; i < plan.owners.size(); ++i)
    figures->families[plan.owners[i]] = {owned.live[i], owned.former[i]};
  walks_.Spent(begin, ThreadCpuNs() - begin_cpu);
  return figures;
}

void Splitter::Split(const std::vector<std::shared_ptr<WatchedDatabase>>& databases,
                     RocksDbMemory* memory) {
  if (databases.empty() || !BlockKeysAreKnown()) return;
  if (std::unique_lock walk(walk_mutex_, std::try_to_lock);
      walk.owns_lock() && walks_.Due(MonotonicNs())) {
    std::shared_ptr<const Figures> fresh = Walk(databases);
    const std::lock_guard lock(figures_mutex_);
    figures_ = std::move(fresh);
  }
  std::shared_ptr<const Figures> figures;
  {
    const std::lock_guard lock(figures_mutex_);
    figures = figures_;
  }
  if (figures == nullptr) return;
  for (RocksDbCacheMemory& cache : memory->caches) {
    const auto found = figures->caches.find(cache.id);
    if (found != figures->caches.end()) cache.split = found->second;
  }
  for (RocksDbDatabaseMemory& database : memory->databases) {
    for (RocksDbFamilyMemory& family : database.families) {
      const bool split = figures->caches.count(family.cache_id) != 0 ||
                         figures->caches.count(family.blob_cache_id) != 0;
      const auto found = figures->families.find({database.id, family.id});
      if (!split || found == figures->families.end()) continue;
      family.cached_blocks = found->second.live;
      family.former_blocks = found->second.former;
    }
  }
}

}  // namespace wrackline::probe
