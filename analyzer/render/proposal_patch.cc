// Patches for Kubernetes. yaml-cpp quotes what comes from outside.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "analyzer/flink/memory_size.h"
#include "analyzer/render/inert.h"
#include "analyzer/render/proposal.h"
#include "analyzer/render/proposal_parts.h"

namespace wrackline::render {
namespace {

using sizing::Change;
using sizing::Proposal;

constexpr std::string_view kProcessSize = "taskmanager.memory.process.size";
constexpr std::string_view kProperties = "FLINK_PROPERTIES";

// Kubernetes' own: whole mebibytes as such.
std::string Quantity(Bytes amount) {
  return amount.count % kMiB.count == 0 ? std::to_string(amount.count / kMiB.count) + "Mi"
                                        : std::to_string(amount.count);
}

std::string Either(const std::string& given, const char* usual) {
  return given.empty() ? usual : given;
}

// What it is, how it is applied, and why each key changes.
std::string Head(const Proposal& proposal, std::string_view kind, const std::string& name,
                 std::string_view type) {
  std::string head = CommentOf(proposal.summary);
  if (!proposal.fits) return head;
  head += CommentOf("kubectl patch " + std::string(kind) + " " + Either(name, "NAME") + " --type " +
                    std::string(type) + " --patch-file THIS_FILE");
  for (const Change& change : proposal.changes)
    head += CommentOf(change.key + ": " + change.reason);
  return head;
}

// The changes one by one, for somebody who makes them by hand.
std::string ToSet(const Proposal& proposal, const char* before, const char* between) {
  std::string lines;
  for (const Change& change : proposal.changes) {
    const std::string key = before + change.key;
    lines += CommentOf(change.new_value.empty() ? "  remove " + key
                                                : "  " + key + between + change.new_value);
  }
  return lines;
}

void Text(std::string_view text, YAML::Emitter* out) {
  *out << YAML::DoubleQuoted << std::string(text);
}

std::string Done(const std::string& head, const YAML::Emitter& out) {
  return head + out.c_str() + "\n";
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The variable's lines with the changed keys taken out and set at the end.
std::string Edited(std::string_view properties, const std::vector<Change>& changes) {
  std::set<std::string_view> changed;
  for (const Change& change : changes) changed.insert(change.key);
  std::string text;
  while (!properties.empty()) {
    const std::size_t end = properties.find('\n');
    const std::string_view line = properties.substr(0, end);
    properties = end == std::string_view::npos ? "" : properties.substr(end + 1);
    if (changed.count(Trimmed(line.substr(0, line.find(':')))) == 0)
      text += std::string(line) + "\n";
  }
  for (const Change& change : changes) {
    if (!change.new_value.empty()) text += change.key + ": " + change.new_value + "\n";
  }
  return text;
}

// A block is easier to read, and says the same only where no line needs care.
void Block(const std::string& text, YAML::Emitter* out) {
  bool plain = !text.empty() && text.back() == '\n';
  char before = '\n';
  for (const char c : text) {
    plain &= c == '\n' ? before != '\n' : c >= ' ' && c < 127;
    plain &= before != '\n' || c != ' ';
    before = c;
  }
  if (plain) {
    *out << YAML::Literal << text;
  } else {
    Text(text, out);
  }
}

// From where the operator takes a process of `process`: the key and value of spec.taskManager.
void OperatorMemory(const std::string& process, const PatchTarget& target, YAML::Emitter* out) {
  *out << YAML::BeginMap;
  if (!target.resources) {
    *out << YAML::Key << "resource" << YAML::Value << YAML::BeginMap << YAML::Key << "memory"
         << YAML::Value;
    Text(process, out);
  } else {
    const auto size = flink::ParseMemorySize(process);
    const auto memory = [&](const char* kind, double factor) {
      *out << YAML::Key << kind << YAML::Value << YAML::BeginMap << YAML::Key << "memory"
           << YAML::Value;
      // Not as Flink writes it: here an "m" is a thousandth.
      const double bytes = size.ok() ? static_cast<double>(size.value().bytes) * factor : 0;
      Text(Quantity({static_cast<std::int64_t>(bytes)}), out);
      *out << YAML::EndMap;
    };
    *out << YAML::Key << "resources" << YAML::Value << YAML::BeginMap;
    const bool limit = target.resources->limit;
    const bool request = target.resources->request || !limit;
    if (request) memory("requests", 1);
    if (limit) memory("limits", request ? target.limit_factor : 1);
  }
  *out << YAML::EndMap << YAML::EndMap;
}

}  // namespace

PatchTarget PatchTargetOf(const evidence::PodManifest& manifest) {
  using Source = evidence::ManifestSetting::Source;
  PatchTarget target;
  target.name = manifest.name;
  target.kind.clear();
  for (const char c : manifest.kind)
    target.kind += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  target.resources = manifest.operator_resources;
  target.limit_factor = manifest.LimitFactor();
  bool read = true;
  for (const evidence::ManifestSetting& setting : manifest.settings) {
    if (setting.source == Source::kArguments) target.arguments.insert(setting.key);
    read = read && (setting.source != Source::kEnvironment || setting.ignored.empty());
  }
  if (!manifest.container) return target;
  target.container = manifest.container->name;
  const evidence::EnvironmentVariable* variable = manifest.container->FindVariable(kProperties);
  if (variable != nullptr && read) target.flink_properties = variable->value;
  return target;
}

bool TakesPatch(std::string_view kind) {
  constexpr std::string_view kKinds[] = {"FlinkDeployment", "Deployment", "StatefulSet",
                                         "DaemonSet", "ReplicaSet"};
  return std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds);
}

std::string FlinkDeploymentPatch(const Proposal& proposal, const PatchTarget& target) {
  const std::string head = Head(proposal, "flinkdeployment", target.name, "merge");
  if (!proposal.fits || proposal.changes.empty()) return head + "{}\n";
  const auto process = std::find_if(
      proposal.changes.begin(), proposal.changes.end(),
      [](const Change& change) { return change.key == kProcessSize && !change.new_value.empty(); });
  const bool sets_process = process != proposal.changes.end();
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "spec" << YAML::Value << YAML::BeginMap;
  if (proposal.changes.size() > (sets_process ? 1u : 0u)) {
    out << YAML::Key << "flinkConfiguration" << YAML::Value << YAML::BeginMap;
    for (const Change& change : proposal.changes) {
      if (sets_process && change.key == kProcessSize) continue;
      out << YAML::Key;
      Text(change.key, &out);
      out << YAML::Value;
      if (change.new_value.empty()) {
        out << YAML::Null;  // takes the key away
      } else {
        Text(change.new_value, &out);
      }
    }
    out << YAML::EndMap;
  }
  if (sets_process) {
    out << YAML::Key << "taskManager" << YAML::Value;
    OperatorMemory(process->new_value, target, &out);
  }
  out << YAML::EndMap << YAML::EndMap;
  return Done(head, out);
}

std::string DeploymentPatch(const Proposal& proposal, const PatchTarget& target) {
  std::string head = Head(proposal, target.kind, target.name, "strategic");
  if (!proposal.fits) return head + "{}\n";
  const bool in_arguments =
      std::any_of(proposal.changes.begin(), proposal.changes.end(),
                  [&](const Change& change) { return target.arguments.count(change.key) != 0; });
  if (in_arguments) {
    // Another limit without them would be of another process.
    head += CommentOf(
        "Nothing to apply: the container's arguments set some of these keys and win over every "
        "other place, and a patch can only replace all of them. Set there:");
    head += ToSet(proposal, "-D", "=");
    if (proposal.backtest)
      head += CommentOf("and the container's memory, limit and request: " +
                        Quantity(proposal.backtest->limit));
    return head + "{}\n";
  }
  const bool in_environment = target.flink_properties && !proposal.changes.empty();
  if (!in_environment && !proposal.changes.empty()) {
    head += CommentOf(
        "The configuration is not in the container's environment. First set in its file (a "
        "ConfigMap):");
    head += ToSet(proposal, "", ": ");
  }
  if (!in_environment && !proposal.backtest) return head + "{}\n";
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "spec" << YAML::Value << YAML::BeginMap << YAML::Key
      << "template" << YAML::Value << YAML::BeginMap << YAML::Key << "spec" << YAML::Value
      << YAML::BeginMap << YAML::Key << "containers" << YAML::Value << YAML::BeginSeq
      << YAML::BeginMap << YAML::Key << "name" << YAML::Value;
  Text(Either(target.container, "taskmanager"), &out);
  if (proposal.backtest) {
    const std::string memory = Quantity(proposal.backtest->limit);
    out << YAML::Key << "resources" << YAML::Value << YAML::BeginMap;
    // A request above the limit would be refused.
    for (const char* kind : {"limits", "requests"}) {
      out << YAML::Key << kind << YAML::Value << YAML::BeginMap << YAML::Key << "memory"
          << YAML::Value;
      Text(memory, &out);
      out << YAML::EndMap;
    }
    out << YAML::EndMap;
  }
  if (in_environment) {
    out << YAML::Key << "env" << YAML::Value << YAML::BeginSeq << YAML::BeginMap << YAML::Key
        << "name" << YAML::Value << std::string(kProperties) << YAML::Key << "value" << YAML::Value;
    Block(Edited(*target.flink_properties, proposal.changes), &out);
    out << YAML::EndMap << YAML::EndSeq;
  }
  out << YAML::EndMap << YAML::EndSeq << YAML::EndMap << YAML::EndMap << YAML::EndMap
      << YAML::EndMap;
  return Done(head, out);
}

}  // namespace wrackline::render
