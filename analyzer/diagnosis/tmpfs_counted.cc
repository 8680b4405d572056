// Files in memory: tmpfs and emptyDir volumes of medium Memory are charged like anonymous memory, and nothing can drop them.
#include <fmt/core.h>

#include "analyzer/diagnosis/held.h"
#include "analyzer/diagnosis/rules.h"

namespace wrackline::diagnosis {

std::optional<Finding> TmpfsCounted(const Case& c) {
  // The Java heap of ZGC is shared memory too: the ledger's line is without it.
  Bytes shared = LineAmount(c, "file.shmem");
  std::string origin = "the cgroup's shmem, without the Java heap";
  const auto& kill = c.evidence.ending.kernel_kill;
  if (shared.count <= 0 && !c.ledger && kill && kill->report && kill->report->stats &&
      kill->report->stats->shmem) {
    shared = *kill->report->stats->shmem;
    origin = "the kernel's report: shmem of the group";
  }
  const std::optional<Bytes> total = TotalOf(c);
  if (!total || shared < 16 * kMiB || 10 * shared < *total) return std::nullopt;
  Finding finding;
  finding.amount = shared;
  finding.role = RoleOf(c, shared);
  finding.confidence = Confidence::kHigh;
  finding.summary =
      fmt::format("{} are shared memory or files in memory (tmpfs), which count against the limit",
                  FormatBytes(shared));
  finding.evidence.push_back(origin);
  if (!c.ledger && c.evidence.jvm && c.evidence.jvm->collector == "ZGC") {
    finding.confidence = Confidence::kLow;
    finding.against.emplace_back("ZGC's heap is shared memory too, and may be in this figure");
  }
  finding.advice.emplace_back(
      "put RocksDB's folder, spill files and uploads on a volume on disk (an emptyDir without "
      "medium: "
      "Memory), or set the volume's sizeLimit and count it into the limit");
  return finding;
}

}  // namespace wrackline::diagnosis
