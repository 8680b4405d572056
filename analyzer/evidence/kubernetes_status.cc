#include "analyzer/evidence/kubernetes_status.h"

#include <fmt/core.h>

#include <algorithm>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/manifest/quantity.h"
#include "analyzer/evidence/manifest/yaml_tree.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostContainers = 64;
constexpr std::size_t kMostPods = 10000;

std::string Text(const YamlNode* node) { return std::string(ScalarText(node)); }

std::optional<Bytes> Quantity(const YamlNode* node) {
  const std::string_view text = ScalarText(node);
  if (text.empty()) return std::nullopt;
  const auto bytes = ParseQuantity(text);
  if (!bytes.ok()) return std::nullopt;
  return ToBytes(static_cast<std::uint64_t>(bytes.value()));
}

std::optional<ContainerEnd> EndOf(const YamlNode* terminated) {
  if (!terminated || !terminated->IsMapping()) return std::nullopt;
  ContainerEnd end;
  end.reason = Text(FindKey(terminated, "reason"));
  end.message = Text(FindKey(terminated, "message"));
  end.exit_code = WholeInteger(ScalarText(FindKey(terminated, "exitCode")));
  end.signal = WholeInteger(ScalarText(FindKey(terminated, "signal")));
  end.started = Text(FindKey(terminated, "startedAt"));
  end.finished = Text(FindKey(terminated, "finishedAt"));
  return end;
}

// As kubectl describes it: "http-get http://:8081/ delay=30s timeout=1s period=10s #failure=3".
std::string ProbeText(const YamlNode* probe) {
  if (!probe || !probe->IsMapping()) return {};
  std::string text;
  if (const YamlNode* http = FindKey(probe, "httpGet")) {
    text = fmt::format("http-get :{}{}", ScalarText(FindKey(http, "port")),
                       ScalarText(FindKey(http, "path")));
  } else if (const YamlNode* tcp = FindKey(probe, "tcpSocket")) {
    text = fmt::format("tcp-socket :{}", ScalarText(FindKey(tcp, "port")));
  } else if (FindKey(probe, "exec")) {
    text = "exec [";
    for (const YamlNode* part : ItemsOf(FindPath(probe, {"exec", "command"}))) {
      if (text.size() > 1000) break;
      if (text.back() != '[') text += ' ';
      text += ScalarText(part);
    }
    text += ']';
  } else if (const YamlNode* grpc = FindKey(probe, "grpc")) {
    text = fmt::format("grpc :{}", ScalarText(FindKey(grpc, "port")));
  }
  for (const auto& [name, key, unit] :
       {std::tuple{"delay", "initialDelaySeconds", "s"},
        std::tuple{"timeout", "timeoutSeconds", "s"}, std::tuple{"period", "periodSeconds", "s"},
        std::tuple{"#failure", "failureThreshold", ""}}) {
    const std::string_view value = ScalarText(FindKey(probe, key));
    if (!value.empty()) text += fmt::format(" {}={}{}", name, value, unit);
  }
  return text;
}

ContainerStatus& Named(std::string_view name, bool init, PodStatus* pod) {
  for (ContainerStatus& container : pod->containers)
    if (container.name == name && container.init == init) return container;
  ContainerStatus& container = pod->containers.emplace_back();
  container.name = std::string(name);
  container.init = init;
  return container;
}

void ReadSpec(const YamlNode* containers, bool init, PodStatus* pod) {
  for (const YamlNode* spec : ItemsOf(containers)) {
    if (pod->containers.size() >= kMostContainers) return;
    ContainerStatus& container = Named(ScalarText(FindKey(spec, "name")), init, pod);
    container.memory_limit = Quantity(FindPath(spec, {"resources", "limits", "memory"}));
    container.memory_request = Quantity(FindPath(spec, {"resources", "requests", "memory"}));
    container.liveness_probe = ProbeText(FindKey(spec, "livenessProbe"));
  }
}

void ReadStatuses(const YamlNode* statuses, bool init, PodStatus* pod) {
  for (const YamlNode* status : ItemsOf(statuses)) {
    if (pod->containers.size() >= kMostContainers) return;
    ContainerStatus& container = Named(ScalarText(FindKey(status, "name")), init, pod);
    container.id = Text(FindKey(status, "containerID"));
    container.restarts = WholeInteger(ScalarText(FindKey(status, "restartCount")));
    const YamlNode* state = FindKey(status, "state");
    for (const char* name : {"running", "waiting", "terminated"})
      if (FindKey(state, name)) container.state = name;
    container.waiting_reason = Text(FindPath(state, {"waiting", "reason"}));
    container.end = EndOf(FindKey(state, "terminated"));
    container.last_end = EndOf(FindPath(status, {"lastState", "terminated"}));
    // Since in-place resize: what holds now, whatever the specification asks for.
    if (auto limit = Quantity(FindPath(status, {"resources", "limits", "memory"})))
      container.memory_limit = limit;
    if (container.id.empty() && container.end)
      container.id = Text(FindPath(state, {"terminated", "containerID"}));
  }
}

PodStatus ReadPod(const YamlNode* node) {
  PodStatus pod;
  pod.name = Text(FindPath(node, {"metadata", "name"}));
  pod.namespace_ = Text(FindPath(node, {"metadata", "namespace"}));
  pod.uid = Text(FindPath(node, {"metadata", "uid"}));
  pod.node = Text(FindPath(node, {"spec", "nodeName"}));
  const YamlNode* status = FindKey(node, "status");
  pod.phase = Text(FindKey(status, "phase"));
  pod.reason = Text(FindKey(status, "reason"));
  pod.message = Text(FindKey(status, "message"));
  pod.qos_class = Text(FindKey(status, "qosClass"));
  pod.pod_limit = Quantity(FindPath(node, {"spec", "resources", "limits", "memory"}));
  for (const YamlNode* condition : ItemsOf(FindKey(status, "conditions"))) {
    if (pod.conditions.size() >= 64) break;
    std::string text = fmt::format("{}={}", ScalarText(FindKey(condition, "type")),
                                   ScalarText(FindKey(condition, "status")));
    const std::string_view reason = ScalarText(FindKey(condition, "reason"));
    const std::string_view message = ScalarText(FindKey(condition, "message"));
    if (!reason.empty()) text += fmt::format(" ({})", reason);
    if (!message.empty()) text += fmt::format(": {}", message.substr(0, 1000));
    pod.conditions.push_back(std::move(text));
  }
  const YamlNode* spec = FindKey(node, "spec");
  ReadSpec(FindKey(spec, "containers"), false, &pod);
  ReadSpec(FindKey(spec, "initContainers"), true, &pod);
  ReadStatuses(FindKey(status, "containerStatuses"), false, &pod);
  ReadStatuses(FindKey(status, "initContainerStatuses"), true, &pod);
  return pod;
}

void CollectPods(const YamlNode* node, bool in_list, std::vector<const YamlNode*>* pods) {
  if (!node || !node->IsMapping() || pods->size() >= kMostPods) return;
  const std::string_view kind = ScalarText(FindKey(node, "kind"));
  if (EndsWith(kind, "List") && !in_list) {
    for (const YamlNode* item : ItemsOf(FindKey(node, "items"))) CollectPods(item, true, pods);
    return;
  }
  // The elements of a PodList need not name their kind.
  if ((kind == "Pod" || (in_list && kind.empty())) && FindKey(node, "status") &&
      FindKey(node, "status")->IsMapping())
    pods->push_back(node);
}

bool IsFlinksName(std::string_view name) {
  return name == "flink-main-container" || Contains(name, "taskmanager") ||
         Contains(name, "task-manager");
}

bool HasId(const ContainerStatus& container, std::string_view id) {
  return !id.empty() && Contains(container.id, id);
}

bool Ended(const ContainerStatus& container, std::string_view reason) {
  return (container.end && container.end->reason == reason) ||
         (container.last_end && container.last_end->reason == reason);
}

bool Failed(const ContainerStatus& container) {
  auto bad = [](const std::optional<ContainerEnd>& end) {
    return end && end->exit_code && *end->exit_code != 0;
  };
  return bad(container.end) || bad(container.last_end);
}

int InterestOf(const ContainerStatus& container, std::string_view id) {
  int interest = container.init ? 0 : 1;
  if (Failed(container)) interest += 2;
  if (Ended(container, "OOMKilled")) interest += 4;
  if (IsFlinksName(container.name)) interest += 8;
  if (HasId(container, id)) interest += 16;
  return interest;
}

std::string EndText(const ContainerEnd& end) {
  std::string text = end.reason.empty() ? "ended" : end.reason;
  if (end.exit_code) text += fmt::format(", exit code {}", *end.exit_code);
  if (end.signal && *end.signal != 0) text += fmt::format(", signal {}", *end.signal);
  if (!end.finished.empty()) text += fmt::format(" ({})", end.finished);
  return text;
}

// A key of the document itself, not of managedFields ("f:phase").
bool HasKey(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos;
       at = text.find(key, at + key.size())) {
    const char before = at == 0 ? '\n' : text[at - 1];
    const std::size_t end = at + key.size();
    const char after = end < text.size() ? text[end] : '\n';
    if (before == '"' && after == '"') return true;
    if ((IsBlank(before) || before == '\n') && after == ':') return true;
  }
  return false;
}

bool SaysKind(std::string_view head, std::string_view kind) {
  for (const std::string_view form : {"kind: ", "\"kind\": \"", "\"kind\":\""})
    if (Contains(head, std::string(form) + std::string(kind) + (form[0] == '"' ? "\"" : "\n")))
      return true;
  return false;
}

}  // namespace

void PutMainFirst(std::string_view container_id, PodStatus* pod) {
  std::stable_sort(pod->containers.begin(), pod->containers.end(),
                   [&](const ContainerStatus& a, const ContainerStatus& b) {
                     return InterestOf(a, container_id) > InterestOf(b, container_id);
                   });
}

int InterestOf(const PodStatus& pod, std::string_view container_id) {
  int interest = 0;
  for (const ContainerStatus& container : pod.containers)
    interest = std::max(interest, InterestOf(container, container_id));
  if (Contains(pod.name, "taskmanager")) interest += 8;
  if (pod.reason == "Evicted" || pod.reason == "Preempting") interest += 4;
  return interest;
}

std::string DescribePod(const PodStatus& pod) {
  std::string text = "pod " + pod.name;
  if (!pod.reason.empty()) text += fmt::format(" {}", pod.reason);
  if (!pod.containers.empty()) {
    const ContainerStatus& main = pod.containers.front();
    text += ", container " + main.name + ":";
    if (main.end)
      text += " " + EndText(*main.end);
    else
      text += " " + (main.state.empty() ? "state not known" : main.state);
    if (!main.waiting_reason.empty()) text += fmt::format(" ({})", main.waiting_reason);
    if (main.last_end) text += "; the one before " + EndText(*main.last_end);
    if (main.restarts)
      text += fmt::format(", {} restart{}", *main.restarts, *main.restarts == 1 ? "" : "s");
    if (main.memory_limit) text += ", limit " + FormatBytes(*main.memory_limit);
  }
  if (!pod.events.empty()) text += fmt::format(", {} events", pod.events.size());
  return text;
}

void TakePod(PodStatus pod, Evidence* evidence) {
  PutMainFirst(evidence->process.container_id, &pod);
  if (evidence->pod &&
      (evidence->pod->name.empty() || pod.name.empty() || evidence->pod->name == pod.name)) {
    PodStatus& known = *evidence->pod;
    for (PodEvent& event : pod.events) known.events.push_back(std::move(event));
    pod.events = std::move(known.events);
    if (pod.offending_containers.empty()) {
      pod.offending_containers = known.offending_containers;
      pod.offending_usage = known.offending_usage;
      pod.starved_resource = known.starved_resource;
    }
    // A description holds less than the status itself.
    if (pod.uid.empty()) pod.uid = known.uid;
    if (pod.containers.empty()) pod.containers = std::move(known.containers);
  }
  if (!evidence->limit && !pod.containers.empty() && pod.containers.front().memory_limit)
    evidence->limit = Figure{*pod.containers.front().memory_limit, Time{},
                             "the memory limit of container " + pod.containers.front().name};
  evidence->pod = std::move(pod);
}

Result<PodStatus> ParsePodStatus(std::string_view text, std::string_view file,
                                 std::string_view container_id) {
  Result<YamlDocuments> documents = ParseYaml(text, file);
  if (!documents.ok()) return documents.error();
  std::vector<const YamlNode*> nodes;
  for (const YamlNode* root : documents.value().roots) CollectPods(root, false, &nodes);
  std::optional<PodStatus> best;
  int interest = -1;
  for (const YamlNode* node : nodes) {
    PodStatus pod = ReadPod(node);
    const int its = InterestOf(pod, container_id);
    if (its <= interest) continue;
    interest = its;
    best = std::move(pod);
  }
  if (!best)
    return Error{fmt::format("{} holds no pod with a status", file),
                 "take it with: kubectl get pod NAME -o yaml"};
  PutMainFirst(container_id, &*best);
  return std::move(*best);
}

bool IsPodStatus(const SourceFile& file) {
  const std::string_view head = file.Head();
  if (!HasKey(head, "apiVersion")) return false;
  const bool pod = SaysKind(head, "Pod") || SaysKind(head, "PodList") || SaysKind(file.text, "Pod");
  return pod && (HasKey(file.text, "containerStatuses") || HasKey(file.text, "phase"));
}

Result<std::string> AddPodStatus(const SourceFile& file, Evidence* evidence) {
  Result<PodStatus> pod = ParsePodStatus(file.text, file.name, evidence->process.container_id);
  if (!pod.ok()) return pod.error();
  std::string remark = DescribePod(pod.value());
  TakePod(std::move(pod.value()), evidence);
  return remark;
}

}  // namespace wrackline::evidence
