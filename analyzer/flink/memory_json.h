// The components of a TaskManager's memory as JSON: the one form that every answer has them in. Bytes.
#pragma once

#include <nlohmann/json.hpp>

#include "analyzer/flink/memory_model.h"

namespace wrackline::flink {

// {"framework_heap": 134217728, ..., "total_process": 1073741824}
nlohmann::ordered_json ComponentsJson(const TaskManagerMemory& memory);

}  // namespace wrackline::flink
