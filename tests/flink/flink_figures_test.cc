// RocksDB's figures in a recording against those that Flink itself exports, of a moment at which nothing moves: the source
// is silent, nothing is flushed or compacted.
//
// WRACKLINE_FLINK=2.3.0 runs it on another Flink than 1.20.3.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "tests/flink/flink_cluster.h"
#include "tests/support/memory_cgroup.h"

namespace wrackline::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// By metric, then by family and subtask.
using Figures = std::map<std::string, std::map<std::string, double>>;

const char* const kFamilies[] = {"last-order", "some-orders", "orders-by-byte", "window-contents"};

// flink_taskmanager_job_task_operator_last_order_rocksdb_size_all_mem_tables{...,subtask_index="1",...} 2048.0
Figures FlinkFigures(const std::string& text) {
  Figures figures;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find("_rocksdb_");
    const std::size_t labels = line.find('{');
    const std::size_t subtask = line.find("subtask_index=\"");
    if (line.empty() || line[0] == '#' || at == std::string::npos || labels == std::string::npos ||
        subtask == std::string::npos)
      continue;
    for (const std::string family : kFamilies) {
      std::string name = family;
      for (char& c : name)
        if (c == '-') c = '_';
      if (line.compare(at - name.size() - 1, name.size() + 1, "_" + name) != 0) continue;
      figures[line.substr(at + 9, labels - at - 9)][family + "/" + line.substr(subtask + 15, 1)] =
          std::strtod(line.c_str() + line.rfind(' '), nullptr);
    }
  }
  return figures;
}

json RecordedRocksdb(const FlinkCluster& cluster) {
  ProcessOptions options;
  options.command = {WRACKLINE_COMMAND, "report", "--format", "json", cluster.recordings()};
  const json report = json::parse(RunProcess(options).out, nullptr, false);
  return report.is_object() ? report.value("rocksdb", json::object()) : json::object();
}

// Largest difference of a pair, as a share of the second one.
double Compare(const char* what, const std::multiset<double>& recorded,
               const std::multiset<double>& exported) {
  EXPECT_EQ(recorded.size(), exported.size()) << what;
  if (recorded.size() != exported.size()) return 1;
  double worst = 0;
  for (auto r = recorded.begin(), e = exported.begin(); r != recorded.end(); ++r, ++e) {
    EXPECT_NEAR(*r, *e, 0.01 * *e) << what;
    if (*e > 0) worst = std::max(worst, std::abs(*r - *e) / *e);
    std::cout << "  " << what << ": recorded " << *r << ", Flink " << *e << '\n';
  }
  return worst;
}

std::multiset<double> OfFamily(const Figures& figures, const std::string& metric,
                               const std::string& family) {
  std::multiset<double> values;
  const auto found = figures.find(metric);
  if (found == figures.end()) return values;
  for (const auto& [key, value] : found->second)
    if (key.substr(0, key.find('/')) == family) values.insert(value);
  return values;
}

TEST(FlinkFigures, RocksdbAsFlinkExportsIt) {
  const char* asked = std::getenv("WRACKLINE_FLINK");
  const std::string version = asked && *asked ? asked : "1.20.3";
  auto cgroup = MemoryCgroup::Create("flink-figures", 2048 * kMiB);
  ASSERT_TRUE(cgroup.ok()) << cgroup.error().Text();
  // In a process of 1 GiB the arena blocks of a slot's families alone exceed its write buffer manager: it flushes for
  // minutes after the last record.
  std::string configuration =
      "taskmanager.memory.process.size: 2048m\ntaskmanager.numberOfTaskSlots: 2\n";
  for (const char* metric :
       {"size-all-mem-tables", "cur-size-all-mem-tables", "estimate-table-readers-mem",
        "block-cache-usage", "block-cache-capacity", "num-running-flushes",
        "num-running-compactions", "mem-table-flush-pending"})
    configuration += std::string("state.backend.rocksdb.metrics.") + metric + ": true\n";
  FlinkCluster cluster({.flink = version,
                        .java = version[0] == '1' ? "17" : "21",
                        .configuration = configuration,
                        .preload = true,
                        .cgroup = cgroup.value().folder()});
  ASSERT_EQ(cluster.Up(), "");
  // No checkpoint in the test's time: it would read, and so move the caches.
  ASSERT_EQ(cluster.Submit({"records=40000", "payload=1000", "checkpoint=3600000"}), "");

  // Settled: something was flushed, nothing runs, and Flink's figures are the same in two views of its own (5 s apart).
  Figures exported;
  bool settled = false;
  for (int i = 0; i < 25 && !settled; ++i) {
    std::this_thread::sleep_for(6s);
    const Figures now = FlinkFigures(cluster.Metrics());
    double readers = 0;
    if (const auto found = now.find("estimate_table_readers_mem"); found != now.end())
      for (const auto& [key, value] : found->second) readers += value;
    settled = readers > 0 && now == exported;
    exported = now;
  }
  ASSERT_TRUE(settled) << "Flink's metrics never came to rest";
  // Table readers are read every few seconds.
  std::this_thread::sleep_for(6s);
  const json rocksdb = RecordedRocksdb(cluster);
  ASSERT_TRUE(rocksdb.contains("families"));
  // They are still the same: what was recorded in between is of the same state.
  ASSERT_EQ(FlinkFigures(cluster.Metrics()), exported);

  double worst = 0;
  for (const std::string family : kFamilies) {
    std::multiset<double> memtables, readers;
    for (const json& of : rocksdb.at("families")) {
      if (of.at("name") != family) continue;
      memtables.insert(of.at("all_memtables").get<double>());
      readers.insert(of.at("table_readers").get<double>());
    }
    EXPECT_EQ(memtables.size(), 2u) << family;
    std::cout << family << '\n';
    worst = std::max(
        worst, Compare("memtables", memtables, OfFamily(exported, "size_all_mem_tables", family)));
    worst = std::max(worst, Compare("table readers", readers,
                                    OfFamily(exported, "estimate_table_readers_mem", family)));
  }
  // Every family of a slot exports the slot's cache: two different figures in all.
  std::multiset<double> caches;
  for (const json& cache : rocksdb.at("caches")) caches.insert(cache.at("usage").get<double>());
  EXPECT_EQ(caches.size(), 2u);
  std::map<std::string, std::set<double>> by_subtask;
  ASSERT_TRUE(exported.count("block_cache_usage"));
  for (const auto& [key, value] : exported.at("block_cache_usage"))
    by_subtask[key.substr(key.find('/'))].insert(value);
  std::multiset<double> exported_caches;
  for (const auto& [subtask, values] : by_subtask) {
    EXPECT_EQ(values.size(), 1u) << "families of one slot with different caches";
    exported_caches.insert(values.begin(), values.end());
  }
  std::cout << "slots\n";
  worst = std::max(worst, Compare("block cache", caches, exported_caches));
  std::cout << "Flink " << version << ": largest difference " << 100 * worst << " %\n";
}

}  // namespace
}  // namespace wrackline::test
