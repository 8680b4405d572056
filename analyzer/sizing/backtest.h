// The recorded demand, replayed under another configuration: would it have lived, how close did it come, when would it have died.
//
//   const Result<BackTest> test = TestBack(runs, {configuration, version, 1 * kGiB}, Bytes{});
//   test.value().survives
//
// What becomes of each component under other budgets is a model, and docs/sizing.md has its formulas. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/version.h"
#include "analyzer/sizing/run.h"
#include "lib/base/result.h"

namespace wrackline::sizing {

// A configuration to live under. Without a limit of its own, its total process memory is the limit.
struct Target {
  flink::Configuration configuration;
  flink::Version version;
  std::optional<Bytes> limit;
};

// What ends a process first: the kernel at the limit, or the VM with an OutOfMemoryError of that kind.
enum class Death { kNone, kLimit, kHeap, kDirectMemory, kMetaspace };

// One run under the target.
struct Replay {
  std::string run;
  Death death = Death::kNone;
  std::optional<Milliseconds> died_at;
  Bytes peak;  // of the working set, as predicted, up to its death
  Milliseconds peak_at{};
  Bytes headroom;  // limit - peak
  // Where each component of the peak stands, in the order of the memory model: "heap", "metaspace", "direct and network", "rocksdb",
  // "rest".
  struct Part {
    std::string name;
    Bytes recorded, predicted;
  };
  std::vector<Part> parts;
  std::vector<std::string> assumptions;  // what was not recorded, and what stands in for it
};

struct BackTest {
  flink::TaskManagerMemory memory;  // as that version derives it
  Bytes limit;
  Bytes headroom_asked;
  bool survives = false;  // every run lives, and at least the headroom asked for stays free
  Bytes least_headroom;
  std::vector<Replay> replays;  // in the order of the runs
};

// `headroom`: bytes that must stay free under the limit. Errors: a configuration that Flink refuses, with its message; no run, or one
// without a moment.
Result<BackTest> TestBack(const std::vector<Run>& runs, const Target& target, Bytes headroom);

}  // namespace wrackline::sizing
