#include "analyzer/evidence/kubectl_describe.h"

#include <fmt/core.h>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/kubernetes_events.h"
#include "analyzer/evidence/kubernetes_status.h"
#include "analyzer/evidence/manifest/quantity.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostContainers = 64;

struct Entry {
  std::size_t indent = 0;
  std::string_view key, value;  // "Exit Code", "137"; a line without a colon is all value
};

Entry Split(std::string_view line) {
  Entry entry;
  while (entry.indent < line.size() && line[entry.indent] == ' ') ++entry.indent;
  const std::string_view rest = line.substr(entry.indent);
  // A key ends at a colon before a blank or the line's end: "http://x" is no key.
  for (std::size_t at = rest.find(':'); at != std::string_view::npos; at = rest.find(':', at + 1)) {
    if (at + 1 < rest.size() && !IsBlank(rest[at + 1])) continue;
    entry.key = rest.substr(0, at);
    entry.value = Trim(rest.substr(at + 1));
    return entry;
  }
  entry.value = Trim(rest);
  return entry;
}

std::optional<Bytes> Quantity(std::string_view text) {
  const auto bytes = ParseQuantity(text);
  if (!bytes.ok()) return std::nullopt;
  return ToBytes(static_cast<std::uint64_t>(bytes.value()));
}

// "Running", "Waiting", "Terminated" as the API writes them.
std::string StateName(std::string_view text) {
  std::string name(text.substr(0, 64));
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] = static_cast<char>(name[0] + 32);
  return name;
}

class DescribeReader {
 public:
  // Takes one pod off the text.
  PodStatus Read(std::string_view* text) {
    bool first = true;
    while (!text->empty()) {
      std::string_view rest = *text;
      const auto line = TakeLine(&rest);
      if (!first && StartsWith(*line, "Name:")) break;  // the next pod
      first = false;
      *text = rest;
      const Entry entry = Split(*line);
      if (entry.indent == 0) {
        if (!line->empty()) Top(entry);
        if (entry.key == "Events" && entry.value.empty()) {
          for (NamedEvent& named : ParseEventTable(*text))
            pod_.events.push_back(std::move(named.event));
        }
      } else if (section_ == "Containers" || section_ == "Init Containers") {
        Container(entry);
      } else if (section_ == "Conditions") {
        Condition(*line);
      } else if (section_ == "Annotations") {
        Annotation(entry);
      } else if (section_ == "Resources" || section_ == "Limits") {
        if (entry.key == "memory" && (section_ == "Limits" || sub_ == "Limits"))
          pod_.pod_limit = Quantity(entry.value);
        if (entry.value.empty()) sub_ = std::string(entry.key);
      }
    }
    return std::move(pod_);
  }

 private:
  void Top(const Entry& entry) {
    section_ = std::string(entry.key);
    sub_.clear();
    container_ = nullptr;
    const std::string value(entry.value);
    if (section_ == "Name") pod_.name = value;
    if (section_ == "Namespace") pod_.namespace_ = value;
    if (section_ == "Node") pod_.node = value.substr(0, value.find('/'));
    if (section_ == "Status") pod_.phase = value;
    if (section_ == "Reason") pod_.reason = value;
    if (section_ == "Message") pod_.message = value;
    if (section_ == "QoS Class") pod_.qos_class = value;
    if (section_ == "Annotations") Annotation(Split(entry.value));
  }

  // kubectl describe pod prints the pod's own annotations, among which an eviction's may be.
  void Annotation(const Entry& entry) {
    if (entry.key == "offending_containers") pod_.offending_containers = std::string(entry.value);
    if (entry.key == "offending_containers_usage") pod_.offending_usage = std::string(entry.value);
    if (entry.key == "starved_resource") pod_.starved_resource = std::string(entry.value);
  }

  // "  DisruptionTarget  True"
  void Condition(std::string_view line) {
    const std::string_view type = TakeToken(&line), status = TakeToken(&line);
    if (type.empty() || type == "Type" || pod_.conditions.size() >= 64) return;
    pod_.conditions.push_back(std::string(type) + "=" + std::string(status));
  }

  void Container(const Entry& entry) {
    if (entry.indent <= 2 && !entry.key.empty() && entry.value.empty()) {
      if (pod_.containers.size() >= kMostContainers) {
        container_ = nullptr;
        return;
      }
      container_ = &pod_.containers.emplace_back();
      container_->name = std::string(entry.key);
      container_->init = section_ == "Init Containers";
      return;
    }
    if (!container_) return;
    if (entry.indent <= 4) {
      sub_ = std::string(entry.key);
      if (sub_ == "Container ID") container_->id = std::string(entry.value);
      if (sub_ == "Restart Count") container_->restarts = WholeInteger(entry.value);
      if (sub_ == "Liveness") container_->liveness_probe = std::string(entry.value);
      if (sub_ == "State") {
        container_->state = StateName(entry.value);
        if (container_->state == "terminated") container_->end.emplace();
      }
      if (sub_ == "Last State" && entry.value == "Terminated") container_->last_end.emplace();
      return;
    }
    if (sub_ == "Limits" && entry.key == "memory") container_->memory_limit = Quantity(entry.value);
    if (sub_ == "Requests" && entry.key == "memory")
      container_->memory_request = Quantity(entry.value);
    if (sub_ == "State" && container_->end) End(entry, &*container_->end);
    if (sub_ == "State" && entry.key == "Reason" && !container_->end)
      container_->waiting_reason = std::string(entry.value);
    if (sub_ == "Last State" && container_->last_end) End(entry, &*container_->last_end);
  }

  static void End(const Entry& entry, ContainerEnd* end) {
    if (entry.key == "Reason") end->reason = std::string(entry.value);
    if (entry.key == "Message") end->message = std::string(entry.value);
    if (entry.key == "Exit Code") end->exit_code = WholeInteger(entry.value);
    if (entry.key == "Signal") end->signal = WholeInteger(entry.value);
    if (entry.key == "Started") end->started = std::string(entry.value);
    if (entry.key == "Finished") end->finished = std::string(entry.value);
  }

  PodStatus pod_;
  std::string section_, sub_;
  ContainerStatus* container_ = nullptr;  // of pod_.containers; set anew before each that is added
};

bool AtMargin(std::string_view text, std::string_view key) {
  return StartsWith(text, key) || Contains(text, "\n" + std::string(key));
}

}  // namespace

Result<PodStatus> ParseDescribe(std::string_view text, std::string_view file,
                                std::string_view container_id) {
  std::optional<PodStatus> best;
  int interest = -1;
  std::string_view rest = text;
  for (int pods = 0; !rest.empty() && pods < 10000; ++pods) {
    PodStatus pod = DescribeReader().Read(&rest);
    const int its = InterestOf(pod, container_id);
    if (pod.name.empty() || its <= interest) continue;
    interest = its;
    best = std::move(pod);
  }
  if (!best)
    return Error{fmt::format("{} describes no pod", file),
                 "take it with: kubectl describe pod NAME"};
  PutMainFirst(container_id, &*best);
  return std::move(*best);
}

bool IsKubectlDescribe(const SourceFile& file) {
  std::string_view head = file.Head();
  while (!head.empty() && (head.front() == '\n' || head.front() == '\r')) head.remove_prefix(1);
  // A node's description has no containers, a deployment's no node.
  return StartsWith(head, "Name:") && AtMargin(head, "Node:") && AtMargin(head, "Containers:") &&
         AtMargin(head, "Status:");
}

Result<std::string> AddKubectlDescribe(const SourceFile& file, Evidence* evidence) {
  Result<PodStatus> pod = ParseDescribe(file.text, file.name, evidence->process.container_id);
  if (!pod.ok()) return pod.error();
  std::string remark = DescribePod(pod.value());
  TakePod(std::move(pod.value()), evidence);
  return remark;
}

}  // namespace wrackline::evidence
