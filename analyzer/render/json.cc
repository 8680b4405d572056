#include "analyzer/render/json.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "analyzer/evidence/mappings.h"
#include "analyzer/evidence/thread_groups.h"
#include "analyzer/render/json_jvm.h"
#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

using render::Put;

double Seconds(evidence::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

void Put(Json* object, const char* key, const std::optional<evidence::Figure>& figure) {
  if (figure)
    (*object)[key] = {
        {"bytes", figure->amount.count}, {"time", Stamp(figure->time)}, {"origin", figure->origin}};
}

Json ProcessJson(const evidence::Evidence& evidence) {
  const evidence::ProcessFacts& process = evidence.process;
  Json json = {{"pid", process.pid}};
  Put(&json, "host", process.host);
  Put(&json, "executable", process.executable);
  Put(&json, "command_line", process.command_line);
  Put(&json, "container_id", process.container_id);
  Put(&json, "cgroup_version", process.cgroup_version);
  Put(&json, "cgroup_path", process.cgroup_path);
  Put(&json, "allocator", process.allocator);
  Put(&json, "allocator_settings", process.allocator_settings);
  if (process.online_cpus != 0) json["online_cpus"] = process.online_cpus;
  Put(&json, "usable_cpus", process.usable_cpus);
  Put(&json, "cpu_quota_thousandths", process.cpu_quota_thousandths);
  if (process.start) json["start"] = Stamp(*process.start);
  json["recorded_seconds"] = Seconds(evidence.Lifetime());
  if (process.sampling_interval.count > 0)
    json["sampling_interval"] = process.sampling_interval.count;
  Put(&json, "writer", process.writer);
  Put(&json, "wrackline_version", process.wrackline_version);
  return json;
}

Json EndingJson(const report::Report& report) {
  const evidence::Ending& ending = report.evidence.ending;
  Json json = {{"outcome", Name(report.diagnosis.outcome)},
               {"evidence", report.diagnosis.outcome_evidence}};
  Put(&json, "exit_status", ending.exit_status);
  Put(&json, "signal", ending.signal);
  Put(&json, "oom_kill_before", ending.oom_kill_before);
  Put(&json, "oom_kill_after", ending.oom_kill_after);
  if (ending.time) json["time"] = Stamp(*ending.time);
  json["last_record"] = Stamp(report.evidence.last_record);
  if (const auto age = report.evidence.LastRecordAge())
    json["last_record_age_seconds"] = Seconds(*age);
  if (ending.kernel_kill) {
    const evidence::KernelKill& kill = *ending.kernel_kill;
    Json kernel = {{"pid", kill.pid}, {"name", kill.name}, {"of_cgroup", kill.of_cgroup}};
    Put(&kernel, "total_vm", kill.total_vm);
    Put(&kernel, "anon_rss", kill.anon_rss);
    Put(&kernel, "file_rss", kill.file_rss);
    Put(&kernel, "shmem_rss", kill.shmem_rss);
    Put(&kernel, "usage", kill.usage);
    Put(&kernel, "limit", kill.limit);
    json["kernel_kill"] = std::move(kernel);
  }
  Put(&json, "kernel_log", ending.kernel_log);
  return json;
}

Json LedgerJson(const ledger::Ledger& ledger) {
  Json lines = Json::array();
  for (const ledger::Line& line : ledger.lines) {
    Json json = {{"id", line.id},
                 {"label", line.label},
                 {"holder", Name(line.holder)},
                 {"bytes", line.amount.count},
                 {"confidence", Name(line.confidence)},
                 {"source", line.source}};
    Put(&json, "standard_error", line.standard_error);
    Put(&json, "budget", line.budget);
    Put(&json, "overshoot", line.Overshoot());
    for (const ledger::Part& part : line.parts)
      json["parts"].push_back({{"label", part.label}, {"bytes", part.amount.count}});
    lines.push_back(std::move(json));
  }
  Json groups = Json::array();
  for (const ledger::Group& group : ledger.groups) {
    Json json = {{"id", group.id},
                 {"label", group.label},
                 {"category", Name(group.category)},
                 {"bytes", group.amount.count},
                 {"lines", group.lines}};
    Put(&json, "standard_error", group.standard_error);
    Put(&json, "budget", group.budget);
    Put(&json, "budget_source", group.budget_source);
    Put(&json, "overshoot", group.Overshoot());
    groups.push_back(std::move(json));
  }
  Json json = {{"basis", Name(ledger.basis)},
               {"moment", Name(ledger.moment)},
               {"total", ledger.total.count},
               {"time", Stamp(ledger.time)}};
  // Metrics name a part of the process only: nothing closes their sum.
  if (ledger.basis != ledger::Basis::kMetrics) {
    json["before_last_record_seconds"] = Seconds(ledger.before_end);
    json["unexplained"] = ledger.unexplained.count;
  }
  json["lines"] = std::move(lines);
  json["groups"] = std::move(groups);
  json["notes"] = ledger.notes;
  return json;
}

Json MetricsJson(const evidence::MetricsFacts& metrics) {
  const evidence::FlinkMemory& memory = metrics.memory;
  Json json = {{"task_manager", metrics.task_manager}, {"scrapes", metrics.scrapes}};
  Put(&json, "heap_used", memory.heap_used);
  Put(&json, "heap_committed", memory.heap_committed);
  Put(&json, "heap_max", memory.heap_max);
  Put(&json, "non_heap_committed", memory.non_heap_committed);
  Put(&json, "metaspace_committed", memory.metaspace_committed);
  Put(&json, "direct", memory.direct);
  Put(&json, "mapped", memory.mapped);
  Put(&json, "network", memory.network);
  Put(&json, "managed_total", memory.managed_total);
  Put(&json, "managed_used", memory.managed_used);
  json["notes"] = metrics.notes;
  return json;
}

Json AllocatorJson(const evidence::AllocatorFigures& allocator) {
  Json json = {{"time", Stamp(allocator.time)}};
  Put(&json, "in_use", allocator.in_use);
  Put(&json, "free_in_heap", allocator.free_in_heap);
  Put(&json, "mmapped", allocator.mmapped);
  Put(&json, "arena", allocator.arena);
  Put(&json, "active", allocator.active);
  Put(&json, "metadata", allocator.metadata);
  Put(&json, "resident", allocator.resident);
  Put(&json, "retained", allocator.retained);
  Put(&json, "dirty", allocator.dirty);
  Put(&json, "muzzy", allocator.muzzy);
  Put(&json, "thread_caches", allocator.thread_caches);
  Put(&json, "central_cache", allocator.central_cache);
  Put(&json, "transfer_cache", allocator.transfer_cache);
  Put(&json, "heap_size", allocator.heap_size);
  Put(&json, "page_heap_free", allocator.page_heap_free);
  Put(&json, "page_heap_unmapped", allocator.page_heap_unmapped);
  Put(&json, "heaps_mapped", allocator.heaps_mapped);
  Put(&json, "heaps_resident", allocator.heaps_resident);
  Put(&json, "main_heap_resident", allocator.main_heap_resident);
  Put(&json, "committed", allocator.committed);
  Put(&json, "committed_peak", allocator.committed_peak);
  Put(&json, "arenas", allocator.arenas);
  Put(&json, "arenas_made", allocator.arenas_made);
  Put(&json, "heaps", allocator.heaps);
  Put(&json, "dirty_decay_ms", allocator.dirty_decay_ms);
  Put(&json, "muzzy_decay_ms", allocator.muzzy_decay_ms);
  Put(&json, "background_thread", allocator.background_thread);
  return json;
}

Json SitesJson(const std::vector<evidence::Site>& sites) {
  // The long tail of sites without a live byte says nothing here; inspect shows it.
  constexpr std::size_t kMost = 100;
  Json json = Json::array();
  for (const evidence::Site& site : sites) {
    if (site.live.count <= 0 || json.size() == kMost) break;
    Json frames = Json::array();
    for (const evidence::SiteFrame& frame : site.frames) {
      Json entry = {{"function", frame.function}, {"module", frame.module}};
      if (frame.java) entry["java"] = true;
      if (frame.line != 0) {
        entry["file"] = frame.file;
        entry["line"] = frame.line;
      }
      frames.push_back(std::move(entry));
    }
    Json one = {{"label", site.frames.empty() ? std::string() : site.frames[site.label].function},
                {"live", site.live.count},
                {"standard_error", site.standard_error.count},
                {"live_samples", site.samples},
                {"live_recent", site.live_recent.count},
                {"untouched", site.untouched.count},
                {"allocated", site.allocated.count},
                {"freed", site.freed.count},
                {"in_rocksdb", site.in_rocksdb},
                {"frames", std::move(frames)}};
    if (site.truncated) one["truncated"] = true;
    for (const Bytes part : site.live_by_age) one["live_by_age"].push_back(part.count);
    json.push_back(std::move(one));
  }
  return json;
}

Json ThreadGroupsJson(const evidence::Evidence& evidence) {
  constexpr std::size_t kMost = 100;
  Json json = Json::array();
  for (const evidence::ThreadGroup& group : evidence.thread_groups) {
    if (group.live.count <= 0 || json.size() == kMost) break;
    Json one = {{"name", group.name},
                {"kind", Name(group.kind)},
                {"live", group.live.count},
                {"standard_error", group.standard_error.count},
                {"live_samples", group.samples},
                {"threads", group.threads}};
    if (!group.subtasks.empty()) one["subtasks"] = group.subtasks;
    Put(&one, "parallelism", group.parallelism);
    if (group.top_site && *group.top_site < evidence.sites.size()) {
      const evidence::Site& site = evidence.sites[*group.top_site];
      one["top_site"] = site.frames.empty() ? std::string() : site.frames[site.label].function;
      one["top_site_live"] = group.top_site_live.count;
    }
    json.push_back(std::move(one));
  }
  return json;
}

Json MappingsJson(const std::vector<evidence::MappingSite>& sites) {
  constexpr std::size_t kMost = 100;
  Json json = Json::array();
  for (const evidence::MappingSite& site : sites) {
    if (json.size() == kMost) break;
    Json frames = Json::array();
    for (const evidence::SiteFrame& frame : site.frames) {
      Json entry = {{"function", frame.function}, {"module", frame.module}};
      if (frame.java) entry["java"] = true;
      if (frame.line != 0) {
        entry["file"] = frame.file;
        entry["line"] = frame.line;
      }
      frames.push_back(std::move(entry));
    }
    Json one = {{"kind", Name(site.kind)},
                {"label", site.frames.empty() ? std::string() : site.frames[site.label].function},
                {"accessible", site.accessible.count},
                {"reserved", site.reserved.count},
                {"shared", site.shared.count},
                {"file", site.file.count},
                {"ranges", site.ranges},
                {"frames", std::move(frames)}};
    Put(&one, "resident", site.resident);
    json.push_back(std::move(one));
  }
  return json;
}

// By kind; a kind that nobody mapped is left out.
Json MakersJson(const std::vector<evidence::MappingSite>& sites) {
  constexpr std::size_t kMost = 100;
  Json json = Json::object();
  for (const auto kind : {evidence::MappingKind::kFile, evidence::MappingKind::kThread,
                          evidence::MappingKind::kMetaspace}) {
    for (const evidence::MappingMaker& maker : MakersOf(sites, kind)) {
      Json& list = json[Name(kind)];
      if (list.size() == kMost) break;
      Json one = {{"label", maker.frame.function},
                  {"java", maker.frame.java},
                  {"accessible", maker.accessible.count},
                  {"reserved", maker.reserved.count},
                  {"ranges", maker.ranges}};
      Put(&one, "resident", maker.resident);
      if (maker.frame.line != 0) {
        one["file"] = maker.frame.file;
        one["line"] = maker.frame.line;
      }
      list.push_back(std::move(one));
    }
  }
  return json;
}

Json TimelineJson(const evidence::Evidence& evidence) {
  const std::vector<evidence::TimelinePoint>& timeline = evidence.timeline;
  constexpr std::size_t kMost = 600;
  const std::size_t step = timeline.size() / kMost + 1;
  Json json = Json::array();
  // Counted back from the newest, which always is there.
  for (std::size_t i = (timeline.size() + step - 1) % step; i < timeline.size(); i += step) {
    const evidence::TimelinePoint& point = timeline[i];
    Json one = {{"time", Stamp(point.time)}};
    Put(&one, "charge", point.charge);
    Put(&one, "working_set", point.WorkingSet());
    Put(&one, "anon", point.anon);
    Put(&one, "file", point.file);
    Put(&one, "kernel", point.kernel);
    Put(&one, "resident", point.resident);
    json.push_back(std::move(one));
  }
  const std::optional<evidence::Figure>& last = evidence.last_charge;
  if (last && last->origin == "heartbeat" &&
      (timeline.empty() || timeline.back().time < last->time))
    json.push_back(
        {{"time", Stamp(last->time)}, {"charge", last->amount.count}, {"origin", last->origin}});
  return json;
}

}  // namespace

Json ReportJson(const report::Report& report) {
  const evidence::Evidence& evidence = report.evidence;
  Json json = {
      {"schema", kJsonSchema}, {"source", evidence.source}, {"verdict", report.diagnosis.verdict}};
  if (evidence.metrics) {
    json["metrics"] = MetricsJson(*evidence.metrics);
  } else {
    json["process"] = ProcessJson(evidence);
  }
  if (!evidence.recorded) json["recorded"] = false;
  if (evidence.scraped) json["scraped"] = MetricsJson(*evidence.scraped);
  json["ending"] = EndingJson(report);
  Put(&json, "limit", evidence.limit);
  Put(&json, "last_charge", evidence.last_charge);
  Put(&json, "peak_charge", evidence.peak_charge);
  Put(&json, "peak_working_set", evidence.peak_working_set);
  if (report.time_to_limit) json["time_to_limit"] = TimeToLimitJson(*report.time_to_limit);
  if (report.ledger) json["ledger"] = LedgerJson(*report.ledger);
  if (report.at_the_kill) json["at_the_kill"] = AtTheKillJson(report);
  Json findings = Json::array();
  for (const diagnosis::Finding& finding : report.diagnosis.findings)
    findings.push_back({{"rule", finding.rule},
                        {"role", Name(finding.role)},
                        {"confidence", Name(finding.confidence)},
                        {"bytes", finding.amount.count},
                        {"summary", finding.summary},
                        {"evidence", finding.evidence},
                        {"against", finding.against},
                        {"advice", finding.advice}});
  json["findings"] = std::move(findings);
  if (const evidence::AllocatorFigures* allocator = report.Allocator())
    json["allocator"] = AllocatorJson(*allocator);
  if (evidence.rocksdb) json["rocksdb"] = RocksDbJson(*evidence.rocksdb);
  if (evidence.rocksdb_objects)
    json["rocksdb_objects"] = RocksDbObjectsJson(*evidence.rocksdb_objects);
  if (evidence.jvm) json["jvm"] = JvmJson(*evidence.jvm);
  json["sites"] = SitesJson(evidence.sites);
  if (evidence.heap_profile) json["heap_profile"] = HeapProfileJson(*evidence.heap_profile);
  if (!evidence.thread_groups.empty()) json["thread_groups"] = ThreadGroupsJson(evidence);
  if (!evidence.mappings.empty()) {
    json["mappings"] = MappingsJson(evidence.mappings);
    json["mapping_makers"] = MakersJson(evidence.mappings);
  }
  json["timeline"] = TimelineJson(evidence);
  Json losses = Json::array();
  for (const evidence::Loss& loss : evidence.losses)
    losses.push_back({{"name", loss.name}, {"count", loss.count}, {"meaning", loss.meaning}});
  json["losses"] = std::move(losses);
  Put(&json, "damage", evidence.damage);
  if (report.proposal) json["proposal"] = JsonOfProposal(*report.proposal);
  Put(&json, "proposal_error", report.proposal_error);
  if (!evidence.sources.empty()) {
    json["evidence"] = SourcesJson(evidence);
    json["lacking"] = LackingJson(evidence);
  }
  return json;
}

std::string RenderJson(const report::Report& report) {
  return ReportJson(report).dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

}  // namespace wrackline::render
