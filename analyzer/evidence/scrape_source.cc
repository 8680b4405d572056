#include "analyzer/evidence/scrape_source.h"

#include <utility>

#include "analyzer/evidence/prometheus_scrape.h"

namespace wrackline::evidence {
namespace {

// Only a kill of the kernel's, figures of the process or its cgroup, and what an orchestrator saw make metrics a part.
bool MoreThanMetrics(const Evidence& evidence) {
  return evidence.recorded || !evidence.timeline.empty() || evidence.ending.kernel_kill;
}

JvmFigures FiguresOf(const FlinkMemory& memory, Time time) {
  JvmFigures figures;
  figures.time = time;
  figures.heap_used = memory.heap_used;
  figures.heap_committed = memory.heap_committed;
  figures.heap_max = memory.heap_max;
  figures.non_heap_committed = memory.non_heap_committed;
  figures.metaspace_committed = memory.metaspace_committed;
  figures.direct_used = memory.direct;
  figures.mapped_used = memory.mapped;
  return figures;
}

}  // namespace

bool IsScrape(const SourceFile& file) {
  const std::string_view head = file.Head();
  // The form alone fits other texts of names and numbers, such as memory.stat.
  return head.find("flink_") != std::string_view::npos && LooksLikePrometheusText(head);
}

Result<std::string> AddScrape(const SourceFile& file, Evidence* evidence) {
  Result<FlinkScrape> scrape = ReadFlinkScrape(file.text);
  if (!scrape.ok()) return scrape.error();
  return AddScrapes({{file.name, file.modified, std::move(scrape.value())}}, std::nullopt,
                    std::nullopt, evidence);
}

Result<std::string> AddScrapes(const std::vector<ScrapeInput>& inputs,
                               const std::optional<std::string>& task_manager,
                               const std::optional<ConfiguredRocksDb>& configured,
                               Evidence* evidence) {
  std::optional<std::string> wanted = task_manager;
  // The TaskManager's own log says which one it is.
  if (!wanted && evidence->flink && !evidence->flink->resource_id.empty()) {
    for (const std::string& id : TaskManagersIn(inputs)) {
      if (id == evidence->flink->resource_id) wanted = id;
    }
  }
  Result<Evidence> scraped = EvidenceFromScrapes(inputs, wanted, configured, std::nullopt);
  if (!scraped.ok()) return scraped.error();
  Evidence& from = scraped.value();
  std::string gave = "TaskManager " + from.metrics->task_manager;
  if (from.rocksdb) {
    gave += ", " + std::to_string(from.rocksdb->families.size()) + " column families in " +
            std::to_string(from.rocksdb->caches.size()) +
            (from.rocksdb->caches.size() == 1 ? " cache" : " caches");
    if (evidence->rocksdb) {
      gave += "; the recording's own figures of RocksDB are used instead";
    } else {
      evidence->rocksdb = std::move(from.rocksdb);
    }
  }
  evidence->metrics = std::move(from.metrics);
  evidence->last_record = std::max(evidence->last_record, from.last_record);
  return gave;
}

void StandBeside(Evidence* evidence) {
  if (!evidence->metrics || !MoreThanMetrics(*evidence)) return;
  evidence->scraped = std::move(evidence->metrics);
  evidence->metrics.reset();
  const Time time = evidence->rocksdb ? evidence->rocksdb->time : evidence->last_record;
  const FlinkMemory& memory = evidence->scraped->memory;
  if (!evidence->jvm) {
    evidence->jvm.emplace();
    evidence->jvm->origin = "Flink's metrics";
  }
  Jvm& jvm = *evidence->jvm;
  if (!jvm.max_heap) jvm.max_heap = memory.heap_max;
  if (jvm.figures.empty()) {
    if (jvm.origin.empty()) jvm.origin = "Flink's metrics";
    jvm.figures.push_back(FiguresOf(memory, time));
    return;
  }
  // What the VM's own texts do not say: direct buffers.
  JvmFigures& last = jvm.figures.back();
  if (!last.direct_used) last.direct_used = memory.direct;
  if (!last.mapped_used) last.mapped_used = memory.mapped;
  if (!last.heap_used) last.heap_used = memory.heap_used;
}

}  // namespace wrackline::evidence
