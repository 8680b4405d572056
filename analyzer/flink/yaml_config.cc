// config.yaml: yaml-cpp parses, this file flattens, by Flink's rules (GlobalConfiguration and
// YamlParserUtils, 1.19 and later).
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <set>
#include <sstream>
#include <utility>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/yaml_scalar.h"

namespace wrackline::flink {
namespace {

// Far beyond any real file; they stop alias bombs and endless nesting.
constexpr std::size_t kMaxText = 4 * 1024 * 1024;
constexpr int kMaxDepth = 64;
constexpr int kMaxNodes = 200'000;
constexpr std::size_t kMaxListText = 1024 * 1024;

// Carries a failure out of the recursion below.
struct YamlProblem {
  int line;  // from 1
  std::string message;
};

class Flattener {
 public:
  explicit Flattener(std::string_view file) : file_(file) {}

  Configuration Flatten(const YAML::Node& root) {
    Mapping(root, "", 0);
    return std::move(configuration_);
  }

 private:
  static int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

  [[noreturn]] static void Fail(const YAML::Node& node, std::string message) {
    throw YamlProblem{LineOf(node), std::move(message)};
  }

  void Count(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) Fail(node, "nested more than 64 levels deep");
    if (++nodes_ > kMaxNodes) Fail(node, "more than 200000 values");
  }

  // yaml-cpp tags a quoted scalar "!" and a plain one "?".
  static bool IsPlain(const YAML::Node& node) {
    return node.Tag() != "!" && node.Tag() != "tag:yaml.org,2002:str";
  }

  std::string KeyOf(const YAML::Node& key) const {
    if (!key.IsScalar() ||
        (IsPlain(key) && ClassifyPlainScalar(key.Scalar()) != ScalarKind::kText)) {
      Fail(key, "a key must be text");
    }
    return key.Scalar();
  }

  // The value of a scalar, or a failure: Flink cannot hold null.
  std::string ScalarOf(const YAML::Node& node, const YAML::Node& key_node,
                       const std::string& key) const {
    if (node.IsScalar()) {
      if (!IsPlain(node)) return node.Scalar();
      if (auto text = PlainScalarText(node.Scalar())) return *std::move(text);
    }
    // The mark of an empty value is the line after it.
    Fail(key_node, "'" + key + "' has no value: Flink refuses the whole file");
  }

  void Mapping(const YAML::Node& map, const std::string& prefix, int depth) {
    std::set<std::string> seen;
    for (const auto& entry : map) {
      Count(entry.first, depth);
      const std::string name = KeyOf(entry.first);
      if (!seen.insert(name).second) Fail(entry.first, "found duplicate key " + name);
      const std::string key = prefix + name;
      if (entry.second.IsMap()) {
        Mapping(entry.second, key + ".", depth + 1);
        continue;
      }
      const std::string value = entry.second.IsSequence()
                                    ? Flow(entry.second, key, depth + 1)
                                    : ScalarOf(entry.second, entry.first, key);
      configuration_.Set(key, value, {file_, LineOf(entry.first)});
    }
  }

  // A list as Flink dumps it: "[1, 2, x;y]".
  std::string Flow(const YAML::Node& node, const std::string& key, int depth) {
    Count(node, depth);
    std::string text;
    if (node.IsSequence()) {
      for (const auto& element : node)
        text += (text.empty() ? "" : ", ") + Flow(element, key, depth + 1);
      text = "[" + text + "]";
    } else if (node.IsMap()) {
      for (const auto& entry : node) {
        text += (text.empty() ? "" : ", ") + QuoteForFlow(KeyOf(entry.first)) + ": " +
                Flow(entry.second, key, depth + 1);
      }
      text = "{" + text + "}";
    } else if (!node.IsScalar()) {
      text = "null";
    } else if (IsPlain(node) && ClassifyPlainScalar(node.Scalar()) != ScalarKind::kText) {
      text = PlainScalarText(node.Scalar()).value_or("null");
    } else {
      text = QuoteForFlow(node.Scalar());
    }
    if (text.size() > kMaxListText) Fail(node, "'" + key + "' is a list of more than 1 MiB");
    return text;
  }

  std::string file_;
  Configuration configuration_;
  int nodes_ = 0;
};

// Notes where documents start and drops everything else.
class DocumentStarts : public YAML::EventHandler {
 public:
  int count = 0;
  int last_line = 1;

  void OnDocumentStart(const YAML::Mark& mark) override {
    ++count;
    last_line = mark.line + 1;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Not LoadAll: on a stray "]" yaml-cpp 0.7 makes documents without end from it. (Found by fuzzing.)
DocumentStarts FirstTwoDocuments(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  while (starts.count < 2 && parser.HandleNextDocument(starts)) {
  }
  return starts;
}

Error Located(std::string_view file, int line, const std::string& message) {
  return Error{std::string(file) + ":" + std::to_string(line) + ": " + message,
               "Flink would not start with this file"};
}

}  // namespace

Result<Configuration> ParseYamlConfig(std::string_view text, std::string_view file) {
  if (text.size() > kMaxText)
    return Error{std::string(file) + " is larger than 4 MiB", "is it a configuration?"};
  try {
    const std::string copy(text);
    const DocumentStarts starts = FirstTwoDocuments(copy);
    if (starts.count == 0) return Configuration();
    if (starts.count > 1) {
      return Located(file, starts.last_line,
                     "expected a single document in the stream, but found another document");
    }
    const YAML::Node root = YAML::Load(copy);
    if (root.IsNull() || !root.IsDefined()) return Configuration();
    if (!root.IsMap()) return Located(file, 1, "not a mapping of keys to values");
    return Flattener(file).Flatten(root);
  } catch (const YamlProblem& problem) {
    return Located(file, problem.line, problem.message);
  } catch (const YAML::Exception& exception) {
    return Located(file, exception.mark.is_null() ? 1 : exception.mark.line + 1, exception.msg);
  }
}

}  // namespace wrackline::flink
