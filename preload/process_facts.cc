#include "preload/process_facts.h"

#include <sys/utsname.h>
#include <unistd.h>
#include <wrackline_nanopb/wrackline.pb.h>

#include <cstring>

#include "lib/container/cpu.h"
#include "lib/container/process.h"
#include "preload/text.h"

namespace wrackline::preload {

void HostForFileName(char* out, std::size_t size) {
  utsname names{};
  uname(&names);
  CopyText(out, size, names.nodename[0] != '\0' ? names.nodename : "unknown");
  for (char* at = out; *at != '\0'; ++at) {
    const char c = *at;
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain) *at = '_';
  }
}

namespace {

// Apart from FillProcess, so that this cgroup is off the stack again.
[[gnu::noinline]] void FillCpus(wrackline_proto_Process* out) {
  container::Cgroup cgroup;
  if (container::FindCpuCgroup("", "self", &cgroup)) {
    if (const auto quota = container::ReadCpuQuota(cgroup)) {
      out->has_cpu_quota_thousandths = true;
      out->cpu_quota_thousandths = *quota;
    }
  }
  if (const auto usable = container::UsableCpus()) {
    out->has_usable_cpus = true;
    out->usable_cpus = *usable;
  }
}

}  // namespace

void FillProcess(const Settings& settings, const container::Cgroup& cgroup,
                 const Allocator& allocator, wrackline_proto_Process* out) {
  out->pid = static_cast<std::uint32_t>(getpid());
  out->parent_pid = static_cast<std::uint32_t>(getppid());
  if (const auto start = container::ReadStartTime("", "self")) out->start_time_ns = *start;
  utsname names{};
  uname(&names);
  CopyText(out->host, sizeof(out->host), names.nodename);
  const ssize_t length = readlink("/proc/self/exe", out->executable, sizeof(out->executable) - 1);
  out->executable[length > 0 ? length : 0] = '\0';

  char command_line[4096 + 1];
  const long read =
      container::ReadSmallFile("/proc/self/cmdline", command_line, sizeof(command_line));
  out->command_line.size = static_cast<pb_size_t>(read > 0 ? read : 0);
  std::memcpy(out->command_line.bytes, command_line, out->command_line.size);

  CopyText(out->container_id, sizeof(out->container_id), cgroup.container_id);
  if (cgroup.version != 0) {
    out->has_cgroup_version = true;
    out->cgroup_version = static_cast<std::uint32_t>(cgroup.version);
    CopyText(out->cgroup_path, sizeof(out->cgroup_path), cgroup.path);
    CopyText(out->cgroup_folder, sizeof(out->cgroup_folder), cgroup.folder);
    if (const auto limit = container::ReadCgroupMemory(cgroup).limit) {
      out->has_cgroup_limit = true;
      out->cgroup_limit = *limit;
    }
  }
  out->page_size = static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE));
  out->sampling_interval = settings.interval;
  CopyText(out->allocator, sizeof(out->allocator), allocator.name());
  CopyText(out->allocator_settings, sizeof(out->allocator_settings), allocator.settings());
  CopyText(out->wrackline_version, sizeof(out->wrackline_version), WRACKLINE_VERSION);
  CopyText(out->writer, sizeof(out->writer), "preload");
  if (container::ReadSmallFile("/proc/sys/kernel/random/boot_id", out->boot_id,
                               sizeof(out->boot_id)) > 0) {
    out->boot_id[std::strcspn(out->boot_id, "\n")] = '\0';
  }
  out->online_cpus = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN));
  FillCpus(out);
}

}  // namespace wrackline::preload
