// config.yaml: yaml-cpp parses, this file flattens, by Flink's rules (GlobalConfiguration and
// YamlParserUtils, 1.19 and later).
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
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
// Of all keys, which repeat those of the mappings around them.
constexpr std::size_t kMaxKeyText = 16 * 1024 * 1024;

constexpr const char* kYamlEngineException =
    "org.snakeyaml.engine.v2.exceptions.YamlEngineException";

// Carries a failure out of the recursion below: in our words, and as the exception that Flink's
// YAML library throws.
struct YamlProblem {
  int line;  // from 1
  std::string message;
  JavaException::Cause cause;
};

// SnakeYAML's way of naming a place.
std::string InReader(const YAML::Mark& mark) {
  return " in reader, line " + std::to_string(mark.line + 1) + ", column " +
         std::to_string(mark.column + 1) + "\n";
}

JavaException::Cause CannotCast(const char* from, const char* to) {
  return {"java.lang.ClassCastException",
          std::string("class ") + from + " cannot be cast to class " + to + " (" + from + " and " +
              to + " are in module java.base of loader 'bootstrap')"};
}

const char* JavaClassOf(ScalarKind kind) {
  switch (kind) {
    case ScalarKind::kBool:
      return "java.lang.Boolean";
    case ScalarKind::kInt:
      return "java.lang.Integer";
    case ScalarKind::kFloat:
      return "java.lang.Double";
    case ScalarKind::kNull:
    case ScalarKind::kText:
      break;
  }
  return "java.lang.String";
}

class Flattener {
 public:
  explicit Flattener(std::string_view file) : file_(file) {}

  Configuration Flatten(const YAML::Node& root) {
    FindDuplicates(root, 0);
    nodes_ = 0;
    Mapping(root, "", 0);
    return std::move(configuration_);
  }

 private:
  static int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

  [[noreturn]] static void Fail(const YAML::Node& node, std::string message,
                                JavaException::Cause cause = {kYamlEngineException, ""}) {
    if (cause.message.empty()) cause.message = message;
    throw YamlProblem{LineOf(node), std::move(message), std::move(cause)};
  }

  // Before anything else, as the library finds them: while it builds its maps, outer ones first.
  void FindDuplicates(const YAML::Node& node, int depth) {
    Count(node, depth);
    if (node.IsMap()) {
      std::set<std::string> seen;
      for (const auto& entry : node) {
        if (!entry.first.IsScalar() || seen.insert(entry.first.Scalar()).second) continue;
        const std::string found = "found duplicate key " + entry.first.Scalar();
        Fail(entry.first, found,
             {kYamlEngineException, "while constructing a mapping\n" + InReader(node.Mark()) +
                                        found + "\n" + InReader(entry.first.Mark())});
      }
      for (const auto& entry : node) FindDuplicates(entry.second, depth + 1);
    } else if (node.IsSequence()) {
      for (const auto& element : node) FindDuplicates(element, depth + 1);
    }
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
    if (key.IsNull()) return "null";
    if (key.IsMap())
      Fail(key, "a key must be text", CannotCast("java.util.LinkedHashMap", "java.lang.String"));
    if (!key.IsScalar())
      Fail(key, "a key must be text", CannotCast("java.util.ArrayList", "java.lang.String"));
    const ScalarKind kind = IsPlain(key) ? ClassifyPlainScalar(key.Scalar()) : ScalarKind::kText;
    if (kind == ScalarKind::kNull) return "null";  // String.valueOf(null)
    if (kind != ScalarKind::kText)
      Fail(key, "a key must be text", CannotCast(JavaClassOf(kind), "java.lang.String"));
    return key.Scalar();
  }

  // The value of a scalar, or a failure: Flink cannot hold null.
  std::string ScalarOf(const YAML::Node& node, const YAML::Node& key_node,
                       const std::string& key) const {
    if (node.IsScalar()) {
      if (!IsPlain(node)) return node.Scalar();
      if (node.Tag() == "tag:yaml.org,2002:float") {
        if (auto text = FloatScalarText(node.Scalar())) return *std::move(text);
        Fail(node, "'" + node.Scalar() + "' is no number",
             {kYamlEngineException,
              "java.lang.NumberFormatException: For input string: \"" + node.Scalar() + "\""});
      }
      if (auto text = PlainScalarText(node.Scalar())) return *std::move(text);
    }
    // The mark of an empty value is the line after it.
    Fail(key_node, "'" + key + "' has no value: Flink refuses the whole file",
         {"java.lang.NullPointerException", "Value must not be null."});
  }

  void Mapping(const YAML::Node& map, const std::string& prefix, int depth) {
    for (const auto& entry : map) {
      Count(entry.first, depth);
      const std::string name = KeyOf(entry.first);
      const std::string key = prefix + name;
      key_text_ += key.size();
      if (key_text_ > kMaxKeyText) Fail(entry.first, "the keys are longer than 16 MiB together");
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
  std::size_t key_text_ = 0;
};

// Notes where documents start and drops everything else.
class DocumentStarts : public YAML::EventHandler {
 public:
  int count = 0;
  YAML::Mark first, last;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++count == 1) first = mark;
    last = mark;
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

YamlFailure Failed(std::string_view file, YamlProblem problem) {
  return {Error{std::string(file) + ":" + std::to_string(problem.line) + ": " + problem.message,
                "Flink would not start with this file"},
          JavaException{
              "java.lang.RuntimeException", "Error parsing YAML configuration.", {problem.cause}}};
}

// What Flink's library says where yaml-cpp gives up, as far as the two see the same fault; else
// yaml-cpp's words.
std::string SyntaxMessage(const YAML::Exception& exception, std::string_view text) {
  const std::string place = InReader(exception.mark);
  const auto at = static_cast<std::size_t>(std::max(exception.mark.pos, 0));
  if (exception.msg == "illegal map value") return "mapping values are not allowed here\n" + place;
  if (exception.msg == "unknown token" && at < text.size()) {
    const std::string character(1, text[at]);
    return "while scanning for the next token\nfound character '" + character +
           "' that cannot start any token. (Do not use " + character + " for indentation)\n" +
           place;
  }
  if (exception.msg == "the referenced anchor is not defined" && at < text.size()) {
    const std::string_view rest = text.substr(at + 1);
    return "\nfound undefined alias " +
           std::string(rest.substr(0, rest.find_first_of(" \t\r\n,]}"))) + "\n" + place;
  }
  return exception.msg + "\n" + place;
}

YamlFailure NotAMapping(std::string_view file, const YAML::Node& root) {
  const char* type = "java.util.ArrayList";
  if (root.IsScalar())
    type = root.Tag() == "!" ? "java.lang.String" : JavaClassOf(ClassifyPlainScalar(root.Scalar()));
  return Failed(file, {1, "not a mapping of keys to values", CannotCast(type, "java.util.Map")});
}

}  // namespace

std::variant<Configuration, YamlFailure> ReadYamlConfig(std::string_view text,
                                                        std::string_view file) {
  if (text.size() > kMaxText) {
    return YamlFailure{Error{std::string(file) + " is larger than 4 MiB", "is it a configuration?"},
                       JavaException{"wrackline", "the text is larger than 4 MiB", {}}};
  }
  try {
    const std::string copy(text);
    const DocumentStarts starts = FirstTwoDocuments(copy);
    if (starts.count == 0) return Configuration();
    if (starts.count > 1) {
      return Failed(file, {starts.last.line + 1,
                           "expected a single document in the stream, but found another document",
                           {kYamlEngineException,
                            "expected a single document in the stream\n" + InReader(starts.first) +
                                "but found another document\n" + InReader(starts.last)}});
    }
    const YAML::Node root = YAML::Load(copy);
    if (root.IsNull() || !root.IsDefined()) return Configuration();
    if (!root.IsMap()) return NotAMapping(file, root);
    return Flattener(file).Flatten(root);
  } catch (YamlProblem& problem) {
    return Failed(file, std::move(problem));
  } catch (const YAML::Exception& exception) {
    const int line = exception.mark.is_null() ? 1 : exception.mark.line + 1;
    return Failed(file,
                  {line, exception.msg, {kYamlEngineException, SyntaxMessage(exception, text)}});
  }
}

Result<Configuration> ParseYamlConfig(std::string_view text, std::string_view file) {
  auto read = ReadYamlConfig(text, file);
  if (auto* failure = std::get_if<YamlFailure>(&read)) return std::move(failure->error);
  return std::get<Configuration>(std::move(read));
}

}  // namespace wrackline::flink
