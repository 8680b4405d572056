// One collection, start to end: which process, every source, the manifest.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/collect/target.h"
#include "lib/base/result.h"
#include "lib/units/bytes.h"

namespace wrackline::collect {

struct CollectOptions {
  std::string output;  // a folder, or a name that ends with .tar.zst
  std::optional<pid_t> pid;
  std::string cgroup;     // folder of a cgroup; empty: any process that is seen
  bool previous = false;  // no process: what a former one left
  std::vector<std::string> recordings, logs, pod_info;  // folders beside those that are found
  std::string scrape_url;  // empty: the ports that Flink's configuration names
  bool any_host = false;
  bool threads = false;
  Bytes most_of_a_log = 4 * kMiB;
  std::chrono::milliseconds patience = std::chrono::seconds(5);  // with the VM, a question
};

struct CollectSummary {
  std::size_t taken = 0;
  std::uint64_t masked = 0;
  std::vector<std::string> masked_keys;  // at most eight
  std::vector<std::string> missing;      // "what: why"
  std::string remark;                    // how the process was chosen
};

// The process that the options mean; NoProcess where there is none (and `remark` says so). Errors: --pid's does not exist.
Result<Target> Choose(const CollectOptions& options, std::string* remark);

// `reason`: why it is collected now, for the manifest. Errors: the output cannot be written. Nothing taken is no error: see `taken`.
Result<CollectSummary> Collect(const CollectOptions& options, const Target& target,
                               const std::string& remark, const std::string& reason);

}  // namespace wrackline::collect
