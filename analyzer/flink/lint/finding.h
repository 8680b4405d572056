// A finding: one mistake at one place of a configuration, why it is one, and what to write instead.
//
//   flink-conf.yaml:12:1: warning: taskmanager.memory.heap.size is no option of any Flink version
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wrackline::flink::lint {

enum class Severity {
  kInfo,     // worth knowing; nothing has to change
  kWarning,  // the setting does not do what it says, or memory is granted that nothing bounds
  kError,    // Flink refuses to start with it, or the pod cannot hold it
};

// "info", "warning", "error".
std::string_view SeverityName(Severity severity);

// A place in a file. Columns and lengths count characters (Unicode code points), not bytes. Line 0:
// the file as a whole.
struct Location {
  std::string file;
  int line = 0;    // from 1
  int column = 0;  // from 1; 0 when only the line is known
  int length = 0;  // of the key or value; 0 when unknown

  bool operator==(const Location&) const = default;
};

// The three texts are one line each, plain English sentences, and may quote the configuration:
// renderers make them inert.
struct Finding {
  Severity severity = Severity::kWarning;
  std::string rule;  // its id; set by the engine
  Location at;
  std::string message;  // what is wrong, with the key and the value
  std::string reason;   // why: what Flink, RocksDB or the kernel does with it
  std::string fix;      // what to write instead
};

using Findings = std::vector<Finding>;

}  // namespace wrackline::flink::lint
