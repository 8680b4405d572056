// The table of readers. A reader that lands adds its row here; its place says what others build on.
#include "analyzer/evidence/cgroup_snapshot.h"
#include "analyzer/evidence/evidence_folder.h"
#include "analyzer/evidence/flink_config_source.h"
#include "analyzer/evidence/flink_log.h"
#include "analyzer/evidence/gc_log.h"
#include "analyzer/evidence/heap_info_text.h"
#include "analyzer/evidence/heap_profile.h"
#include "analyzer/evidence/hs_err.h"
#include "analyzer/evidence/hsperfdata.h"
#include "analyzer/evidence/java_errors.h"
#include "analyzer/evidence/kernel_log.h"
#include "analyzer/evidence/kubectl_describe.h"
#include "analyzer/evidence/kubernetes_events.h"
#include "analyzer/evidence/kubernetes_status.h"
#include "analyzer/evidence/manifest_source.h"
#include "analyzer/evidence/nmt_text.h"
#include "analyzer/evidence/proc_source.h"
#include "analyzer/evidence/prometheus_json.h"
#include "analyzer/evidence/scrape_source.h"
#include "analyzer/evidence/source.h"
#include "analyzer/evidence/yarn_kill.h"

namespace wrackline::evidence {
namespace {

constexpr SourceReader kReaders[] = {
    // Who the process is, and what it may take: the addresses and budgets that others measure by.
    {"flink_log", "a log of Flink", IsFlinkLog, AddFlinkLog},
    {"nmt", "the Java VM's Native Memory Tracking", IsNmt, AddNmt},
    {"hs_err", "a fatal error log of the Java VM", IsHsErr, AddHsErr},
    {"heap_info", "what jcmd says of heap, metaspace and code", IsHeapText, AddHeapInfo},
    {"gc_log", "a log of the garbage collector", IsGcLog, AddGcLog},
    {"hsperfdata", "the Java VM's own counters", IsHsperfdata, AddHsperfdataFile},
    {"proc_status", "the process's /proc/PID/status", IsProcStatus, AddProcStatus},
    {"smaps_rollup", "the sum of its smaps", IsSmapsRollup, AddSmapsRollup},
    {"smaps", "its smaps: every mapping's pages", IsSmaps, AddSmaps},
    {"maps", "its maps: every mapping", IsMaps, AddMaps},
    {kCgroupKind, "the memory cgroup's files", IsCgroupSnapshot, AddCgroupSnapshot},
    // What was seen of its memory.
    {kScrapeKind, "a Prometheus scrape of Flink's metrics", IsScrape, AddScrape},
    {kPrometheusJsonKind, "an answer of Prometheus", IsPrometheusJson, AddPrometheusJson},
    {kHeapProfileKind, "a heap profile of another tool", IsHeapProfile, AddHeapProfile},
    // How it ended.
    {"pod_status", "a pod's status", IsPodStatus, AddPodStatus},
    {"kubectl_describe", "kubectl's description of a pod", IsKubectlDescribe, AddKubectlDescribe},
    {"kubernetes_events", "Kubernetes events", IsKubernetesEvents, AddKubernetesEvents},
    {"yarn", "YARN's diagnostics", IsYarn, AddYarn},
    {"kernel_log", "the kernel's log", IsKernelLog, AddKernelLog},
    {"java_errors", "the Java VM's last words in a log", IsJavaErrors, AddJavaErrors},
    // What it was meant to have, where nothing measured said so.
    {"flink_config", "a Flink configuration", IsFlinkConfig, AddFlinkConfig},
    {"pod_manifest", "a Kubernetes manifest", IsPodManifest, AddPodManifest},
};

}  // namespace

std::span<const SourceReader> SourceReaders() { return kReaders; }

}  // namespace wrackline::evidence
