// A rule: looks at one configuration and adds a finding for each place where it sees its mistake.
//
// To add one: a file rules/<id with _>.cc that defines `const Rule k<Id>`, its declaration and row
// in rules.cc's table, its test beside the others. Its example is tested without a line of test
// code: the rule must name it, and must not name what stands in `instead`.
//
//   void Check(const Context& context, Findings& findings) {
//     const Entry* entry = context.Find("some.key");
//     if (entry == nullptr) return;
//     findings.push_back({Severity::kWarning, "", entry->key_at, "what", "why", "what to write"});
//   }
//   const Rule kSomeRule{.id = "some-rule", .severity = Severity::kWarning, ..., .check = Check};
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analyzer/flink/configuration.h"
#include "analyzer/flink/java_exception.h"
#include "analyzer/flink/lint/document.h"
#include "analyzer/flink/lint/finding.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/options.h"
#include "analyzer/flink/version.h"

namespace wrackline::evidence {
struct PodManifest;
}

namespace wrackline::flink::lint {

// All that a rule may look at. References outlive the rule's call.
struct Context {
  const Document& document;
  // What Flink reads: the file's, and what the manifest adds to it.
  const Configuration& configuration;
  Version version;
  Mode mode = Mode::kStandalone;
  // What Flink derives for the TaskManager, or what it throws: exactly one is not null.
  const TaskManagerMemory* memory = nullptr;
  const JavaException* refusal = nullptr;
  const evidence::PodManifest* pod = nullptr;  // null: no manifest was given
  // The other configuration file in the same folder: "config.yaml", "flink-conf.yaml" or "".
  std::string_view other_file = {};

  // The entry of a key in the file; null when the file does not set it.
  const Entry* Find(std::string_view key) const { return document.Find(key); }
  // Where to point for a key: at the value that counts, else at the file as a whole.
  Location ValueOf(std::string_view key) const;
  // The same for an option under its key or, where only that is set, its deprecated name.
  Location ValueOf(const Option& option) const;
};

// What documents a rule and tests it.
struct Example {
  const char* config;  // text of the file
  const char* file = "flink-conf.yaml";
  const char* version = "1.20.5";
  const char* manifest = nullptr;  // YAML; null when the rule needs none
  const char* other_file = "";     // Context::other_file
};

struct Rule {
  const char* id;                          // kebab-case; never changes, users write it in --ignore
  Severity severity = Severity::kWarning;  // the highest that it reports
  const char* title;                       // one line, for lists
  const char* explanation;                 // paragraphs, for --explain and docs/lint-rules.md
  Example wrong;                           // the rule names this
  Example right;                           // and does not name this
  void (*check)(const Context& context, Findings& findings);
};

// In the order of docs/lint-rules.md. Ids are unique.
std::span<const Rule* const> Rules();

// nullptr when no rule has that id.
const Rule* FindRule(std::string_view id);

}  // namespace wrackline::flink::lint
