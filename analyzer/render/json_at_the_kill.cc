#include "analyzer/render/json_parts.h"

namespace wrackline::render {
namespace {

using evidence::OomConstraint;

double Seconds(evidence::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Json GrowthJson(const report::GrowthRow& row) {
  Json json = {{"id", row.id}, {"name", row.name}, {"holder", row.holder}, {"now", row.now.count}};
  Put(&json, "last_minute", row.minute);
  Put(&json, "last_10_minutes", row.ten_minutes);
  Put(&json, "last_hour", row.hour);
  Put(&json, "last_6_hours", row.six_hours);
  Put(&json, "in_all", row.whole);
  return json;
}

Json ReclaimJson(const report::Reclaim& reclaim) {
  Json json = {{"window_seconds", Seconds(reclaim.window)}, {"thrash", reclaim.thrash}};
  Put(&json, "major_faults", reclaim.major_faults);
  Put(&json, "major_faults_a_minute_before", reclaim.major_faults_before);
  Put(&json, "limit_hits", reclaim.limit_hits);
  Put(&json, "pressure_some_percent", reclaim.pressure_some);
  Put(&json, "pressure_full_percent", reclaim.pressure_full);
  if (reclaim.pressure_some || reclaim.pressure_full)
    json["pressure_of_cgroup"] = reclaim.pressure_of_cgroup;
  return json;
}

const char* Name(OomConstraint constraint) {
  switch (constraint) {
    case OomConstraint::kCgroup:
      return "cgroup";
    case OomConstraint::kMachine:
      return "machine";
    case OomConstraint::kNodes:
      return "nodes";
    case OomConstraint::kUnknown:
      break;
  }
  return "unknown";
}

Json StatsJson(const evidence::OomGroupStats& stats) {
  Json json = Json::object();
  Put(&json, "anon", stats.anon);
  Put(&json, "anon_thp", stats.anon_thp);
  Put(&json, "file", stats.file);
  Put(&json, "shmem", stats.shmem);
  Put(&json, "file_mapped", stats.file_mapped);
  Put(&json, "file_dirty", stats.file_dirty);
  Put(&json, "inactive_file", stats.inactive_file);
  Put(&json, "active_file", stats.active_file);
  Put(&json, "kernel", stats.kernel);
  Put(&json, "kernel_stack", stats.kernel_stack);
  Put(&json, "page_tables", stats.page_tables);
  Put(&json, "slab", stats.slab);
  Put(&json, "sock", stats.sock);
  Put(&json, "swap", stats.swap);
  Put(&json, "major_faults", stats.major_faults);
  return json;
}

Json KernelJson(const evidence::KernelKill& kill) {
  Json json = {{"pid", kill.pid}, {"name", kill.name}};
  Put(&json, "anon_rss", kill.anon_rss);
  Put(&json, "file_rss", kill.file_rss);
  Put(&json, "shmem_rss", kill.shmem_rss);
  Put(&json, "page_tables", kill.page_tables);
  Put(&json, "usage", kill.usage);
  Put(&json, "limit", kill.limit);
  if (!kill.report) return json;
  const evidence::OomReport& report = *kill.report;
  json["constraint"] = Name(report.constraint);
  Put(&json, "oom_cgroup", report.oom_cgroup);
  Put(&json, "task_cgroup", report.task_cgroup);
  Put(&json, "named_by_chance", report.invoker);
  if (report.group_kill) json["killed_together"] = report.killed;
  if (report.stats) json["group"] = StatsJson(*report.stats);
  constexpr std::size_t kMost = 50;
  if (report.tasks.empty()) return json;
  Json tasks = Json::array();
  for (const evidence::OomTask& task : report.tasks) {
    if (tasks.size() == kMost) break;
    tasks.push_back({{"pid", task.pid}, {"name", task.name}, {"resident", task.resident.count}});
  }
  json["tasks"] = std::move(tasks);
  return json;
}

}  // namespace

Json AtTheKillJson(const report::Report& report) {
  const report::AtTheKill& kill = *report.at_the_kill;
  Json json = {{"last_record", Stamp(kill.last_record)}};
  if (kill.last_record_age) json["last_record_age_seconds"] = Seconds(*kill.last_record_age);
  if (report.evidence.ending.kernel_kill)
    json["kernel"] = KernelJson(*report.evidence.ending.kernel_kill);
  if (kill.reclaim) json["reclaim"] = ReclaimJson(*kill.reclaim);
  Json growth = Json::array();
  for (const report::GrowthRow& row : kill.growth) growth.push_back(GrowthJson(row));
  json["growth"] = std::move(growth);
  if (kill.grew_most) {
    json["grew_most"] = {{"id", kill.growth[*kill.grew_most].id}};
    if (kill.grew_over.count() > 0) json["grew_most"]["over_seconds"] = Seconds(kill.grew_over);
  }
  return json;
}

Json TimeToLimitJson(const report::TimeToLimit& time) {
  Json json = {{"state", report::Name(time.state)},
               {"series", time.series},
               {"limit", time.limit.count},
               {"now", time.now.count}};
  if (time.seconds) {
    json["seconds"] = time.seconds->estimate;
    json["seconds_low"] = time.seconds->low;
    json["seconds_high"] = time.seconds->high;
  }
  if (time.state == report::LimitState::kTooShort) return json;
  json["watched_seconds"] = time.trend.seconds;
  json["bytes_an_hour"] = time.trend.slope.estimate * 3600;
  json["bytes_an_hour_low"] = time.trend.slope.low * 3600;
  json["bytes_an_hour_high"] = time.trend.slope.high * 3600;
  json["chance_of_noise"] = time.trend.significance;
  Json steps = Json::array();
  for (const trend::Step& step : time.trend.steps)
    steps.push_back({{"time", step.seconds}, {"bytes", static_cast<std::int64_t>(step.height)}});
  if (!steps.empty()) json["steps"] = std::move(steps);
  return json;
}

}  // namespace wrackline::render
