#include "rocksdb_probe/process_facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>
#include <optional>

#include "lib/container/process.h"
#include "rocksdb_probe/encode.h"

#ifndef WRACKLINE_VERSION
#error "WRACKLINE_VERSION is set by CMakeLists.txt"
#endif

namespace wrackline::probe {
namespace {

std::uint64_t ReadClock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  return name;
}

void BeginRecord(pb_size_t body, wrackline_proto_Record* out) {
  *out = wrackline_proto_Record_init_zero;
  out->time_ns = RealtimeNs();
  out->which_body = body;
}

template <typename T, typename U>
void Set(const std::optional<T>& from, bool* has, U* to) {
  *has = from.has_value();
  *to = static_cast<U>(from.value_or(0));
}

}  // namespace

std::uint64_t RealtimeNs() { return ReadClock(CLOCK_REALTIME); }
std::uint64_t MonotonicNs() { return ReadClock(CLOCK_MONOTONIC); }

void ReadProcessFacts(const container::Cgroup& cgroup, wrackline_proto_Record* out) {
  BeginRecord(wrackline_proto_Record_process_tag, out);
  wrackline_proto_Process& process = out->body.process;
  process.pid = static_cast<std::uint32_t>(getpid());
  process.parent_pid = static_cast<std::uint32_t>(getppid());
  process.start_time_ns = container::ReadStartTime("", "self").value_or(0);
  process.epoch_monotonic_ns = MonotonicNs();
  process.epoch_time_ns = RealtimeNs();
  CopyText(HostName(), process.host, sizeof process.host);
  char executable[1024] = {};
  const ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
  if (length > 0) {
    CopyText({executable, static_cast<std::size_t>(length)}, process.executable,
             sizeof process.executable);
  }
  // One byte more than the field holds, because ReadSmallFile ends what it reads with a NUL byte of
  // its own.
  static_assert(sizeof process.command_line.bytes == 4096);
  char arguments[sizeof process.command_line.bytes + 1];
  const long arguments_size =
      container::ReadSmallFile("/proc/self/cmdline", arguments, sizeof arguments);
  if (arguments_size > 0) {
    process.command_line.size = static_cast<pb_size_t>(arguments_size);
    std::memcpy(process.command_line.bytes, arguments, static_cast<std::size_t>(arguments_size));
  }
  if (cgroup.version != 0) {
    process.has_cgroup_version = true;
    process.cgroup_version = static_cast<std::uint32_t>(cgroup.version);
    CopyText(cgroup.container_id, process.container_id, sizeof process.container_id);
    CopyText(cgroup.path, process.cgroup_path, sizeof process.cgroup_path);
    CopyText(cgroup.folder, process.cgroup_folder, sizeof process.cgroup_folder);
    Set(container::ReadCgroupMemory(cgroup).limit, &process.has_cgroup_limit,
        &process.cgroup_limit);
  }
  process.page_size = static_cast<std::uint32_t>(sysconf(_SC_PAGESIZE));
  CopyText(WRACKLINE_VERSION, process.wrackline_version, sizeof process.wrackline_version);
  CopyText("rocksdb_probe", process.writer, sizeof process.writer);
  char boot_id[64];
  const long boot_id_size =
      container::ReadSmallFile("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id);
  if (boot_id_size > 1) {
    CopyText({boot_id, static_cast<std::size_t>(boot_id_size - 1)}, process.boot_id,
             sizeof process.boot_id);
  }
  process.online_cpus = static_cast<std::uint32_t>(std::max(0L, sysconf(_SC_NPROCESSORS_ONLN)));
}

void ReadTimeline(const container::Cgroup& cgroup, std::uint32_t period_ms,
                  wrackline_proto_Record* out) {
  BeginRecord(wrackline_proto_Record_timeline_tag, out);
  wrackline_proto_TimelineSample& sample = out->body.timeline;
  sample.monotonic_ns = MonotonicNs();
  sample.period_ms = period_ms;
  if (cgroup.version != 0) {
    const container::CgroupMemory from = container::ReadCgroupMemory(cgroup);
    wrackline_proto_CgroupMemory& to = sample.cgroup;
    sample.has_cgroup = true;
    Set(from.charge, &to.has_charge, &to.charge);
    Set(from.limit, &to.has_limit, &to.limit);
    Set(from.peak, &to.has_peak, &to.peak);
    Set(from.anon, &to.has_anon, &to.anon);
    Set(from.file, &to.has_file, &to.file);
    Set(from.shmem, &to.has_shmem, &to.shmem);
    Set(from.file_mapped, &to.has_file_mapped, &to.file_mapped);
    Set(from.file_dirty, &to.has_file_dirty, &to.file_dirty);
    Set(from.file_writeback, &to.has_file_writeback, &to.file_writeback);
    Set(from.inactive_file, &to.has_inactive_file, &to.inactive_file);
    Set(from.active_file, &to.has_active_file, &to.active_file);
    Set(from.inactive_anon, &to.has_inactive_anon, &to.inactive_anon);
    Set(from.active_anon, &to.has_active_anon, &to.active_anon);
    Set(from.kernel, &to.has_kernel, &to.kernel);
    Set(from.slab, &to.has_slab, &to.slab);
    Set(from.slab_reclaimable, &to.has_slab_reclaimable, &to.slab_reclaimable);
    Set(from.kernel_stack, &to.has_kernel_stack, &to.kernel_stack);
    Set(from.page_tables, &to.has_page_tables, &to.page_tables);
    Set(from.sock, &to.has_sock, &to.sock);
    Set(from.anon_thp, &to.has_anon_thp, &to.anon_thp);
    Set(from.swap, &to.has_swap, &to.swap);
    Set(from.pgmajfault, &to.has_pgmajfault, &to.pgmajfault);
    Set(from.oom_kill, &to.has_oom_kill, &to.oom_kill);
    Set(from.limit_hits, &to.has_limit_hits, &to.limit_hits);
  }
  const container::Statm statm = container::ReadStatm("", "self");
  sample.has_process = true;
  Set(statm.virtual_bytes, &sample.process.has_virtual_bytes, &sample.process.virtual_bytes);
  Set(statm.resident, &sample.process.has_resident, &sample.process.resident);
  Set(statm.shared, &sample.process.has_resident_shared, &sample.process.resident_shared);
  Set(container::ReadProcessStat("", "self").threads, &sample.process.has_threads,
      &sample.process.threads);
}

void ReadHeartbeat(const container::Cgroup& cgroup, wrackline_proto_Record* out) {
  BeginRecord(wrackline_proto_Record_heartbeat_tag, out);
  wrackline_proto_Heartbeat& heartbeat = out->body.heartbeat;
  heartbeat.monotonic_ns = MonotonicNs();
  if (cgroup.version != 0)
    Set(container::ReadCharge(cgroup), &heartbeat.has_charge, &heartbeat.charge);
  Set(container::ReadStatm("", "self").resident, &heartbeat.has_resident, &heartbeat.resident);
}

std::string FileStem() {
  std::string host = HostName();
  for (char& c : host) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '.' && c != '-') c = '_';
  }
  const std::uint64_t start = container::ReadStartTime("", "self").value_or(RealtimeNs());
  return "wrackline-" + host + "-" + std::to_string(getpid()) + "-" +
         std::to_string(start / 1'000'000'000u) + "-rocksdb";
}

}  // namespace wrackline::probe
