#include "analyzer/evidence/manifest/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace wrackline::evidence {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMaxNotes = 20;

// Carries a failure out of yaml-cpp.
struct YamlProblem {
  int line;  // from 1
  std::string message;
};

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, YamlDocuments& documents) : documents_(documents) {
    while (true) {
      const std::size_t end = text.find('\n');
      lines_.push_back(text.substr(0, end));
      if (end == std::string_view::npos) break;
      text.remove_prefix(end + 1);
    }
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // On a stray "]" yaml-cpp 0.7 makes documents without end, all at one place.
    if (mark.pos <= last_start_ && last_start_ >= 0)
      throw YamlProblem{mark.line + 1, "what stands here belongs to no document"};
    last_start_ = mark.pos;
    anchors_.clear();
    open_.clear();
    root_ = nullptr;
  }
  void OnDocumentEnd() override { documents_.roots.push_back(root_); }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Close(Open(YamlNode::Kind::kNull, mark, anchor));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode* node = Open(YamlNode::Kind::kScalar, mark, anchor);
    node->scalar = value;
    node->plain = tag == "?";
    const std::string_view line = Line(mark.line);
    const auto column = static_cast<std::size_t>(std::max(0, mark.column));
    if (column < line.size() && line[column] == '|' && tag == "!") {
      node->block_line = mark.line + 2;
      for (auto next = static_cast<std::size_t>(mark.line) + 1; next < lines_.size(); ++next) {
        const std::size_t indent = lines_[next].find_first_not_of(" \r");
        if (indent == std::string_view::npos) continue;
        node->block_indent = static_cast<int>(indent);
        break;
      }
    } else if (node->plain) {
      node->at.length = CountCharacters(value);
    }
    Close(node);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw YamlProblem{mark.line + 1, "an alias without its anchor"};
    for (const YamlNode* open : open_) {
      if (open == found->second) throw YamlProblem{mark.line + 1, "an alias of what contains it"};
    }
    Attach(found->second, mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open_.push_back(Open(YamlNode::Kind::kSequence, mark, anchor));
  }
  void OnSequenceEnd() override { CloseLast(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open_.push_back(Open(YamlNode::Kind::kMapping, mark, anchor));
  }
  void OnMapEnd() override {
    NoteDuplicates(*open_.back());
    CloseLast();
  }

 private:
  std::string_view Line(int number) const {
    const auto index = static_cast<std::size_t>(number);
    return number >= 0 && index < lines_.size() ? lines_[index] : std::string_view();
  }

  YamlNode* Open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (open_.size() >= kMaxYamlDepth)
      throw YamlProblem{mark.line + 1, "nested more than 64 levels deep"};
    YamlNode& node = documents_.nodes.emplace_back();
    node.kind = kind;
    const std::string_view line = Line(mark.line);
    node.at = {
        mark.line + 1,
        1 + CountCharacters(line.substr(
                0, std::min(line.size(), static_cast<std::size_t>(std::max(0, mark.column))))),
        0};
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    last_mark_ = mark;
    return &node;
  }

  void CloseLast() {
    YamlNode* node = open_.back();
    open_.pop_back();
    Attach(node, last_mark_);
  }
  void Close(YamlNode* node) { Attach(node, last_mark_); }

  void Attach(const YamlNode* node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = node;
      total_ += node->weight;
    } else {
      YamlNode& parent = *open_.back();
      if (parent.IsSequence()) {
        parent.items.push_back(node);
      } else if (pending_keys_.count(&parent) == 0) {
        pending_keys_[&parent] = node;
      } else {
        parent.entries.emplace_back(pending_keys_[&parent], node);
        pending_keys_.erase(&parent);
      }
      parent.weight += node->weight;
      parent.height = std::max(parent.height, node->height + 1);
      if (parent.height + static_cast<int>(open_.size()) > kMaxYamlDepth + 1)
        throw YamlProblem{mark.line + 1, "nested more than 64 levels deep"};
      // Before the sum could become large: no subtree may pass the bound on its own.
      if (parent.weight > kMaxYamlNodes) total_ = parent.weight;
    }
    if (total_ > kMaxYamlNodes)
      throw YamlProblem{mark.line + 1, "more than a million values, aliases written out"};
  }

  void NoteDuplicates(const YamlNode& mapping) {
    std::set<std::string_view> seen;
    for (const auto& [key, value] : mapping.entries) {
      if (!key->IsScalar() || seen.insert(key->scalar).second) continue;
      if (documents_.notes.size() >= kMaxNotes) return;
      documents_.notes.push_back("line " + std::to_string(key->at.line) + ": the key " +
                                 key->scalar + " stands twice; the last one counts");
    }
  }

  YamlDocuments& documents_;
  std::vector<std::string_view> lines_;
  std::map<YAML::anchor_t, const YamlNode*> anchors_;
  std::vector<YamlNode*> open_;
  std::map<const YamlNode*, const YamlNode*> pending_keys_;
  const YamlNode* root_ = nullptr;
  YAML::Mark last_mark_;
  int last_start_ = -1;
  std::int64_t total_ = 0;
};

Error Located(std::string_view file, int line, const std::string& message) {
  return Error{std::string(file) + ":" + std::to_string(line) + ": " + message,
               "is it a Kubernetes manifest? kubectl apply --dry-run=client -f FILE checks one"};
}

}  // namespace

Result<YamlDocuments> ParseYaml(std::string_view text, std::string_view file) {
  if (text.size() > kMaxYamlText)
    return Error{std::string(file) + " is larger than 16 MiB", "give one application's manifest"};
  // yaml-cpp's marks do not count it.
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  YamlDocuments documents;
  TreeBuilder builder(text, documents);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YamlProblem& problem) {
    return Located(file, problem.line, problem.message);
  } catch (const YAML::Exception& exception) {
    return Located(file, exception.mark.is_null() ? 1 : exception.mark.line + 1, exception.msg);
  }
  return documents;
}

namespace {

bool IsMergeKey(const YamlNode& name) {
  return name.IsScalar() && name.plain && name.scalar == "<<";
}

// In order of precedence. `seen`: mappings, so that what is merged a thousand times costs no more than once.
void MappingsOf(const YamlNode* mapping, std::set<const YamlNode*>* seen,
                std::vector<const YamlNode*>* mappings) {
  if (!mapping->IsMapping() || !seen->insert(mapping).second) return;
  mappings->push_back(mapping);
  for (const auto& [name, value] : mapping->entries) {
    if (!IsMergeKey(*name)) continue;
    MappingsOf(value, seen, mappings);
    if (!value->IsSequence()) continue;
    for (const YamlNode* item : value->items) MappingsOf(item, seen, mappings);
  }
}

std::vector<const YamlNode*> MappingsOf(const YamlNode* mapping) {
  std::set<const YamlNode*> seen;
  std::vector<const YamlNode*> mappings;
  MappingsOf(mapping, &seen, &mappings);
  return mappings;
}

// Its own, of which the last counts.
const YamlNode* OwnKey(const YamlNode& mapping, std::string_view key, bool* merges) {
  const YamlNode* found = nullptr;
  for (const auto& [name, value] : mapping.entries) {
    if (!name->IsScalar()) continue;
    if (name->scalar == key) found = value;
    *merges = *merges || IsMergeKey(*name);
  }
  return found;
}

}  // namespace

const YamlNode* FindKey(const YamlNode* mapping, std::string_view key) {
  if (mapping == nullptr || !mapping->IsMapping()) return nullptr;
  bool merges = false;
  if (const YamlNode* found = OwnKey(*mapping, key, &merges)) return found;
  if (!merges) return nullptr;
  for (const YamlNode* one : MappingsOf(mapping)) {
    if (const YamlNode* found = OwnKey(*one, key, &merges)) return found;
  }
  return nullptr;
}

std::vector<std::pair<const YamlNode*, const YamlNode*>> EntriesOf(const YamlNode* mapping) {
  std::vector<std::pair<const YamlNode*, const YamlNode*>> entries;
  if (mapping == nullptr || !mapping->IsMapping()) return entries;
  std::set<std::string_view> before;
  for (const YamlNode* one : MappingsOf(mapping)) {
    const std::size_t own = entries.size();
    for (const auto& [name, value] : one->entries) {
      const bool hidden = name->IsScalar() && before.contains(name->scalar);
      if (!IsMergeKey(*name) && !hidden) entries.emplace_back(name, value);
    }
    // After all of them: a key that one mapping has twice stays so.
    for (std::size_t i = own; i < entries.size(); ++i) {
      if (entries[i].first->IsScalar()) before.insert(entries[i].first->scalar);
    }
  }
  return entries;
}

const YamlNode* FindPath(const YamlNode* node, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) node = FindKey(node, key);
  return node;
}

std::string_view ScalarText(const YamlNode* node) {
  return node != nullptr && node->IsScalar() ? std::string_view(node->scalar) : std::string_view();
}

const std::vector<const YamlNode*>& ItemsOf(const YamlNode* node) {
  static const std::vector<const YamlNode*> kNone;
  return node != nullptr && node->IsSequence() ? node->items : kNone;
}

int CountCharacters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace wrackline::evidence
