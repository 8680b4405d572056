// The models as a service of rows: one JSON object asked, the same object with the answer behind it. What `wrackline model --batch`
// speaks; the fields are those of rows recorded from real Flink (docs/flink-memory-model.md lists them). Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "analyzer/flink/version.h"

namespace wrackline::flink {

enum class BatchKind { kTaskManager, kJobManager, kRocksDb, kSlot, kConfiguration };

// "flink-memory", "jobmanager-memory", "rocksdb-memory", "slot-managed", "flink-conf-parse"; absent: another word.
std::optional<BatchKind> ParseBatchKind(std::string_view name);

struct Answer {
  std::string row;         // one line of JSON, without a line end
  bool asked_well = true;  // false: the line was no row of this kind
};

// `row`: one line of JSON, without a line end. What is no row of this kind is answered too:
// "ok":false,"error_class":"wrackline","error":"..." behind what could be read.
Answer AnswerRow(BatchKind kind, Version version, std::string_view row);

// The answer to a line that cannot be looked at.
Answer RefuseRow(const std::string& why);

}  // namespace wrackline::flink
