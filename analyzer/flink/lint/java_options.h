// The JVM options that a configuration adds to Flink's own (env.java.opts*).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/lint/rule.h"
#include "lib/units/bytes.h"

namespace wrackline::flink::lint {

struct JavaOption {
  std::string text;
  Location at;                // of the value that it stands in
  bool task_manager = false;  // it reaches TaskManagers
};

// In the order of the keys, split at spaces. Those of the TaskManager, the JobManager and both.
std::vector<JavaOption> JavaOptions(const Context& context);

// A size as HotSpot reads it: digits and one of k, m, g, t in any case.
std::optional<Bytes> ParseJavaSize(std::string_view text);

}  // namespace wrackline::flink::lint
