// A Flink release, and what changed between releases.
//
//   ParseVersion("1.20.5")           -> {1, 20, 5}
//   ParseVersion("1.20")             -> {1, 20, 0}
//   ParseVersion("2.1-SNAPSHOT")     -> {2, 1, 0}
//
// The memory model covers 1.10.0 (the first with today's keys) to 2.3; a later release is taken for
// the newest known one.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline::flink {

struct Version {
  int feature = 0;  // the "1" of 1.20.5
  int minor = 0;
  int patch = 0;

  constexpr auto operator<=>(const Version&) const = default;
};

// Releases at which a rule of this room changes.
inline constexpr Version kOldestVersion{1, 10, 0};
inline constexpr Version kNewestKnownVersion{2, 3, 0};
inline constexpr Version kMetaspace256m{1, 10,
                                        1};  // taskmanager.memory.jvm-metaspace.size: 96m before
inline constexpr Version kPrefixedMessages{1, 11,
                                           0};  // "TaskManager memory configuration failed: ..."
inline constexpr Version kConsumerWeights{1, 12, 0};  // taskmanager.memory.managed.consumer-weights
inline constexpr Version kNetworkMaxUnlimited{1, 17,
                                              0};  // taskmanager.memory.network.max: 1g before
inline constexpr Version kFixedPerTaskManager{1, 17,
                                              0};  // state.backend.rocksdb.memory.fixed-per-tm
inline constexpr Version kYamlConfig{1, 19, 0};  // config.yaml is read where no flink-conf.yaml is
inline constexpr Version kNoLegacyKeys{
    2, 0, 0};  // heap.size, heap.mb, numberOfBuffers, flink-conf.yaml: ignored

// Errors: not a version; older than 1.10, whose memory keys were others.
Result<Version> ParseVersion(std::string_view text);

// "1.20.5".
std::string FormatVersion(Version version);

}  // namespace wrackline::flink
