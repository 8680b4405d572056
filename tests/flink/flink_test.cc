// The shim in a real TaskManager, killed: the report names the operator that leaks, the Java method in it, and adds up.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/flink/flink_cluster.h"
#include "tests/support/memory_cgroup.h"

namespace wrackline::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct Versions {
  const char* flink;
  const char* java;
};

class Flink : public testing::TestWithParam<Versions> {
 protected:
  static json Report(const std::string& folder) {
    ProcessOptions options;
    options.command = {WRACKLINE_COMMAND, "report", "--format", "json", folder};
    const ProcessEnd end = RunProcess(options);
    json report = json::parse(end.out, nullptr, false);
    return report.is_discarded() ? json::object() : report;
  }

  // Bytes live at sites with a frame of this function.
  static double LiveAt(const json& report, const std::string& function) {
    double bytes = 0;
    for (const json& site : report.value("sites", json::array())) {
      const json& frames = site.at("frames");
      if (std::any_of(frames.begin(), frames.end(),
                      [&](const json& frame) { return frame.at("function") == function; }))
        bytes += site.at("live").get<double>();
    }
    return bytes;
  }

  // Looks every two seconds: a report is work, on the processors that the job needs.
  static bool Leaks(const FlinkCluster& cluster, const std::string& function, double bytes) {
    for (int i = 0; i < 60; ++i) {
      std::this_thread::sleep_for(2s);
      if (LiveAt(Report(cluster.recordings()), function) > bytes) return true;
      if (cluster.TaskManagerStatus() >= 0) break;
    }
    return false;
  }
};

TEST_P(Flink, TheOperatorThatLeaksAndItsMethodAreNamed) {
  auto cgroup = MemoryCgroup::Create("flink", 2048 * kMiB);
  ASSERT_TRUE(cgroup.ok()) << cgroup.error().Text();
  FlinkCluster cluster({.flink = GetParam().flink,
                        .java = GetParam().java,
                        .configuration = "taskmanager.memory.process.size: 1024m\n"
                                         "taskmanager.numberOfTaskSlots: 2\n",
                        .preload = true,
                        .cgroup = cgroup.value().folder()});
  ASSERT_EQ(cluster.Up(), "");
  ASSERT_EQ(cluster.Submit({"fault=inflater", "every=5", "rate=1000", "payload=200"}), "");
  const std::string kLeak = "com.example.orders.DecodeOrder.forget";
  EXPECT_TRUE(Leaks(cluster, kLeak, 16e6));
  cluster.KillTaskManager();
  EXPECT_EQ(cluster.TaskManagerStatus(), 137);
  const json report = Report(cluster.recordings());
  EXPECT_GT(LiveAt(report, kLeak), 12e6);
  const json groups = report.value("thread_groups", json::array());
  const auto leaking = std::find_if(groups.begin(), groups.end(), [](const json& group) {
    return group.at("name") == "decode order";
  });
  ASSERT_NE(leaking, groups.end()) << groups.dump(1);
  EXPECT_EQ(leaking->at("top_site"), kLeak);
  EXPECT_EQ(leaking->at("kind"), "flink_task");
  // Two operators with state in two slots: their databases were found, each slot's share of managed memory once.
  ASSERT_TRUE(report.contains("rocksdb"));
  const json& rocksdb = report.at("rocksdb");
  EXPECT_EQ(rocksdb.at("databases"), 4);
  EXPECT_EQ(rocksdb.at("caches").size(), 2u);
  for (const char* state : {"last-order", "some-orders", "orders-by-byte", "window-contents"}) {
    const json& families = rocksdb.at("families");
    EXPECT_EQ(std::count_if(families.begin(), families.end(),
                            [&](const json& family) { return family.at("name") == state; }),
              2)
        << state;
  }
  const double total = report.at("ledger").at("total").get<double>();
  const double unexplained = report.at("ledger").at("unexplained").get<double>();
  std::cout << "unexplained " << unexplained / (1 << 20) << " of " << total / (1 << 20) << " MiB\n";
  // Not more than is there. The other way the VM's own figures may be seconds old while its heap is first touched.
  EXPECT_GT(unexplained, -total / 8);
  EXPECT_LT(unexplained, total / 3);
}

std::string NameOf(const testing::TestParamInfo<Versions>& info) {
  std::string name = "Flink";
  for (const char c : std::string(info.param.flink)) name += c == '.' ? '_' : c;
  return name + "Java" + info.param.java;
}

// Those of CI. By hand also 1.10.0, with the jars of pom-1.10.xml in ~/.cache/wrackline/flink/1.10.0:
//   WRACKLINE_FLINK=1.10.0 flink_test --gtest_filter='*1_10_0*'
// There all holds but the last: what a write buffer manager of RocksDB 5.17 reserves in its cache is not known, and is counted as blocks
// beside the memtables; `unexplained` is below its bound by that.
std::vector<Versions> Asked() {
  std::vector<Versions> versions = {{"1.20.3", "17"}, {"2.3.0", "21"}};
  const char* asked = std::getenv("WRACKLINE_FLINK");
  if (asked != nullptr && std::string(asked) == "1.10.0") versions = {{"1.10.0", "11"}};
  return versions;
}

INSTANTIATE_TEST_SUITE_P(Versions, Flink, testing::ValuesIn(Asked()), NameOf);

}  // namespace
}  // namespace wrackline::test
