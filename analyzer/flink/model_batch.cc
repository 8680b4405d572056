#include "analyzer/flink/model_batch.h"

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/job_manager_memory.h"
#include "analyzer/flink/memory_json.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/rocksdb_memory.h"
#include "analyzer/flink/slot_memory.h"

namespace wrackline::flink {
namespace {

using Json = nlohmann::ordered_json;

// What the asked row lacks, in words; thrown and caught in this file.
struct BadRow {
  std::string message;
};

const Json& Field(const Json& row, const char* name) {
  const auto field = row.find(name);
  if (field == row.end()) throw BadRow{std::string("the row has no \"") + name + "\""};
  return *field;
}

std::string Text(const Json& row, const char* name) {
  const Json& field = Field(row, name);
  if (!field.is_string()) throw BadRow{std::string("\"") + name + "\" is not a text"};
  return field.get<std::string>();
}

std::int64_t Integer(const Json& row, const char* name) {
  const Json& field = Field(row, name);
  if (!field.is_number_integer() ||
      (field.is_number_unsigned() && field.get<std::uint64_t>() > std::uint64_t{INT64_MAX}))
    throw BadRow{std::string("\"") + name + "\" is not a whole number of 64 bits"};
  return field.get<std::int64_t>();
}

double Number(const Json& row, const char* name) {
  const Json& field = Field(row, name);
  if (!field.is_number()) throw BadRow{std::string("\"") + name + "\" is not a number"};
  return field.get<double>();
}

bool Flag(const Json& row, const char* name) {
  const Json& field = Field(row, name);
  if (!field.is_boolean()) throw BadRow{std::string("\"") + name + "\" is not true or false"};
  return field.get<bool>();
}

void PutError(const JavaException& exception, Json* row) {
  (*row)["ok"] = false;
  (*row)["error_class"] = exception.error_class;
  (*row)["error"] = exception.message;
  if (exception.causes.empty()) return;
  Json causes = Json::array();
  for (const auto& cause : exception.causes)
    causes.push_back(Json::array({cause.error_class, cause.message}));
  (*row)["causes"] = std::move(causes);
}

Mode ModeOf(const Json& row) {
  const std::string mode = Text(row, "mode");
  if (mode == "standalone") return Mode::kStandalone;
  if (mode == "containerized") return Mode::kContainerized;
  throw BadRow{"\"mode\" is neither \"standalone\" nor \"containerized\""};
}

Configuration ConfigurationOf(const Json& row) {
  const Json& config = Field(row, "config");
  if (!config.is_object()) throw BadRow{"\"config\" is not an object"};
  Configuration configuration;
  for (const auto& [key, value] : config.items()) {
    if (!value.is_string()) throw BadRow{"\"config\": the value of \"" + key + "\" is not a text"};
    configuration.Set(key, value.get_ref<const std::string&>());
  }
  return configuration;
}

void AnswerTaskManager(Version version, Json* row) {
  const auto outcome = EvaluateTaskManagerMemory(ConfigurationOf(*row), version, ModeOf(*row));
  if (const auto* exception = std::get_if<JavaException>(&outcome))
    return PutError(*exception, row);
  const auto& memory = std::get<TaskManagerMemory>(outcome);
  (*row)["ok"] = true;
  (*row)["bytes"] = ComponentsJson(memory);
  (*row)["jvm_args"] = memory.JvmArguments();
}

void AnswerJobManager(Version version, Json* row) {
  const auto outcome = EvaluateJobManagerMemory(ConfigurationOf(*row), version, ModeOf(*row));
  if (const auto* exception = std::get_if<JavaException>(&outcome))
    return PutError(*exception, row);
  const auto& memory = std::get<JobManagerMemory>(outcome);
  (*row)["ok"] = true;
  (*row)["bytes"] = {{"heap", memory.heap.count},
                     {"offheap", memory.off_heap.count},
                     {"jvm_metaspace", memory.jvm_metaspace.count},
                     {"jvm_overhead", memory.jvm_overhead.count},
                     {"total_flink", memory.total_flink.count},
                     {"total_process", memory.total_process.count}};
  (*row)["jvm_args"] = memory.JvmArguments();
}

void AnswerRocksDb(Version version, Json* row) {
  const Bytes managed{Integer(*row, "managed_bytes")};
  const double ratio = Number(*row, "write_buffer_ratio");
  Number(*row, "high_prio_pool_ratio");
  const Bytes write_buffer{Integer(*row, "write_buffer_size")};
  if (managed.count < 0 || write_buffer.count < 0)
    throw BadRow{"\"managed_bytes\" and \"write_buffer_size\" are not negative"};
  const RocksDbMemory memory = DivideForRocksDb(managed, ratio);
  (*row)["cache_capacity"] = memory.cache_capacity.count;
  (*row)["write_buffer_manager_capacity"] = memory.write_buffer_manager_capacity.count;
  if (version < kConsumerWeights) return;  // the arena's rules came with 1.12
  (*row)["default_arena_block_size"] = ArenaBlockSize(write_buffer).count;
  (*row)["mutable_limit"] = MutableLimit(memory.write_buffer_manager_capacity).count;
  (*row)["arena_block_size_valid"] =
      ArenaBlockFits(write_buffer, memory.write_buffer_manager_capacity);
}

void AnswerSlot(Version version, Json* row) {
  SlotShareQuestion question;
  question.managed = Bytes{Integer(*row, "managed_bytes")};
  const std::int64_t slots = Integer(*row, "slots");
  if (question.managed.count < 0 || slots < 1 || slots > INT32_MAX)
    throw BadRow{"\"managed_bytes\" is not negative, and \"slots\" is at least 1"};
  question.slots = static_cast<int>(slots);
  if (const Json& weights = Field(*row, "consumer_weights"); !weights.is_null())
    question.consumer_weights = Text(*row, "consumer_weights");
  const Json& use_cases = Field(*row, "use_cases");
  if (!use_cases.is_array()) throw BadRow{"\"use_cases\" is not a list"};
  for (const Json& use_case : use_cases) {
    if (!use_case.is_string()) throw BadRow{"\"use_cases\" is not a list of texts"};
    question.use_cases.push_back(use_case.get<std::string>());
  }
  question.state_backend_uses_managed = Flag(*row, "state_backend_uses_managed");
  question.use_case = Text(*row, "use_case");
  const auto outcome = ShareOfSlot(question, version);
  if (const auto* exception = std::get_if<JavaException>(&outcome))
    return PutError(*exception, row);
  const auto& share = std::get<SlotShare>(outcome);
  (*row)["slot_managed_bytes"] = share.slot.count;
  (*row)["fraction"] = share.fraction;
  if (const auto* bytes = std::get_if<Bytes>(&share.bytes)) {
    (*row)["use_case_bytes"] = bytes->count;
  } else {
    const auto& exception = std::get<JavaException>(share.bytes);
    (*row)["use_case_bytes"] = exception.error_class + ": " + exception.message;
  }
}

void AnswerConfiguration(Version version, Json* row) {
  const std::string file = Text(*row, "file");
  const std::string text = Text(*row, "text");
  const auto format = ChooseConfigFormat(file, text, version);
  if (!format.ok()) throw BadRow{format.error().Text()};
  auto read = format.value() == ConfigFormat::kYaml
                  ? ReadYamlConfig(text, file)
                  : std::variant<Configuration, YamlFailure>(ParseFlatConfig(text, file));
  if (const auto* failure = std::get_if<YamlFailure>(&read))
    return PutError(failure->exception, row);
  Json map = Json::object();
  for (const auto& [key, value] : std::get<Configuration>(read)) map[key] = value.text;
  (*row)["ok"] = true;
  (*row)["map"] = std::move(map);
}

// No row nests deeper than a few levels; the bound keeps hostile text from exhausting the stack.
bool NestsTooDeep(std::string_view text) {
  constexpr int kDeepest = 32;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

constexpr std::array<std::pair<std::string_view, BatchKind>, 5> kKinds = {
    {{"flink-memory", BatchKind::kTaskManager},
     {"jobmanager-memory", BatchKind::kJobManager},
     {"rocksdb-memory", BatchKind::kRocksDb},
     {"slot-managed", BatchKind::kSlot},
     {"flink-conf-parse", BatchKind::kConfiguration}}};

}  // namespace

std::optional<BatchKind> ParseBatchKind(std::string_view name) {
  for (const auto& [known, kind] : kKinds) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

Answer AnswerRow(BatchKind kind, Version version, std::string_view text) {
  Answer answer;
  Json row;
  try {
    if (NestsTooDeep(text)) throw BadRow{"the line nests more than 32 levels deep"};
    row = Json::parse(text, nullptr, false);
    if (row.is_discarded()) {
      row = Json::object();
      throw BadRow{"the line is not JSON"};
    }
    if (!row.is_object()) {
      row = Json::object();
      throw BadRow{"the line is not a JSON object"};
    }
    switch (kind) {
      case BatchKind::kTaskManager:
        AnswerTaskManager(version, &row);
        break;
      case BatchKind::kJobManager:
        AnswerJobManager(version, &row);
        break;
      case BatchKind::kRocksDb:
        AnswerRocksDb(version, &row);
        break;
      case BatchKind::kSlot:
        AnswerSlot(version, &row);
        break;
      case BatchKind::kConfiguration:
        AnswerConfiguration(version, &row);
        break;
    }
  } catch (const BadRow& problem) {
    PutError({"wrackline", problem.message, {}}, &row);
    answer.asked_well = false;
  }
  // ASCII only, as the recorded rows are.
  answer.row = row.dump(-1, ' ', true, Json::error_handler_t::replace);
  return answer;
}

Answer RefuseRow(const std::string& why) {
  Json row = Json::object();
  PutError({"wrackline", why, {}}, &row);
  return {row.dump(-1, ' ', true, Json::error_handler_t::replace), false};
}

}  // namespace wrackline::flink
