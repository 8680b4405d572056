#include "analyzer/flink/slot_memory.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <utility>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/java_number.h"
#include "analyzer/flink/rocksdb_memory.h"

namespace wrackline::flink {
namespace {

constexpr const char* kWeightsKey = "taskmanager.memory.managed.consumer-weights";
constexpr Version kThreeConsumers{1, 13,
                                  0};  // OPERATOR, STATE_BACKEND, PYTHON; before: DATAPROC, PYTHON

constexpr Version kPairMessage{1, 17, 0};

using Pairs = std::vector<std::pair<std::string, std::string>>;
__extension__ typedef unsigned __int128 Uint128;
using Weights = std::map<std::string, std::int32_t>;

[[noreturn]] void Throw(const char* error_class, std::string message) {
  throw JavaException{error_class, std::move(message), {}};
}

// A text in quotes: where it begins, its value without them, where the rest begins. A quote inside
// is doubled.
std::size_t TakeQuoted(std::string_view text, std::size_t at, std::string* value) {
  const char quote = text[at];
  for (++at; at < text.size(); ++at) {
    if (text[at] != quote) {
      *value += text[at];
    } else if (at + 1 < text.size() && text[at + 1] == quote) {
      *value += text[at++];
    } else {
      return at + 1;
    }
  }
  Throw(kIllegalArgument, "Could not split string. Quoting was not closed properly.");
}

// Something stands behind a closed quote at `at`, unless the rest of the text is worse.
[[noreturn]] void IllegalQuoting(std::string_view text, std::size_t rest, char delimiter,
                                 std::size_t at) {
  while (rest < text.size()) {
    const char c = text[rest];
    std::string ignored;
    if (c == '\'' || c == '"') {
      rest = TakeQuoted(text, rest, &ignored);
    } else if (c == delimiter || c == ' ') {
      ++rest;
    } else {
      rest = std::min(text.find(delimiter, rest), text.size());
    }
  }
  Throw(kIllegalArgument,
        "Could not split string. Illegal quoting at position: " + std::to_string(at - 1));
}

// StructuredOptionsSplitter: parts apart by `delimiter`, in quotes or not. Nothing before the first
// delimiter and nothing behind the last is no part; nothing between two is an empty one.
std::vector<std::string> Split(std::string_view text, char delimiter) {
  enum class Last { kNothing, kDelimiter, kPart, kQuoted };
  std::vector<std::string> parts;
  Last last = Last::kNothing;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const bool quoted = c == '\'' || c == '"';
    if (!quoted && c != delimiter && (c == ' ' || (c >= '\t' && c <= '\r'))) {
      ++at;
      continue;
    }
    if (c == delimiter) {
      if (last == Last::kDelimiter) parts.emplace_back();
      last = Last::kDelimiter;
      ++at;
      continue;
    }
    // Java finds all parts before it looks at their order: an open quote further on is said first.
    if (quoted) {
      std::string value;
      const std::size_t end = TakeQuoted(text, at, &value);
      if (last == Last::kQuoted) IllegalQuoting(text, end, delimiter, at);
      parts.push_back(std::move(value));
      last = Last::kQuoted;
      at = end;
      continue;
    }
    const std::size_t end = std::min(text.find(delimiter, at), text.size());
    if (last == Last::kQuoted) IllegalQuoting(text, end, delimiter, at);
    parts.emplace_back(JavaTrim(text.substr(at, end - at)));
    last = Last::kPart;
    at = end;
  }
  return parts;
}

std::int32_t JavaHash(const std::string& text) {
  std::uint32_t hash = 0;
  for (const char c : text) hash = hash * 31 + static_cast<unsigned char>(c);
  return static_cast<std::int32_t>(hash);
}

[[noreturn]] void ThrowDuplicate(std::string message, const std::string& first,
                                 const std::string& second) {
  message.insert(0, "Duplicate key ");
  message.append(" (attempted merging values ").append(first).append(" and ");
  Throw("java.lang.IllegalStateException", message.append(second).append(")"));
}

[[noreturn]] void NotAPair(const std::vector<std::string>& parts, Version version) {
  if (version >= kPairMessage)
    Throw(kIllegalArgument, "Map item is not a key-value pair (missing ':'?)");
  std::string list;
  for (const std::string& part : parts) list += (list.empty() ? "" : ", ") + part;
  Throw(kIllegalArgument, "Could not parse pair in the map [" + list + "]");
}

// Since 1.19 a value that is a YAML mapping is read as one: "{PYTHON: 30}".
std::optional<Pairs> YamlPairs(const std::string& text, Version version) {
  if (version < kYamlConfig || text.find_first_of("{ \t\n") == std::string::npos)
    return std::nullopt;
  const auto read = ReadYamlConfig(text, "");
  const auto* mapping = std::get_if<Configuration>(&read);
  if (mapping == nullptr) return std::nullopt;
  Pairs pairs;
  for (const auto& [key, value] : *mapping) pairs.emplace_back(key, value.text);
  return pairs;
}

// In the order in which a java.util.HashMap of so few entries gives them.
Pairs ParsePairs(const std::string& text, Version version) {
  Pairs pairs;
  if (auto yaml = YamlPairs(text, version)) {
    pairs = *std::move(yaml);
  } else
    try {
      for (const std::string& item : Split(text, ',')) {
        const std::vector<std::string> pair = Split(item, ':');
        if (pair.size() != 2) NotAPair(pair, version);
        for (const auto& [key, value] : pairs) {
          if (key == pair[0]) ThrowDuplicate(key, value, pair[1]);
        }
        pairs.emplace_back(pair[0], pair[1]);
      }
    } catch (JavaException& exception) {
      throw Wrap(kIllegalArgument,
                 "Could not parse value '" + text + "' for key '" + kWeightsKey + "'.",
                 std::move(exception));
    }
  std::uint32_t buckets = 16;
  while (pairs.size() * 4 > std::size_t{buckets} * 3) buckets *= 2;
  std::stable_sort(pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
    const auto bucket = [&](const std::string& key) {
      const auto hash = static_cast<std::uint32_t>(JavaHash(key));
      return (hash ^ hash >> 16) & (buckets - 1);
    };
    return bucket(a.first) < bucket(b.first);
  });
  return pairs;
}

std::int32_t WeightOf(const std::string& name, const std::string& text) {
  const std::int32_t weight = ParseJavaInt(text);
  if (weight < 0)
    Throw(kIllegalConfiguration,
          "Managed memory weight should not be negative. Configured weight for " + name + " is " +
              std::to_string(weight) + ".");
  return weight;
}

// 1.12: by the names that are configured.
Weights OldWeights(const Pairs& pairs) {
  Weights weights;
  for (const auto& [name, text] : pairs) {
    const std::int32_t weight = WeightOf(name, text);
    if (name == "DATAPROC") {
      weights["BATCH_OP"] = weights["STATE_BACKEND"] = weight;
    } else if (name == "PYTHON") {
      weights["PYTHON"] = weight;
    } else {
      Throw(kIllegalConfiguration, "Unknown managed memory consumer: " + name);
    }
  }
  return weights;
}

Weights NewWeights(const Pairs& pairs, Version version) {
  const auto find = [&](const char* name) {
    return std::find_if(pairs.begin(), pairs.end(),
                        [&](const auto& pair) { return pair.first == name; });
  };
  Weights weights;
  for (const char* use_case : {"OPERATOR", "STATE_BACKEND", "PYTHON"}) {
    auto pair = find(use_case);
    const bool python = std::string_view(use_case) == "PYTHON";
    if (pair == pairs.end() && !python && version < kNoLegacyKeys) pair = find("DATAPROC");
    if (pair != pairs.end()) weights[use_case] = WeightOf(use_case, pair->second);
  }
  return weights;
}

Weights WeightsOf(const SlotShareQuestion& question, Version version) {
  const bool old = version < kThreeConsumers;
  const std::string standard =
      old ? "DATAPROC:70,PYTHON:30" : "OPERATOR:70,STATE_BACKEND:70,PYTHON:30";
  const Pairs pairs = ParsePairs(question.consumer_weights.value_or(standard), version);
  return old ? OldWeights(pairs) : NewWeights(pairs, version);
}

// 16 digits behind the point, rounded down.
double Quotient(std::int64_t dividend, std::int64_t divisor) {
  constexpr std::uint64_t kScale = 10'000'000'000'000'000;
  const auto scaled = static_cast<Uint128>(dividend) * kScale / static_cast<std::uint64_t>(divisor);
  const auto digits = static_cast<std::uint64_t>(
      scaled);  // 2^31 * 10^16 would not fit: a weight is at most the sum
  std::string text = std::to_string(digits % kScale);
  text = std::to_string(digits / kScale) + "." + std::string(16 - text.size(), '0') + text;
  return std::strtod(text.c_str(), nullptr);
}

double FractionOf(const SlotShareQuestion& question, Version version) {
  const bool is_state = question.use_case == "STATE_BACKEND";
  if (is_state && !question.state_backend_uses_managed) return 0;
  const Weights weights = WeightsOf(question, version);
  const auto weight = [&](const std::string& use_case) {
    const auto found = weights.find(use_case);
    return found == weights.end() ? 0 : found->second;
  };
  std::uint32_t sum = 0;  // as Java adds ints
  for (const std::string& use_case : question.use_cases) {
    if (use_case != "STATE_BACKEND" || question.state_backend_uses_managed)
      sum += static_cast<std::uint32_t>(weight(use_case));
  }
  const auto total = static_cast<std::int32_t>(sum);
  return total > 0 ? Quotient(weight(question.use_case), total) : 0;
}

void CheckUseCase(const std::string& name, Version version) {
  const bool old = version < kThreeConsumers;
  if (name == (old ? "BATCH_OP" : "OPERATOR") || name == "STATE_BACKEND" || name == "PYTHON")
    return;
  Throw(kIllegalArgument,
        "No enum constant org.apache.flink.core.memory.ManagedMemoryUseCase." + name);
}

SlotShare Share(const SlotShareQuestion& question, Version version) {
  for (const std::string& use_case : question.use_cases) CheckUseCase(use_case, version);
  CheckUseCase(question.use_case, version);
  SlotShare share;
  share.slot = ManagedPerSlot(question.managed, question.slots);
  share.fraction = FractionOf(question, version);
  if (share.fraction > 0) {
    share.bytes =
        Bytes{JavaLong(std::floor(static_cast<double>(share.slot.count) * share.fraction))};
  } else {
    share.bytes = JavaException{
        kIllegalArgument,
        "The fraction of memory to allocate should not be 0. Please make sure that all types of "
        "managed memory "
        "consumers contained in the job are configured with a non-negative weight via `" +
            std::string(kWeightsKey) + "`.",
        {}};
  }
  return share;
}

}  // namespace

std::variant<SlotShare, JavaException> ShareOfSlot(const SlotShareQuestion& question,
                                                   Version version) {
  try {
    return Share(question, version);
  } catch (JavaException& exception) {
    return std::move(exception);
  }
}

}  // namespace wrackline::flink
