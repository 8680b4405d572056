#include "analyzer/evidence/kubernetes_events.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "analyzer/evidence/manifest/yaml_tree.h"
#include "analyzer/evidence/scan.h"

namespace wrackline::evidence {
namespace {

constexpr std::size_t kMostEvents = 20000;
constexpr std::size_t kMostKept = 500;
constexpr std::size_t kMostMessage = 4096;

std::string Text(const YamlNode* node) {
  return std::string(ScalarText(node).substr(0, kMostMessage));
}

std::string First(std::initializer_list<const YamlNode*> nodes) {
  for (const YamlNode* node : nodes)
    if (!ScalarText(node).empty()) return Text(node);
  return {};
}

NamedEvent ReadEvent(const YamlNode* node) {
  NamedEvent named;
  // events.k8s.io/v1 calls them by other names.
  const YamlNode* object = FindKey(node, "involvedObject");
  if (!object) object = FindKey(node, "regarding");
  named.kind = Text(FindKey(object, "kind"));
  named.object = Text(FindKey(object, "name"));
  PodEvent& event = named.event;
  event.type = Text(FindKey(node, "type"));
  event.reason = Text(FindKey(node, "reason"));
  event.message = First({FindKey(node, "message"), FindKey(node, "note")});
  event.source = First({FindPath(node, {"source", "component"}),
                        FindKey(node, "reportingComponent"), FindKey(node, "reportingController"),
                        FindPath(node, {"deprecatedSource", "component"})});
  event.first =
      First({FindKey(node, "firstTimestamp"), FindKey(node, "deprecatedFirstTimestamp"),
             FindKey(node, "eventTime"), FindPath(node, {"metadata", "creationTimestamp"})});
  event.last =
      First({FindKey(node, "lastTimestamp"), FindPath(node, {"series", "lastObservedTime"}),
             FindKey(node, "deprecatedLastTimestamp"), FindKey(node, "eventTime"),
             FindPath(node, {"metadata", "creationTimestamp"})});
  event.count = WholeInteger(First({FindKey(node, "count"), FindPath(node, {"series", "count"}),
                                    FindKey(node, "deprecatedCount")}));
  const YamlNode* annotations = FindPath(node, {"metadata", "annotations"});
  named.offending_containers = Text(FindKey(annotations, "offending_containers"));
  named.offending_usage = Text(FindKey(annotations, "offending_containers_usage"));
  named.starved_resource = Text(FindKey(annotations, "starved_resource"));
  return named;
}

void Collect(const YamlNode* node, bool in_list, std::vector<NamedEvent>* events) {
  if (!node || !node->IsMapping() || events->size() >= kMostEvents) return;
  const std::string_view kind = ScalarText(FindKey(node, "kind"));
  if (EndsWith(kind, "List") && !in_list) {
    for (const YamlNode* item : ItemsOf(FindKey(node, "items"))) Collect(item, true, events);
    return;
  }
  if (kind == "Event" || (in_list && kind.empty() && FindKey(node, "reason")))
    events->push_back(ReadEvent(node));
}

struct Column {
  std::string_view name;
  std::size_t begin;
};

// The columns of a header: names stand two blanks or more apart ("LAST SEEN" is one).
std::vector<Column> ColumnsOf(std::string_view header) {
  std::vector<Column> columns;
  std::size_t at = 0;
  while (at < header.size() && columns.size() < 16) {
    while (at < header.size() && IsBlank(header[at])) ++at;
    if (at == header.size()) break;
    std::size_t end = header.find("  ", at);
    const std::size_t tab = header.find('\t', at);
    end = std::min({end, tab, header.size()});
    columns.push_back({Trim(header.substr(at, end - at)), at});
    at = end;
  }
  return columns;
}

bool IsEventHeader(const std::vector<Column>& columns) {
  auto has = [&](std::string_view upper, std::string_view lower) {
    return std::any_of(columns.begin(), columns.end(), [&](const Column& column) {
      return column.name == upper || column.name == lower;
    });
  };
  return has("REASON", "Reason") && has("MESSAGE", "Message") && has("TYPE", "Type");
}

// "78s (x231 over 51m)": the count is in it.
std::optional<int> CountIn(std::string_view age) {
  const std::size_t at = age.find("(x");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view digits = age.substr(at + 2);
  std::size_t end = 0;
  while (end < digits.size() && IsDigit(digits[end])) ++end;
  return WholeInteger(digits.substr(0, end));
}

// The cells of a row. kubectl pads every column to its longest cell: a cell begins where its column does.
void ReadRow(std::string_view row, const std::vector<Column>& columns, NamedEvent* named) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t begin = columns[i].begin;
    if (begin >= row.size()) continue;
    const std::size_t end = i + 1 < columns.size() ? columns[i + 1].begin : row.size();
    const std::string cell(Trim(row.substr(begin, end - begin)).substr(0, kMostMessage));
    const std::string_view name = columns[i].name;
    PodEvent& event = named->event;
    if (name == "TYPE" || name == "Type") event.type = cell;
    if (name == "REASON" || name == "Reason") event.reason = cell;
    if (name == "MESSAGE" || name == "Message") event.message = cell;
    if (name == "From" || name == "SOURCE") event.source = cell;
    if (name == "Age" || name == "LAST SEEN" || name == "LastSeen") event.age = cell;
    if (name == "FIRST SEEN" || name == "FirstSeen") event.first = cell;
    if (name == "COUNT" || name == "Count") event.count = WholeInteger(cell);
    if (name == "OBJECT") {
      const std::size_t slash = cell.find('/');
      named->kind = cell.substr(0, slash);
      if (slash != std::string::npos) named->object = cell.substr(slash + 1);
    }
  }
  if (!named->event.count) named->event.count = CountIn(named->event.age);
}

// What bears on how a process ended, whomever it names.
bool BearsOnMemory(const PodEvent& event) {
  constexpr std::array<std::string_view, 17> kReasons = {"OOMKilling",
                                                         "PodOOMKilling",
                                                         "SystemOOM",
                                                         "CgroupOOM",
                                                         "Evicted",
                                                         "Preempted",
                                                         "Preempting",
                                                         "EvictionThresholdMet",
                                                         "NodeNotReady",
                                                         "NodeShutdown",
                                                         "TaintManagerEviction",
                                                         "NodeHasInsufficientMemory",
                                                         "ExceededGracePeriod",
                                                         "MemoryPressure",
                                                         "ContainerDied",
                                                         "Killing",
                                                         "Unhealthy"};
  return std::find(kReasons.begin(), kReasons.end(), event.reason) != kReasons.end();
}

std::string_view FirstLine(std::string_view text) {
  while (!text.empty() && (text.front() == '\n' || text.front() == '\r')) text.remove_prefix(1);
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::vector<NamedEvent> ParseEventTable(std::string_view text) {
  std::vector<NamedEvent> events;
  const auto header = TakeLine(&text);
  if (!header) return events;
  const std::vector<Column> columns = ColumnsOf(*header);
  if (!IsEventHeader(columns)) return events;
  while (const auto line = TakeLine(&text)) {
    const std::string_view trimmed = Trim(*line);
    if (trimmed.empty()) break;
    if (StartsWith(trimmed, "----")) continue;
    // Behind the last row another object begins at the margin.
    if (columns[0].begin > 0 && !IsBlank(line->front())) break;
    NamedEvent named;
    ReadRow(*line, columns, &named);
    if (named.event.reason.empty()) continue;
    events.push_back(std::move(named));
    if (events.size() == kMostEvents) break;
  }
  return events;
}

Result<std::vector<NamedEvent>> ParseEvents(std::string_view text, std::string_view file) {
  std::string_view table = text;
  while (!table.empty() && (table.front() == '\n' || table.front() == '\r')) table.remove_prefix(1);
  if (auto events = ParseEventTable(table); !events.empty()) return events;
  Result<YamlDocuments> documents = ParseYaml(text, file);
  if (!documents.ok()) return documents.error();
  std::vector<NamedEvent> events;
  for (const YamlNode* root : documents.value().roots) Collect(root, false, &events);
  if (events.empty())
    return Error{fmt::format("{} holds no event", file),
                 "take them with: kubectl get events -o yaml"};
  return events;
}

bool IsKubernetesEvents(const SourceFile& file) {
  if (IsEventHeader(ColumnsOf(FirstLine(file.Head())))) return true;
  const std::string_view head = file.Head();
  if (!Contains(head, "apiVersion")) return false;
  return Contains(head, "kind: Event\n") || Contains(head, "kind: EventList\n") ||
         Contains(head, "\"kind\": \"Event\"") || Contains(head, "\"kind\":\"Event\"") ||
         Contains(head, "\"kind\": \"EventList\"") || Contains(head, "\"kind\":\"EventList\"");
}

Result<std::string> AddKubernetesEvents(const SourceFile& file, Evidence* evidence) {
  Result<std::vector<NamedEvent>> read = ParseEvents(file.text, file.name);
  if (!read.ok()) return read.error();
  const std::string pod = evidence->pod ? evidence->pod->name : "";
  std::vector<NamedEvent> kept;
  for (NamedEvent& named : read.value()) {
    const bool of_pod = named.kind == "Pod" || named.kind == "pod";
    // Of other pods nothing is taken once the pod is known; nodes speak for all of theirs.
    if (of_pod && !pod.empty() && named.object != pod) continue;
    if ((of_pod && !pod.empty()) || BearsOnMemory(named.event)) kept.push_back(std::move(named));
  }
  const std::size_t all = read.value().size();
  if (kept.size() > kMostKept) kept.erase(kept.begin(), kept.end() - kMostKept);
  if (kept.empty()) return fmt::format("{} events, none that bears on memory", all);
  if (!evidence->pod) evidence->pod.emplace();
  PodStatus& status = *evidence->pod;
  std::string last;
  for (NamedEvent& named : kept) {
    if (!named.offending_containers.empty()) {
      status.offending_containers = named.offending_containers;
      status.offending_usage = named.offending_usage;
      status.starved_resource = named.starved_resource;
    }
    last = named.event.reason;
    // Whom it names, where that is not the pod: "node/n1: ...".
    if (named.object != pod && !named.object.empty())
      named.event.message = named.kind + "/" + named.object + ": " + named.event.message;
    status.events.push_back(std::move(named.event));
  }
  return fmt::format("{} of {} events bear on it, the last: {}", kept.size(), all, last);
}

}  // namespace wrackline::evidence
