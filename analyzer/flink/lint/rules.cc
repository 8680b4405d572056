// The table of rules. A new rule is a declaration and a row.
#include "analyzer/flink/lint/rule.h"

namespace wrackline::flink::lint {

extern const Rule kDuplicateKey;

namespace {

constexpr const Rule* kRules[] = {
    &kDuplicateKey,
};

}  // namespace

std::span<const Rule* const> Rules() { return kRules; }

const Rule* FindRule(std::string_view id) {
  for (const Rule* rule : kRules) {
    if (id == rule->id) return rule;
  }
  return nullptr;
}

}  // namespace wrackline::flink::lint
