// Sentences that more than one proposal says.
#pragma once

#include <string>

#include "analyzer/flink/memory_model.h"

namespace wrackline::sizing {

// "Flink's memory model, derived again: heap 412.0 MiB -> 300.0 MiB, managed ..., process ... <= 1.00 GiB limit"
std::string DerivedAgain(const flink::TaskManagerMemory& now, const flink::TaskManagerMemory& then,
                         Bytes limit);

}  // namespace wrackline::sizing
