// The OOM reports in a text of the kernel's log, each put together from its lines: between them may stand other messages, and the
// lines of another report at the same time.
//
// Hostile input: any process can write lines into the log. What does not parse stays empty; the memory used is bounded however
// long the text is. Forms: docs/evidence-kernel.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/kernel_oom.h"

namespace wrackline::evidence {

// "Killed process 6517 (java) total-vm:2710660kB, anon-rss:1039028kB, ..."
struct OomVictim {
  std::uint32_t pid = 0;
  std::string name;
  bool of_cgroup = false;
  bool decided_only =
      false;  // "Kill process" alone: the line that says that it happened is missing
  std::optional<Bytes> total_vm, anon_rss, file_rss, shmem_rss, page_tables;
};

struct KernelReport {
  OomReport report;
  std::vector<OomVictim> victims;  // in the order of the log, each pid once
  // Bytes of the text: from its first line to the end of its last.
  std::size_t begin = 0, end = 0;
};

// How many reports are kept: the last ones of a longer log.
inline constexpr std::size_t kMostKernelReports = 1024;

// Those that killed somebody, in the order in which they began.
std::vector<KernelReport> ReadKernelReports(std::string_view log);

// Is there a line in which the kernel itself speaks of an OOM kill? A quotation in another program's log is none.
bool HasKernelReport(std::string_view log);

}  // namespace wrackline::evidence
