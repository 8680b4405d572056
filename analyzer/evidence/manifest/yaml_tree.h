// YAML or JSON as a tree with places, of bounded size.
//
//   Result<YamlDocuments> read = ParseYaml("kind: Pod\n", "pod.yaml");
//   const YamlNode* kind = FindKey(read.value().roots[0], "kind");
//   kind->scalar, kind->at.line      -> "Pod", 1
//
// A tree has no cycles, at most kMaxDepth levels and kMaxNodes nodes, aliases written out: whoever
// walks it needs no bounds of his own. Of a key that stands twice the last one counts, as in
// kubectl; merge keys ("<<") are followed.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analyzer/evidence/pod_manifest.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

inline constexpr int kMaxYamlDepth = 64;
inline constexpr std::int64_t kMaxYamlNodes = 1'000'000;
inline constexpr std::size_t kMaxYamlText = 16 * 1024 * 1024;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string scalar;
  bool plain = false;  // a scalar without quotes
  // Of a literal block ("|"): its first line and indentation in the file; 0 of every other scalar.
  int block_line = 0;
  int block_indent = 0;
  Spot at;
  std::vector<const YamlNode*> items;                                // of a sequence
  std::vector<std::pair<const YamlNode*, const YamlNode*>> entries;  // of a mapping
  // Levels and nodes below and with this one, aliases written out.
  int height = 1;
  std::int64_t weight = 1;

  bool IsMapping() const { return kind == Kind::kMapping; }
  bool IsSequence() const { return kind == Kind::kSequence; }
  bool IsScalar() const { return kind == Kind::kScalar; }
};

struct YamlDocuments {
  std::deque<YamlNode> nodes;  // owns them all; those of MergeTrees too
  std::vector<const YamlNode*> roots;
  std::vector<std::string> notes;  // keys that stand twice
};

// Errors: not YAML, with file and line; a bound exceeded; an alias of what contains it.
Result<YamlDocuments> ParseYaml(std::string_view text, std::string_view file);

// The value of a key; nullptr when there is none, or no mapping. Both accept nullptr.
const YamlNode* FindKey(const YamlNode* mapping, std::string_view key);
// Keys and values of a mapping, its own first, then those of its merge keys (`<<`) that it does not have: of several mappings the
// earlier one's. Each node is looked at once, however often it is merged.
std::vector<std::pair<const YamlNode*, const YamlNode*>> EntriesOf(const YamlNode* mapping);
// A path of keys: FindPath(pod, {"spec", "containers"}).
const YamlNode* FindPath(const YamlNode* node, std::initializer_list<std::string_view> keys);
// The text of a scalar; "" for everything else.
std::string_view ScalarText(const YamlNode* node);
// The elements of a sequence; none for everything else.
const std::vector<const YamlNode*>& ItemsOf(const YamlNode* node);
// Columns count characters: the code points of a text.
int CountCharacters(std::string_view text);

}  // namespace wrackline::evidence
