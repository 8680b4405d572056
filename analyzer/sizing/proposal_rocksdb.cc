// A plain process with a limit and RocksDB over it: one pool for all families.
#include <algorithm>

#include "analyzer/flink/rocksdb_memory.h"
#include "analyzer/sizing/proposal.h"
#include "analyzer/sizing/rules.h"

namespace wrackline::sizing {
namespace {

constexpr const char* kCacheKey = "rocksdb.shared_block_cache_bytes";
constexpr const char* kManagerKey = "rocksdb.write_buffer_manager_bytes";
constexpr const char* kChargeKey = "rocksdb.charge_write_buffers_to_cache";
constexpr const char* kStallKey = "rocksdb.write_buffer_manager_allow_stall";

std::string CachesNow(const Demand& demand) {
  if (demand.caches_capacity == Bytes{}) return "";
  return FormatBytes(demand.caches_capacity) +
         (demand.shared_cache ? ", shared" : " in all, not shared");
}

void AddSettings(Proposal& proposal, const Demand& demand, const flink::RocksDbMemory& memory) {
  const std::string cache = std::to_string(memory.cache_capacity.count);
  const std::string manager = std::to_string(memory.write_buffer_manager_capacity.count);
  proposal.changes = {
      {kCacheKey, CachesNow(demand), cache,
       "one block cache for all column families, so that one number bounds them"},
      {kManagerKey, demand.write_buffer_manager ? "set" : "", manager,
       "one write buffer manager flushes early when all memtables together grow beyond it"},
      {kChargeKey, "", "true",
       "memtables take their bytes out of the cache, so the two never add up"},
      {kStallKey, "", "true",
       "makes the manager's size a bound; the price: writers stall when flushes cannot keep up"}};
  for (const Change& change : proposal.changes) proposal.settings[change.key] = change.new_value;
}

}  // namespace

Proposal ProposeRocksDb(const Demand& raw_demand) {
  const Demand demand = Sanitized(raw_demand);
  // Table readers stay outside the cache under these settings too.
  const Bytes fixed = demand.outside_rocksdb + demand.table_readers_peak;
  const Bytes smallest_pool = SmallestPool(LargestWriteBuffer(demand), 1, kWriteBufferRatio);

  Proposal proposal;
  proposal.smallest_limit = SmallestLimit(fixed, smallest_pool);
  const std::string need = UnmanagedNeedEquation(demand);
  if (!need.empty()) {
    proposal.arithmetic.push_back(need + (demand.limit ? ", limit " + FormatBytes(*demand.limit)
                                                       : std::string(", no limit")));
  }
  if (!demand.limit) {
    proposal.summary = "There is no memory limit to fit under; " +
                       FormatBytes(proposal.smallest_limit) +
                       " is the smallest one that would work.";
    proposal.predicted_peak = fixed + smallest_pool + Retention(smallest_pool);
    proposal.advice.push_back("Give the process a limit, then ask again.");
    return proposal;
  }

  const Bytes limit = *demand.limit;
  const Bytes largest_pool = LargestPool(limit, fixed);
  const Bytes pool = std::max(largest_pool, smallest_pool);
  proposal.fits = largest_pool >= smallest_pool;
  proposal.predicted_peak = fixed + pool + Retention(pool);
  proposal.headroom = limit - proposal.predicted_peak;
  proposal.arithmetic.push_back(FormatBytes(limit) + " limit - " + FormatBytes(Headroom(limit)) +
                                " headroom (1/10) - " + FormatBytes(demand.outside_rocksdb) +
                                " outside RocksDB - " + FormatBytes(demand.table_readers_peak) +
                                " table readers = " + FormatBytes(limit - Headroom(limit) - fixed) +
                                " for RocksDB and its allocator");
  proposal.arithmetic.push_back(
      "pool " + FormatBytes(pool) + " + " + FormatBytes(Retention(pool)) +
      " kept by the allocator (1/8) = " + FormatBytes(pool + Retention(pool)));
  if (!proposal.fits) {
    proposal.arithmetic.push_back("the smallest pool for write buffers of " +
                                  FormatBytes(LargestWriteBuffer(demand)) + " is " +
                                  FormatBytes(smallest_pool));
    proposal.summary =
        "No RocksDB settings fit under " + FormatBytes(limit) + ": even the smallest pool is " +
        FormatBytes(proposal.predicted_peak - (limit - Headroom(limit))) +
        " too much. The smallest limit that works is " + FormatBytes(proposal.smallest_limit) + ".";
    proposal.advice.push_back("What is outside RocksDB (" + FormatBytes(demand.outside_rocksdb) +
                              ") has to shrink, or the limit to grow; a smaller write_buffer_size "
                              "lowers the smallest pool.");
    return proposal;
  }

  const flink::RocksDbMemory memory = flink::DivideForRocksDb(pool, kWriteBufferRatio);
  AddSettings(proposal, demand, memory);
  proposal.arithmetic.push_back(
      "block cache = (3 - 0.5)/3 x pool = " + FormatBytes(memory.cache_capacity) +
      ", write buffer manager = 2 x 0.5/3 x pool = " +
      FormatBytes(memory.write_buffer_manager_capacity) +
      "; a manager that overshoots by half still ends inside the pool");
  proposal.arithmetic.push_back("predicted peak " + FormatBytes(fixed) + " + " +
                                FormatBytes(pool + Retention(pool)) + " = " +
                                FormatBytes(proposal.predicted_peak) + " <= " + FormatBytes(limit) +
                                " limit, " + FormatBytes(proposal.headroom) + " left");
  proposal.summary = "Give all column families one block cache of " +
                     FormatBytes(memory.cache_capacity) + " and charge a write buffer manager of " +
                     FormatBytes(memory.write_buffer_manager_capacity) +
                     " to it: the process then peaks near " + FormatBytes(proposal.predicted_peak) +
                     " of " + FormatBytes(limit) + ".";
  proposal.advice.push_back(
      "Where writers must never wait, leave allow_stall off and watch the memtables: the manager "
      "then flushes early but stops nobody, and they exceed it by more than half where flushes "
      "cannot keep up.");
  proposal.advice.push_back(
      "Iterators and open table files pin blocks beyond the cache's capacity; close iterators "
      "early.");
  return proposal;
}

}  // namespace wrackline::sizing
