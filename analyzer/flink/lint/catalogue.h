// The options that Flink knows, per release line: names, types, defaults, old names.
//
//   const Catalogue& c = Catalogue::Get();
//   c.Find("taskmanager.heap.size", {2, 0, 0})              -> nullptr: gone
//   c.LinesOf("taskmanager.heap.size")                      -> 1.10 to 1.20
//   c.FindByOldName("state.backend", {1, 20, 0})->key       -> "state.backend.type"
//   c.Nearest("taskmanager.memory.heap.size", {1, 20, 0})   -> "taskmanager.memory.task.heap.size"
//
// Of the options about memory (taskmanager.memory.*, jobmanager.memory.*, state.backend.rocksdb.*,
// taskmanager.network.*, ...) everything is known; of the others the name and its release lines.
// The data is options.tsv, made by scripts/flink_options.py. Thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "analyzer/flink/version.h"

namespace wrackline::flink::lint {

// What one option is in a range of release lines. Patch releases are not told apart.
struct KnownOption {
  std::string_view key;
  std::string_view type;  // "MemorySize", "Boolean", "Duration", ...; "-": only the name is known
  Version since;          // first line, patch 0
  Version until;          // last line, patch 0; the newest known one stands for all later ones too
  bool deprecated = false;                  // by Flink's own annotation
  std::string_view default_text;            // "" when there is none
  std::vector<std::string_view> old_names;  // deprecated keys that it still reads
};

struct Lines {
  Version since, until;  // patch 0
};

class Catalogue {
 public:
  static const Catalogue& Get();

  // The option with this key in that version; nullptr when it has none.
  const KnownOption* Find(std::string_view key, Version version) const;
  // The option that reads this deprecated key in that version.
  const KnownOption* FindByOldName(std::string_view key, Version version) const;
  // The newest option that ever read this deprecated key.
  const KnownOption* Successor(std::string_view key) const;
  // Where the key is read in any way.
  std::optional<Lines> LinesOf(std::string_view key) const;
  // "option.member: value" of an option that is a map.
  bool IsMember(std::string_view key, Version version) const;
  // True for taskmanager.x, state.x, ...: whatever begins so is Flink's own, so that an unlisted key
  // is no key.
  static bool IsClosedNamespace(std::string_view key);

  struct Neighbour {
    std::string_view key;  // "" when none is near
    double distance = 0;   // about the number of dotted parts that differ
  };
  // The nearest key of that version. The slowest question: tens of microseconds and more.
  Neighbour Nearest(std::string_view key, Version version) const;

  const std::vector<KnownOption>& rows() const { return rows_; }

 private:
  Catalogue();

  std::vector<KnownOption> rows_;                     // by key, then line
  std::vector<std::vector<std::string_view>> parts_;  // of each row's key
  std::map<std::string_view, std::vector<const KnownOption*>> by_old_name_;
  std::map<std::string_view, Lines> lines_;
};

// "1.10" of a line.
std::string FormatLine(Version line);

// options.tsv.
extern const std::string_view kOptionsText;

}  // namespace wrackline::flink::lint
