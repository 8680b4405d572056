// The operator that a Flink TaskManager's RocksDB database belongs to, from the path of its folder.
//
// Flink names it job_<job id>_op_<operator>_<operator id>__<subtask>_<parallelism>__uuid_<uuid>, with `db` in it; of the operator's name
// all but letters, digits and hyphens are underscores. The families in it are the operator's states.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wrackline::evidence {

struct FlinkDatabase {
  std::string job_id, operator_name, operator_id;
  int subtask = 0, parallelism = 0;  // subtasks count from 1
};

// Empty: the path is not of that form.
std::optional<FlinkDatabase> ParseFlinkDatabase(std::string_view path);

// "WindowOperator, subtask 1 of 4 (operator 90bea66d, job 5f2a90c1)", or the path itself.
std::string DatabaseTitle(const std::string& path);

}  // namespace wrackline::evidence
