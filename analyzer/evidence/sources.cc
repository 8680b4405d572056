// The table of readers. A reader that lands adds its row here; its place says what others build on.
#include "analyzer/evidence/cgroup_snapshot.h"
#include "analyzer/evidence/evidence_folder.h"
#include "analyzer/evidence/hsperfdata.h"
#include "analyzer/evidence/manifest_source.h"
#include "analyzer/evidence/proc_source.h"
#include "analyzer/evidence/prometheus_json.h"
#include "analyzer/evidence/scrape_source.h"
#include "analyzer/evidence/source.h"

namespace wrackline::evidence {
namespace {

constexpr SourceReader kReaders[] = {
    // Who the process is, and what it may take: the addresses and budgets that others measure by.
    {"hsperfdata", "the Java VM's own counters", IsHsperfdata, AddHsperfdataFile},
    {"proc_status", "the process's /proc/PID/status", IsProcStatus, AddProcStatus},
    {"smaps_rollup", "the sum of its smaps", IsSmapsRollup, AddSmapsRollup},
    {"smaps", "its smaps: every mapping's pages", IsSmaps, AddSmaps},
    {"maps", "its maps: every mapping", IsMaps, AddMaps},
    {kCgroupKind, "the memory cgroup's files", IsCgroupSnapshot, AddCgroupSnapshot},
    // What was seen of its memory.
    {kScrapeKind, "a Prometheus scrape of Flink's metrics", IsScrape, AddScrape},
    {kPrometheusJsonKind, "an answer of Prometheus", IsPrometheusJson, AddPrometheusJson},
    // What it was meant to have, where nothing measured said so.
    {"pod_manifest", "a Kubernetes manifest", IsPodManifest, AddPodManifest},
};

}  // namespace

std::span<const SourceReader> SourceReaders() { return kReaders; }

}  // namespace wrackline::evidence
