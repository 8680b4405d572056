// Needs and a limit -> sizes that fit, and the edit of a configuration that makes Flink derive them.
#pragma once

#include <optional>

#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/version.h"
#include "analyzer/sizing/flink_edit.h"
#include "analyzer/sizing/needs.h"
#include "analyzer/sizing/proposal.h"

namespace wrackline::sizing {

// What stays free under a limit.
Bytes HeadroomUnder(Bytes limit, const Objective& objective);

// The largest process under a limit: less than that, where Flink makes the pod and gives it more than its process.
Bytes ProcessUnder(Bytes limit, const Objective& objective);

// The process fits, and what it holds at its peak leaves the headroom.
bool Fits(const Needs& needs, const Sizes& sizes, Bytes limit, const Objective& objective);

// The largest sizes that fit: the wishes, or less of what has more than its floor, in this order: metaspace (a bound, not memory),
// heap, network, overhead, task off-heap, managed. Nothing when the floors do not fit. What the headroom keeps from being used is in
// `overhead`.
std::optional<Sizes> LargestUnder(const Needs& needs, Bytes limit, Bytes process,
                                  const Objective& objective);

// The smallest limit in whole MiB under which these sizes fit; 2^50 bytes when none does.
Bytes SmallestLimitFor(const Needs& needs, const Sizes& sizes, const Objective& objective);

struct Fitted {
  FlinkEdit edit;
  flink::TaskManagerMemory memory;
};

// The configuration with these sizes, changed in as few keys as will do; derived again by that version and held against the needs.
// Nothing when Flink has no such configuration.
std::optional<Fitted> Realize(const flink::Configuration& configuration, flink::Version version,
                              const flink::TaskManagerMemory& now, const Needs& needs,
                              const Sizes& sizes, Bytes limit, const Objective& objective);

}  // namespace wrackline::sizing
