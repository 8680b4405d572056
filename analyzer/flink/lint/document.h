// A configuration file with the place of every key and value in it.
//
//   Document d = ReadDocument("a.b: 1\n", "flink-conf.yaml", ConfigFormat::kFlat);
//   d.Find("a.b")->value_at.column   -> 6
//
// What it means is analyzer/flink/config_file.h's: the entries that are `effective` are exactly
// what those parsers give. Pure; thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/lint/finding.h"

namespace wrackline::flink::lint {

struct Entry {
  std::string key;    // all of it, also where the file nests it
  std::string value;  // as Flink reads it
  Location key_at;
  Location value_at;
  bool effective = true;  // false: a later line sets the same key
};

// A line of the flat format that Flink skips.
struct SkippedLine {
  std::string text;  // without comment and surrounding spaces
  Location at;
};

struct Document {
  std::string file;
  ConfigFormat format = ConfigFormat::kFlat;
  std::vector<Entry> entries;  // in the file's order
  // Key -> its effective entry's place in `entries`.
  std::map<std::string, std::size_t, std::less<>> effective;
  std::vector<SkippedLine> skipped;  // of the flat format only
  // Flink refuses the whole file (config.yaml only); there are no entries then.
  std::optional<Error> problem;
  Location problem_at;

  // The effective entry of a key; nullptr when there is none.
  const Entry* Find(std::string_view key) const;
  // The file as a whole.
  Location Whole() const { return {file, 0, 0, 0}; }
  // What Flink reads from the file.
  Configuration Read() const;
};

// Never fails: see Document::problem.
Document ReadDocument(std::string_view text, std::string_view file, ConfigFormat format);

}  // namespace wrackline::flink::lint
