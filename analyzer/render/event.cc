#include "analyzer/render/event.h"

#include <algorithm>
#include <string_view>

#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

constexpr std::size_t kFindings = 3, kLines = 3, kKeys = 16;

// At most `most` bytes, and never half of a character of several.
std::string Cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

// The container that ended, where the pod's status says so, else the only one.
const evidence::ContainerStatus* EndedContainer(const evidence::PodStatus& pod) {
  for (const evidence::ContainerStatus& container : pod.containers)
    if (container.end || container.last_end) return &container;
  return pod.containers.size() == 1 ? &pod.containers.front() : nullptr;
}

void PutPod(const evidence::Evidence& evidence, std::size_t most, Json* event) {
  if (evidence.pod) {
    Put(event, "pod", Cut(evidence.pod->name, most));
    Put(event, "namespace", Cut(evidence.pod->namespace_, most));
    Put(event, "node", Cut(evidence.pod->node, most));
    if (const auto* container = EndedContainer(*evidence.pod))
      Put(event, "container", Cut(container->name, most));
  }
  if (evidence.yarn) Put(event, "container", Cut(evidence.yarn->container, most));
  Put(event, "container_id", Cut(evidence.process.container_id, most));
}

Json Findings(const diagnosis::Diagnosis& diagnosis, std::size_t most) {
  Json findings = Json::array();
  for (const diagnosis::Finding& finding : diagnosis.findings) {
    if (findings.size() == kFindings) break;
    findings.push_back({{"rule", Cut(finding.rule, most)},
                        {"role", Name(finding.role)},
                        {"confidence", Name(finding.confidence)},
                        {"bytes", finding.amount.count},
                        {"summary", Cut(finding.summary, most)}});
  }
  return findings;
}

Json LargestLines(const ledger::Ledger& ledger, std::size_t most) {
  std::vector<const ledger::Line*> lines;
  for (const ledger::Line& line : ledger.lines) lines.push_back(&line);
  std::stable_sort(lines.begin(), lines.end(), [](const ledger::Line* a, const ledger::Line* b) {
    return a->amount > b->amount;
  });
  Json json = Json::array();
  for (const ledger::Line* line : lines) {
    if (json.size() == kLines || line->amount.count <= 0) break;
    Json entry = {{"id", Cut(line->id, most)},
                  {"label", Cut(line->label, most)},
                  {"bytes", line->amount.count}};
    Put(&entry, "budget", line->budget);
    json.push_back(std::move(entry));
  }
  return json;
}

Json Proposal(const sizing::Proposal& proposal, std::size_t most) {
  Json json = {{"fits", proposal.fits}};
  Json keys = Json::object();
  std::size_t left_out = 0;
  for (const auto& [key, value] : proposal.settings) {
    if (keys.size() == kKeys) {
      ++left_out;
    } else {
      keys[Cut(key, most)] = Cut(value, most);
    }
  }
  json["settings"] = std::move(keys);
  if (left_out > 0) json["settings_left_out"] = left_out;
  json["predicted_peak"] = proposal.predicted_peak.count;
  if (!proposal.fits) json["smallest_limit"] = proposal.smallest_limit.count;
  return json;
}

Json Event(const report::Report& report, double time, std::size_t most) {
  const evidence::Evidence& evidence = report.evidence;
  const diagnosis::Diagnosis& diagnosis = report.diagnosis;
  Json event = {{"event", "wrackline"}, {"schema", kEventSchema}, {"time", time}};
  Put(&event, "host", Cut(evidence.process.host, most));
  PutPod(evidence, most, &event);
  if (evidence.process.pid != 0) event["pid"] = evidence.process.pid;
  if (evidence.metrics) Put(&event, "task_manager", Cut(evidence.metrics->task_manager, most));
  if (evidence.ending.time) event["end_time"] = Stamp(*evidence.ending.time);
  if (evidence.last_record != evidence::Time()) event["last_record"] = Stamp(evidence.last_record);
  event["outcome"] = Name(diagnosis.outcome);
  // The first finding is the cause where there is one: causes are ranked before the others.
  if (!diagnosis.findings.empty() && diagnosis.findings.front().role == diagnosis::Role::kCause) {
    event["cause"] = Cut(diagnosis.findings.front().rule, most);
    event["confidence"] = Name(diagnosis.findings.front().confidence);
  }
  event["verdict"] = Cut(diagnosis.verdict, 2 * most);
  if (evidence.limit) event["limit"] = evidence.limit->amount.count;
  if (evidence.last_charge) event["charge"] = evidence.last_charge->amount.count;
  if (evidence.peak_charge) event["peak_charge"] = evidence.peak_charge->amount.count;
  if (report.ledger) {
    event["total"] = report.ledger->total.count;
    if (report.ledger->basis != ledger::Basis::kMetrics)
      event["unexplained"] = report.ledger->unexplained.count;
  }
  event["findings"] = Findings(diagnosis, most);
  if (report.ledger) event["lines"] = LargestLines(*report.ledger, most);
  if (report.proposal) event["proposal"] = Proposal(*report.proposal, most);
  event["source"] = Cut(evidence.source, most);
  return event;
}

}  // namespace

std::string RenderEvent(const report::Report& report, double time) {
  // A character may take six bytes when it is escaped. The last fits whatever the texts are: some seventy of them.
  for (const std::size_t most :
       {std::size_t{480}, std::size_t{240}, std::size_t{120}, std::size_t{60}, std::size_t{24}}) {
    std::string line =
        Event(report, time, most).dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
    if (line.size() <= kEventBytes) return line;
  }
  return Event(report, time, 6).dump(-1, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
