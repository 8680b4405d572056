#include "analyzer/sizing/flink_edit.h"

#include <algorithm>

#include "analyzer/flink/memory_size.h"

namespace wrackline::sizing {

void FlinkEdit::Set(const flink::Option& option, const std::string& value, std::string reason) {
  Remember(option.key, value, std::move(reason));
  configuration_.Set(option.key, value);
}

void FlinkEdit::Set(const flink::Option& option, Bytes size, std::string reason) {
  Set(option, flink::WriteMemorySize({size.count}), std::move(reason));
}

void FlinkEdit::Remove(const flink::Option& option, std::string reason) {
  if (!configuration_.Contains(option.key)) return;
  Remember(option.key, "", std::move(reason));
  configuration_.Remove(option.key);
}

void FlinkEdit::RemoveLegacyTotal(flink::Version version) {
  if (version >= flink::kNoLegacyKeys) return;
  for (const flink::Option& old : {flink::options::kLegacyHeapSize, flink::options::kLegacyHeapMb})
    Remove(old, "Flink takes it for a total size, and the process size decides");
}

void FlinkEdit::Remember(std::string_view key, const std::string& new_value, std::string reason) {
  const auto known =
      std::find_if(changes_.begin(), changes_.end(), [&](const Change& c) { return c.key == key; });
  if (known == changes_.end()) {
    const std::string old_value = configuration_.Get(key).value_or("");
    if (old_value == new_value) return;
    changes_.push_back({std::string(key), old_value, new_value, std::move(reason)});
  } else if (known->old_value == new_value) {
    changes_.erase(known);
  } else {
    known->new_value = new_value;
    known->reason = std::move(reason);
  }
}

}  // namespace wrackline::sizing
