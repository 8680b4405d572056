// A Flink configuration: keys and values as strings, each with the place it came from.
//
//   Configuration c;
//   c.Set("taskmanager.memory.process.size", "4g", {"flink-conf.yaml", 12});
//   c.Get("taskmanager.memory.process.size")   -> "4g"
//
// Ordered by key. Knows nothing of options, defaults or versions: that is the model's.
// Thread-compatible.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wrackline::flink {

// Where a value was written; file "" and line 0 when it was made by a program.
struct Origin {
  std::string file;
  int line = 0;  // from 1
};

struct ConfigurationValue {
  std::string text;
  Origin origin;
};

class Configuration {
 public:
  using Map = std::map<std::string, ConfigurationValue, std::less<>>;

  // The last value of a key wins, as in Flink.
  void Set(std::string_view key, std::string_view value, Origin origin = {});
  void Remove(std::string_view key);
  bool Contains(std::string_view key) const { return values_.find(key) != values_.end(); }
  // The value exactly as written, or nothing.
  std::optional<std::string> Get(std::string_view key) const;
  // Origin of the key's value; {} when the key is not set.
  Origin OriginOf(std::string_view key) const;

  bool empty() const { return values_.empty(); }
  Map::const_iterator begin() const { return values_.begin(); }
  Map::const_iterator end() const { return values_.end(); }

 private:
  Map values_;
};

}  // namespace wrackline::flink
