// The promise of the whole: a TaskManager with unmanaged RocksDB is killed by the kernel, the report says why and adds up to
// what the kernel counted, and with the proposed configuration the same job under the same limit lives on.
//
// WRACKLINE_FLINK=2.3.0 runs it on another Flink than 1.20.3.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "tests/flink/flink_cluster.h"
#include "tests/support/memory_cgroup.h"

namespace wrackline::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Clock = std::chrono::steady_clock;
using Settings = std::map<std::string, std::string>;

constexpr Bytes kLimit = 1024 * kMiB;
constexpr std::chrono::duration<double> kAliveAtLeast = 60s;
std::string FlinkVersion() {
  const char* asked = std::getenv("WRACKLINE_FLINK");
  return asked && *asked ? asked : "1.20.3";
}
std::string JavaVersion() { return FlinkVersion()[0] == '1' ? "17" : "21"; }

// Memtables fill by 16 MiB a second, whatever the machine can do, and pass the limit before the first checkpoint flushes them. Few
// keys: what is flushed is small, so that managed memory has little to do on a slow disk.
std::vector<std::string> Job() {
  return {"parallelism=2", "rate=1200",        "payload=2000",
          "keys=256",      "checkpoint=60000", "forget=128"};
}

std::string Yaml(const Settings& settings) {
  std::string text;
  for (const auto& [key, value] : settings) text += key + ": " + value + "\n";
  return text;
}

// Lines "key: value" take the place of what was set.
void AddFragment(const std::string& fragment, Settings* settings) {
  std::istringstream lines(fragment);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(": ");
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    (*settings)[line.substr(0, colon)] = line.substr(colon + 2);
  }
}

json Report(const std::vector<std::string>& arguments) {
  ProcessOptions options;
  options.command = {WRACKLINE_COMMAND, "report", "--format", "json"};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  const ProcessEnd end = RunProcess(options);
  json report = json::parse(end.out, nullptr, false);
  if (!report.is_object()) std::cout << "wrackline report: " << end.err << '\n';
  return report.is_object() ? report : json::object();
}

std::optional<double> NumberAfter(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + name.size(), nullptr);
}

// The kernel's own words on the kill of a process.
struct KernelKill {
  double anon_rss = 0, usage = 0, files = 0, kernel = 0;  // bytes
  std::string text;                                       // the whole kernel log
};

std::optional<KernelKill> FindKill(pid_t pid) {
  ProcessOptions dmesg;
  dmesg.command = {"dmesg"};
  KernelKill kill;
  kill.text = RunProcess(dmesg).out;
  const std::size_t victim = kill.text.rfind("Killed process " + std::to_string(pid) + " ");
  if (victim == std::string::npos) return std::nullopt;
  const std::size_t from = kill.text.rfind("memory: usage ", victim);
  if (from == std::string::npos) return std::nullopt;
  const std::string report = kill.text.substr(from, kill.text.find('\n', victim) - from);
  kill.anon_rss = NumberAfter(report, "anon-rss:").value_or(0) * 1024;
  kill.usage = NumberAfter(report, "memory: usage ").value_or(0) * 1024;
  // v1's total_cache and kmem, v2's file and kernel.
  const auto cache = NumberAfter(report, "] total_cache ");
  kill.files = cache ? *cache : NumberAfter(report, "file ").value_or(0);
  const auto kmem = NumberAfter(report, "kmem: usage ");
  kill.kernel = kmem ? *kmem * 1024 : NumberAfter(report, "kernel ").value_or(0);
  return kill;
}

double Mib(double bytes) { return bytes / (1 << 20); }

// Of the ledger, what is in no other category.
double Anonymous(const json& ledger) {
  double bytes = ledger.at("total").get<double>();
  for (const json& group : ledger.at("groups"))
    if (group.at("category") != "anonymous") bytes -= group.at("bytes").get<double>();
  return bytes;
}

// Waits until the TaskManager has ended; how long it lived, or nothing when it is alive after `limit`.
std::optional<std::chrono::duration<double>> Lifetime(const FlinkCluster& cluster,
                                                      std::chrono::duration<double> limit) {
  const Clock::time_point begin = Clock::now();
  while (Clock::now() - begin < limit) {
    if (cluster.TaskManagerStatus() >= 0) return Clock::now() - begin;
    std::this_thread::sleep_for(200ms);
  }
  return std::nullopt;
}

TEST(FlinkLoop, KilledExplainedResizedAlive) {
  // Who takes RocksDB out of managed memory needs none of it: the heap gets it. Flushes of three memtables at once, as some set
  // it against many small files.
  Settings settings = {{"taskmanager.memory.process.size", "1024m"},
                       {"taskmanager.memory.managed.size", "0m"},
                       {"taskmanager.numberOfTaskSlots", "2"},
                       {"state.backend.rocksdb.memory.managed", "false"},
                       {"state.backend.rocksdb.writebuffer.count", "6"},
                       {"state.backend.rocksdb.writebuffer.number-to-merge", "3"}};
  std::chrono::duration<double> lived{};
  {
    auto cgroup = MemoryCgroup::Create("flink-unmanaged", kLimit);
    ASSERT_TRUE(cgroup.ok()) << cgroup.error().Text();
    FlinkCluster cluster({.flink = FlinkVersion(),
                          .java = JavaVersion(),
                          .configuration = Yaml(settings),
                          .preload = true,
                          .cgroup = cgroup.value().folder()});
    ASSERT_EQ(cluster.Up(), "");
    ASSERT_EQ(cluster.Submit(Job()), "");
    const auto lifetime = Lifetime(cluster, 240s);
    ASSERT_TRUE(lifetime) << "unmanaged RocksDB in two slots was not killed within four minutes";
    lived = *lifetime;
    EXPECT_EQ(cluster.TaskManagerStatus(), 137);
    EXPECT_EQ(cgroup.value().OomKills(), 1u);
    std::cout << "Flink " << FlinkVersion() << ": killed " << lived.count()
              << " s after the job was submitted\n";

    const std::optional<KernelKill> kill = FindKill(cluster.TaskManagerPid());
    ASSERT_TRUE(kill) << "the kernel log has no report on this kill";
    // The recording alone has to reach the kernel's figures: its log is not in the folder yet.
    const json blind = Report({cluster.recordings()});
    ASSERT_TRUE(blind.contains("ledger"));
    const json& ledger = blind.at("ledger");
    const double total = ledger.at("total").get<double>();
    const double unexplained = ledger.at("unexplained").get<double>();
    const double counted = kill->anon_rss + kill->files + kill->kernel;
    std::cout << "ledger " << Mib(total) << " MiB, kernel " << Mib(counted) << " MiB (anon-rss "
              << Mib(kill->anon_rss) << ", files " << Mib(kill->files) << ", kernel "
              << Mib(kill->kernel) << "; its usage " << Mib(kill->usage) << ")\n"
              << "anonymous by the ledger " << Mib(Anonymous(ledger)) << " MiB, by the kernel "
              << Mib(kill->anon_rss) << " MiB\nunexplained " << Mib(unexplained) << " MiB, "
              << 100 * unexplained / total << " %\n";
    for (const json& group : ledger.at("groups"))
      std::cout << "  " << group.at("label").get<std::string>() << ' '
                << Mib(group.at("bytes").get<double>()) << " MiB\n";
    EXPECT_NEAR(total, counted, 0.03 * counted);
    EXPECT_NEAR(Anonymous(ledger), kill->anon_rss, 0.03 * kill->anon_rss);
    EXPECT_NEAR(unexplained, 0, 0.05 * total);

    std::ofstream(cluster.recordings() + "/dmesg.txt") << kill->text;
    const json report = Report({"--config", cluster.configuration_file(), "--flink-version",
                                FlinkVersion(), cluster.recordings()});
    ASSERT_TRUE(report.contains("verdict"));
    std::cout << report.at("verdict").get<std::string>() << '\n';
    EXPECT_EQ(report.at("ending").at("outcome"), "oom_killed");
    const json& findings = report.at("findings");
    EXPECT_NE(std::find_if(findings.begin(), findings.end(),
                           [](const json& finding) {
                             return finding.at("rule") == "rocksdb_unmanaged" &&
                                    finding.at("role") == "cause";
                           }),
              findings.end())
        << findings.dump(1);
    ProcessOptions size;
    size.command = {
        WRACKLINE_COMMAND, "size",         "--config",          cluster.configuration_file(),
        "--flink-version", FlinkVersion(), cluster.recordings()};
    const ProcessEnd proposed = RunProcess(size);
    ASSERT_TRUE(proposed.exited(0)) << proposed.err << proposed.out;
    std::cout << proposed.out;
    size.command.insert(size.command.begin() + 2, {"--format", "fragment"});
    AddFragment(RunProcess(size).out, &settings);
    std::cout << Yaml(settings);
    ASSERT_EQ(settings["state.backend.rocksdb.memory.managed"], "true");
  }

  auto cgroup = MemoryCgroup::Create("flink-proposed", kLimit);
  ASSERT_TRUE(cgroup.ok()) << cgroup.error().Text();
  FlinkCluster cluster({.flink = FlinkVersion(),
                        .java = JavaVersion(),
                        .configuration = Yaml(settings),
                        .preload = true,
                        .cgroup = cgroup.value().folder()});
  ASSERT_EQ(cluster.Up(), "");
  ASSERT_EQ(cluster.Submit(Job()), "");
  // Three times as long, and at least for some checkpoints.
  const std::chrono::duration<double> wanted = std::max(3 * lived, kAliveAtLeast);
  const auto died = Lifetime(cluster, wanted);
  EXPECT_FALSE(died) << "ended after " << died.value_or(0s).count() << " s";
  EXPECT_EQ(cgroup.value().OomKills(), 0u);
  // Alive means at work.
  const json jobs = json::parse(cluster.Rest("/jobs"), nullptr, false);
  ASSERT_TRUE(jobs.is_object());
  EXPECT_EQ(jobs.at("jobs").at(0).at("status"), "RUNNING");
  const std::string id = jobs.at("jobs").at(0).at("id");
  const auto read_checkpoints = [&] {
    return json::parse(cluster.Rest("/jobs/" + id + "/checkpoints"), nullptr, false);
  };
  json checkpoints = read_checkpoints();
  // A job at full speed takes its time for one.
  for (int i = 0; i < 60 && checkpoints.is_object() &&
                  checkpoints.at("counts").at("completed") == 0 && cluster.TaskManagerStatus() < 0;
       ++i) {
    std::this_thread::sleep_for(2s);
    checkpoints = read_checkpoints();
  }
  ASSERT_TRUE(checkpoints.is_object());
  EXPECT_GE(checkpoints.at("counts").at("completed"), 1);
  EXPECT_EQ(checkpoints.at("counts").at("restored"), 0);
  const json after = Report({cluster.recordings()});
  std::cout << "alive after " << wanted.count() << " s, charge at its peak "
            << Mib(after.value("peak_working_set", json::object()).value("bytes", 0.0))
            << " MiB without the page cache\n"
            << after.value("verdict", "") << '\n';
}

}  // namespace
}  // namespace wrackline::test
