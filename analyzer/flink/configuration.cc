#include "analyzer/flink/configuration.h"

#include <utility>

namespace wrackline::flink {

void Configuration::Set(std::string_view key, std::string_view value, Origin origin) {
  values_.insert_or_assign(std::string(key),
                           ConfigurationValue{std::string(value), std::move(origin)});
}

void Configuration::Remove(std::string_view key) {
  const auto it = values_.find(key);
  if (it != values_.end()) values_.erase(it);
}

std::optional<std::string> Configuration::Get(std::string_view key) const {
  const auto it = values_.find(key);
  if (it == values_.end()) return std::nullopt;
  return it->second.text;
}

Origin Configuration::OriginOf(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? Origin{} : it->second.origin;
}

}  // namespace wrackline::flink
