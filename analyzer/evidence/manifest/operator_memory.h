// spec.taskManager.resource.memory, as Flink's Kubernetes operator reads it.
#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace wrackline::evidence {

// What the operator writes into *.memory.process.size. Flink's own sizes first, so "2g" and "2G"
// are 2 GiB ("2 gb"); what those do not know is taken for a quantity of Kubernetes in capital
// letters without spaces and without a final B: "2Gi", "2gib" and "2 Gi" are "2147483648". A
// fraction keeps its point ("1.5Gi" -> "1610612736.0"), which Flink then refuses.
// Errors: what the operator refuses; amounts from an exbibyte on, which no machine has.
Result<std::string> OperatorMemoryText(std::string_view memory);

}  // namespace wrackline::evidence
