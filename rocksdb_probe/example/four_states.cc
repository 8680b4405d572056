// The demo's program, and the larger example of embedding the probe: a keyed-state workload on
// RocksDB that holds as much memory as RocksDB's own defaults let it. See --help.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lib/container/process.h"
#include "rocksdb_probe/example/keyed_state.h"
#include "rocksdb_probe/example/settings_file.h"
#include "wrackline/rocksdb_probe.h"

namespace {

using namespace wrackline::example;
using Clock = std::chrono::steady_clock;

constexpr int kStoppedAtLimit = 99;

constexpr const char* kDescription =
    R"(Writes keyed state to RocksDB as a streaming job does: four column families, one thread each.

  value    reads a key, writes it back
  list     appends to a key's list (merge)
  map      composite keys, now and then reads all entries of one
  window   writes to the newest window, drops old ones

By default each family has what RocksDB gives it when nobody manages its memory: two write buffers of 64 MB and a block
cache of 8 MB of its own. Together they may hold 544 MB. With --settings all four share one block cache and one write
buffer manager of the sizes that a wrackline report proposes. The data written is the same in both cases.)";

constexpr const char* kFooter = R"(Exit status:
  0   all data was written, or --seconds have passed
  1   RocksDB or the settings file failed
  2   usage
  99  stopped on purpose at --stop-at: nobody killed it

Example:
  wrackline run --limit 256m --out lost -- wrackline_four_states --db /tmp/states --write-mb 900
  wrackline report lost --format json > report.json
  wrackline run --limit 256m --out kept -- wrackline_four_states --db /tmp/states --write-mb 900 --settings report.json)";

struct Arguments {
  std::string db;
  std::uint64_t write_mb = 900;
  std::uint64_t rate_mb = 60;
  double seconds = 0;
  std::string properties_log;
  std::string settings;
  std::uint64_t stop_at = 0;
  unsigned probe_period_ms = 50;
  bool keep = false;
};

// RocksDB's memtables are made of blocks of 1 MB. glibc maps the first ones, and when they are
// freed takes that size for usual and keeps all later ones in its heaps, where cache blocks pin
// them: 298 MiB for a cache of 192 MiB was measured, and 146 MiB with a threshold that stays where
// it is (one run each).
constexpr int kMmapThreshold = 256 * 1024;

volatile std::sig_atomic_t g_interrupted = 0;

// Anonymous memory: what no reclaim can take away from a process without swap.
std::uint64_t AnonymousBytes() {
  const wrackline::container::Statm statm = wrackline::container::ReadStatm("", "self");
  const std::uint64_t resident = statm.resident.value_or(0);
  const std::uint64_t shared = statm.shared.value_or(0);
  return resident > shared ? resident - shared : 0;
}

double Mb(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }
double MiB(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void PrintProgress(double seconds, const Progress& progress, const wrackline::RocksDbMemory& memory,
                   std::uint64_t anonymous) {
  std::uint64_t written = 0;
  std::string each;
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    const std::uint64_t bytes = progress.bytes_written.at(i).load(std::memory_order_relaxed);
    written += bytes;
    char text[64];
    std::snprintf(text, sizeof text, "%s%s %.0f", i == 0 ? "" : ", ", kStateNames.at(i), Mb(bytes));
    each += text;
  }
  std::fprintf(stderr,
               "four_states: %4.1f s  written %.0f MB (%s)  memory %.0f MiB: memtables %.0f, block "
               "caches %.0f\n",
               seconds, Mb(written), each.c_str(), MiB(anonymous), MiB(memory.MemtableBytes()),
               MiB(memory.CacheBytes()));
}

// RocksDB's own word beside the probe's: what each state's memtables take, asked by this thread and
// written down before the next instruction, so that a kill loses none of it.
class PropertiesLog {
 public:
  bool Open(const std::string& path) {
    if (path.empty()) return true;
    file_ = std::fopen(path.c_str(), "we");
    if (file_ == nullptr) return false;
    std::setvbuf(file_, nullptr, _IONBF, 0);
    return true;
  }
  ~PropertiesLog() {
    if (file_ != nullptr) std::fclose(file_);
  }
  PropertiesLog() = default;
  PropertiesLog(const PropertiesLog&) = delete;
  PropertiesLog& operator=(const PropertiesLog&) = delete;

  // One line: CLOCK_REALTIME in ns, then name=bytes for each state.
  void Write(const StateBackend& backend) {
    if (file_ == nullptr) return;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::string line =
        std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    for (std::size_t i = 0; i < kStateNames.size(); ++i) {
      std::uint64_t bytes = 0;
      backend.db()->GetIntProperty(backend.states().at(i),
                                   rocksdb::DB::Properties::kSizeAllMemTables, &bytes);
      line += std::string(" ") + kStateNames.at(i) + "=" + std::to_string(bytes);
    }
    std::fprintf(file_, "%s\n", line.c_str());
  }

 private:
  std::FILE* file_ = nullptr;
};

int Run(const Arguments& arguments, const MemorySettings& settings) {
  StateBackend backend;
  if (const auto status = backend.Open(arguments.db, settings); !status.ok()) {
    std::fprintf(stderr, "four_states: cannot open %s: %s\n", arguments.db.c_str(),
                 status.ToString().c_str());
    return 1;
  }
  wrackline::RocksDbProbe probe({.period = std::chrono::milliseconds(arguments.probe_period_ms)});
  auto watching =
      probe.Watch(backend.db(), backend.states(),
                  {.name = "four_states", .write_buffer_manager_cache = backend.charged_cache()});
  if (watching.ok()) watching = probe.Start();
  if (!watching.ok()) {
    std::fprintf(stderr, "four_states: cannot watch the database: %s\n",
                 watching.ToString().c_str());
    return 1;
  }

  PropertiesLog properties;
  if (!properties.Open(arguments.properties_log)) {
    std::fprintf(stderr, "four_states: cannot write %s\n", arguments.properties_log.c_str());
    return 1;
  }

  Progress progress;
  progress.bytes_per_second = arguments.rate_mb * 1'000'000;
  progress.start = Clock::now();
  std::atomic<std::size_t> running{kStateNames.size()};
  std::vector<rocksdb::Status> results(kStateNames.size());
  std::vector<std::thread> writers;
  const std::uint64_t bytes_per_state = arguments.write_mb * 1'000'000 / kStateNames.size();
  for (std::size_t state = 0; state < kStateNames.size(); ++state) {
    writers.emplace_back([&, state] {
      results[state] = RunState(backend, state, bytes_per_state, &progress);
      if (!results[state].ok()) progress.stop = true;
      --running;
    });
  }

  const Clock::time_point start = Clock::now();
  const auto elapsed = [start] {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double next_line = 0;
  while (running > 0) {
    const std::uint64_t anonymous = AnonymousBytes();
    properties.Write(backend);
    if (arguments.stop_at > 0 && anonymous >= arguments.stop_at) {
      PrintProgress(elapsed(), progress, probe.SampleNow(), anonymous);
      std::fprintf(stderr,
                   "four_states: stopped at the limit on purpose: not a kill (%.1f MiB of "
                   "anonymous memory)\n",
                   MiB(anonymous));
      probe.Stop();  // what is recorded ends with the memory as it was here: nothing is freed
                     // before the end
      std::_Exit(kStoppedAtLimit);
    }
    if (elapsed() >= next_line) {
      PrintProgress(elapsed(), progress, probe.SampleNow(), anonymous);
      next_line += 1;
    }
    if (g_interrupted != 0 || (arguments.seconds > 0 && elapsed() >= arguments.seconds))
      progress.stop = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  for (std::thread& writer : writers) writer.join();
  PrintProgress(elapsed(), progress, probe.SampleNow(), AnonymousBytes());
  probe.Unwatch(backend.db());

  int exit_status = 0;
  for (std::size_t state = 0; state < results.size(); ++state) {
    if (results[state].ok()) continue;
    std::fprintf(stderr, "four_states: %s: %s\n", kStateNames.at(state),
                 results[state].ToString().c_str());
    exit_status = 1;
  }
  if (const auto status = backend.Close(!arguments.keep); !status.ok()) {
    std::fprintf(stderr, "four_states: cannot close the database: %s\n", status.ToString().c_str());
    exit_status = 1;
  }
  return exit_status;
}

}  // namespace

int main(int argc, char** argv) try {
  mallopt(M_MMAP_THRESHOLD, kMmapThreshold);
  Arguments arguments;
  CLI::App app(kDescription, "wrackline_four_states");
  app.footer(kFooter);
  app.add_option("--db", arguments.db,
                 "Folder of the database; removed at the end, and what an earlier run left there "
                 "at the start")
      ->required();
  app.add_option("--write-mb", arguments.write_mb,
                 "Stop after this many MB (10^6 bytes) of payload, a quarter a family")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}));
  app.add_option("--rate-mb", arguments.rate_mb,
                 "Megabytes to write each second, all states together; 0: as fast as they can")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{100'000}));
  app.add_option("--properties-log", arguments.properties_log,
                 "Write what RocksDB says of each state's memtables to this file, every 10 ms");
  app.add_option("--seconds", arguments.seconds, "Stop after this time, whatever was written")
      ->check(CLI::NonNegativeNumber);
  app.add_option(
      "--settings", arguments.settings,
      "Take the memory settings that this report (`wrackline report --format json`) proposes");
  app.add_option("--stop-at", arguments.stop_at,
                 "End with status 99 when anonymous memory reaches this size (350m, 1g): for where "
                 "no cgroup can be made")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--probe-period", arguments.probe_period_ms,
                 "Milliseconds between samples of the probe")
      ->capture_default_str()
      ->check(CLI::Range(1u, 60'000u));
  app.add_flag("--keep", arguments.keep, "Leave the database where it is at the end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  MemorySettings settings;
  if (!arguments.settings.empty()) {
    std::string error;
    if (!ReadSettingsFile(arguments.settings, &settings, &error)) {
      std::fprintf(stderr, "four_states: %s\n", error.c_str());
      return 1;
    }
    std::fprintf(stderr,
                 "four_states: one block cache of %.1f MiB, write buffer manager of %.1f MiB%s%s\n",
                 MiB(settings.shared_block_cache_bytes), MiB(settings.write_buffer_manager_bytes),
                 settings.charge_write_buffers_to_cache ? ", charged to it" : "",
                 settings.allow_stall ? ", which may stall writers" : "");
  }
  std::signal(SIGINT, [](int) { g_interrupted = 1; });
  std::signal(SIGTERM, [](int) { g_interrupted = 1; });
  return Run(arguments, settings);
} catch (const std::exception& error) {
  std::fprintf(stderr, "four_states: %s\n", error.what());
  return 1;
}
