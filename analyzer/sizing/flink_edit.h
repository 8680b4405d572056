// A Flink configuration under change: every edit is remembered with its old value and its reason.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/options.h"
#include "analyzer/flink/version.h"
#include "analyzer/sizing/proposal.h"

namespace wrackline::sizing {

class FlinkEdit {
 public:
  explicit FlinkEdit(flink::Configuration configuration)
      : configuration_(std::move(configuration)) {}

  void Set(const flink::Option& option, const std::string& value, std::string reason);
  // Written in the largest unit that is exact.
  void Set(const flink::Option& option, Bytes size, std::string reason);
  void Remove(const flink::Option& option, std::string reason);
  // The keys before Flink 1.10, which these versions take for a total where no other is set: beside a process size they contradict it.
  void RemoveLegacyTotal(flink::Version version);

  const flink::Configuration& configuration() const { return configuration_; }
  bool Contains(const flink::Option& option) const {
    return flink::OptionReader(configuration_).Contains(option);
  }
  // In order; a key is in it once, and not at all when its value ends as it began.
  const std::vector<Change>& changes() const { return changes_; }

 private:
  void Remember(std::string_view key, const std::string& new_value, std::string reason);

  flink::Configuration configuration_;
  std::vector<Change> changes_;
};

}  // namespace wrackline::sizing
