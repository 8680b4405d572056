#include "analyzer/evidence/from_recording.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/improve_names.h"
#include "analyzer/evidence/jvm.h"
#include "analyzer/evidence/kernel_log.h"
#include "analyzer/evidence/mappings.h"
#include "analyzer/evidence/rocksdb.h"
#include "analyzer/evidence/rocksdb_objects.h"
#include "analyzer/evidence/sites.h"
#include "analyzer/evidence/threads.h"
#include "lib/container/process.h"

namespace wrackline::evidence {
namespace {

// "Recent" for a site's growth: the last quarter of the recording, a minute at most.
constexpr Duration kMostRecent = std::chrono::minutes(1);

ProcessFacts Facts(const proto::Process& process) {
  ProcessFacts facts;
  facts.pid = process.pid();
  facts.host = process.host();
  facts.executable = process.executable();
  facts.command_line = process.command_line();
  while (!facts.command_line.empty() && facts.command_line.back() == '\0')
    facts.command_line.pop_back();
  std::replace(facts.command_line.begin(), facts.command_line.end(), '\0', ' ');
  facts.container_id = process.container_id();
  facts.cgroup_path = process.cgroup_path();
  if (process.has_cgroup_version()) facts.cgroup_version = process.cgroup_version() == 1 ? 1 : 2;
  facts.allocator = process.allocator();
  facts.boot_id = process.boot_id();
  facts.writer = process.writer();
  facts.wrackline_version = process.wrackline_version();
  if (process.start_time_ns() != 0) facts.start = ToTime(process.start_time_ns());
  if (process.epoch_time_ns() != 0) facts.recording_start = ToTime(process.epoch_time_ns());
  facts.sampling_interval = ToBytes(process.sampling_interval());
  facts.online_cpus = process.online_cpus();
  if (process.has_usable_cpus()) facts.usable_cpus = process.usable_cpus();
  if (process.has_cpu_quota_thousandths())
    facts.cpu_quota_thousandths = process.cpu_quota_thousandths();
  facts.allocator_settings = process.allocator_settings();
  return facts;
}

TimelinePoint Point(const proto::Record& record) {
  const proto::TimelineSample& sample = record.timeline();
  const proto::CgroupMemory& cgroup = sample.cgroup();
  TimelinePoint point;
  point.time = ToTime(record.time_ns());
  WRACKLINE_COPY_BYTES(point, cgroup, charge);
  WRACKLINE_COPY_BYTES(point, cgroup, limit);
  WRACKLINE_COPY_BYTES(point, cgroup, peak);
  WRACKLINE_COPY_BYTES(point, cgroup, anon);
  WRACKLINE_COPY_BYTES(point, cgroup, file);
  WRACKLINE_COPY_BYTES(point, cgroup, shmem);
  WRACKLINE_COPY_BYTES(point, cgroup, file_mapped);
  WRACKLINE_COPY_BYTES(point, cgroup, file_dirty);
  WRACKLINE_COPY_BYTES(point, cgroup, inactive_file);
  WRACKLINE_COPY_BYTES(point, cgroup, kernel);
  WRACKLINE_COPY_BYTES(point, cgroup, slab);
  WRACKLINE_COPY_BYTES(point, cgroup, kernel_stack);
  WRACKLINE_COPY_BYTES(point, cgroup, page_tables);
  WRACKLINE_COPY_BYTES(point, cgroup, sock);
  WRACKLINE_COPY_BYTES(point, cgroup, swap);
  WRACKLINE_COPY_BYTES(point, cgroup, active_file);
  WRACKLINE_COPY_BYTES(point, cgroup, anon_thp);
  if (cgroup.has_pgmajfault()) point.major_faults = cgroup.pgmajfault();
  if (cgroup.has_oom_kill()) point.oom_kill = cgroup.oom_kill();
  if (cgroup.has_limit_hits()) point.limit_hits = cgroup.limit_hits();
  WRACKLINE_COPY_BYTES(point, sample.process(), resident);
  WRACKLINE_COPY_BYTES(point, sample.process(), resident_shared);
  if (sample.process().has_threads()) point.threads = sample.process().threads();
  WRACKLINE_COPY_BYTES(point, sample, own_bytes);
  if (sample.process().has_rollup_anon_huge_pages())
    point.huge_pages = ToBytes(sample.process().rollup_anon_huge_pages());
  if (sample.has_pressure()) {
    const proto::Pressure& pressure = sample.pressure();
    point.pressure_of_cgroup = pressure.of_cgroup();
    if (pressure.has_some_avg10()) point.pressure_some = pressure.some_avg10() / 100.0;
    if (pressure.has_full_avg10()) point.pressure_full = pressure.full_avg10() / 100.0;
  }
  return point;
}

std::optional<AllocatorFigures> Allocator(const proto::Record& record) {
  const proto::TimelineSample& sample = record.timeline();
  const proto::AllocatorMemory& memory = sample.allocator();
  if (!memory.has_in_use() && !memory.has_committed() && !memory.has_arenas_made())
    return std::nullopt;
  AllocatorFigures figures;
  figures.time = ToTime(record.time_ns());
  // The reading is older than the tick that repeats it.
  if (memory.has_monotonic_ns() && memory.monotonic_ns() <= sample.monotonic_ns())
    figures.time -= ToTime(sample.monotonic_ns() - memory.monotonic_ns()).time_since_epoch();
  WRACKLINE_COPY_BYTES(figures, memory, in_use);
  WRACKLINE_COPY_BYTES(figures, memory, free_in_heap);
  WRACKLINE_COPY_BYTES(figures, memory, mmapped);
  WRACKLINE_COPY_BYTES(figures, memory, arena);
  WRACKLINE_COPY_BYTES(figures, memory, active);
  WRACKLINE_COPY_BYTES(figures, memory, metadata);
  WRACKLINE_COPY_BYTES(figures, memory, resident);
  WRACKLINE_COPY_BYTES(figures, memory, retained);
  WRACKLINE_COPY_BYTES(figures, memory, dirty);
  WRACKLINE_COPY_BYTES(figures, memory, muzzy);
  WRACKLINE_COPY_BYTES(figures, memory, thread_caches);
  WRACKLINE_COPY_BYTES(figures, memory, central_cache);
  WRACKLINE_COPY_BYTES(figures, memory, transfer_cache);
  WRACKLINE_COPY_BYTES(figures, memory, heap_size);
  WRACKLINE_COPY_BYTES(figures, memory, page_heap_free);
  WRACKLINE_COPY_BYTES(figures, memory, page_heap_unmapped);
  WRACKLINE_COPY_BYTES(figures, memory, heaps_mapped);
  WRACKLINE_COPY_BYTES(figures, memory, heaps_resident);
  WRACKLINE_COPY_BYTES(figures, memory, committed);
  WRACKLINE_COPY_BYTES(figures, memory, committed_peak);
  if (sample.has_placed_bytes()) figures.placed = ToBytes(sample.placed_bytes());
  if (memory.has_arenas()) figures.arenas = memory.arenas();
  if (memory.has_arenas_made()) figures.arenas_made = memory.arenas_made();
  if (memory.has_heaps()) figures.heaps = memory.heaps();
  if (memory.has_dirty_decay_ms()) figures.dirty_decay_ms = memory.dirty_decay_ms();
  if (memory.has_muzzy_decay_ms()) figures.muzzy_decay_ms = memory.muzzy_decay_ms();
  if (memory.has_background_thread()) figures.background_thread = memory.background_thread();
  return figures;
}

// glibc's heaps are walked less often than the rest is asked for: a reading without them has those of half a minute before, at most.
void TakeEarlierHeaps(const AllocatorFigures& earlier, AllocatorFigures* figures) {
  if (figures->heaps_mapped || !earlier.heaps_mapped ||
      figures->time - earlier.time > std::chrono::seconds(30))
    return;
  figures->arenas_made = earlier.arenas_made;
  figures->heaps = earlier.heaps;
  figures->heaps_mapped = earlier.heaps_mapped;
  figures->heaps_resident = earlier.heaps_resident;
}

// The newest reading of those up to `last`.
std::optional<AllocatorFigures> AllocatorUntil(const recorder::Recording& recording, Time last) {
  std::optional<AllocatorFigures> newest, with_heaps;
  for (const proto::Record& record : recording.timeline) {
    std::optional<AllocatorFigures> figures = Allocator(record);
    if (!figures || figures->time > last) continue;
    if (figures->heaps_mapped && (!with_heaps || with_heaps->time < figures->time))
      with_heaps = figures;
    if (!newest || newest->time < figures->time) newest = figures;
  }
  if (newest && with_heaps) TakeEarlierHeaps(*with_heaps, &*newest);
  return newest;
}

Moment MomentOf(const recorder::Recording& recording, const TimelinePoint& point) {
  Moment moment;
  moment.point = point;
  moment.allocator = AllocatorUntil(recording, point.time);
  moment.rocksdb = RocksDbNear(recording, point.time);
  moment.rocksdb_out_of_reach = !moment.rocksdb && !recording.rocksdb_samples.empty();
  return moment;
}

void FillPeaks(const recorder::Recording& recording, Evidence* evidence) {
  const TimelinePoint *charged = nullptr, *resident = nullptr;
  const auto held = [](const TimelinePoint& point) {
    return point.WorkingSet().value_or(*point.charge);
  };
  for (const TimelinePoint& point : evidence->timeline) {
    // Only a tick with a breakdown can be explained.
    if (point.charge && point.anon && (charged == nullptr || held(*charged) < held(point)))
      charged = &point;
    if (point.resident && point.resident_shared &&
        (resident == nullptr || *resident->resident < *point.resident))
      resident = &point;
  }
  if (charged != nullptr) evidence->charge_peak = MomentOf(recording, *charged);
  if (resident != nullptr) evidence->resident_peak = MomentOf(recording, *resident);
}

std::vector<Loss> Losses(const proto::Losses& losses) {
  std::vector<Loss> happened;
  const auto add = [&happened](const char* name, std::uint64_t count, const char* meaning) {
    if (count != 0) happened.push_back({name, count, meaning});
  };
  add("live_table_full", losses.live_table_full(), "samples not recorded: the live table was full");
  add("stack_table_full", losses.stack_table_full(),
      "samples without a stack: the stack table was full");
  add("stacks_truncated", losses.stacks_truncated(),
      "stacks cut at the depth limit (WRACKLINE_DEPTH)");
  add("unwind_failed", losses.unwind_failed(), "samples whose stack could not be unwound");
  add("reentrant", losses.reentrant(), "samples inside wrackline's own work");
  add("freed_twice", losses.freed_twice(),
      "the program freed a sampled object that was free already");
  add("mappings_missed", losses.mappings_missed(),
      "calls of mmap, munmap and mremap missing in the mappings");
  add("mappings_full", losses.mappings_full(), "mappings not recorded: no room");
  add("mappings_unsettled", losses.mappings_unsettled(),
      "mappings whose mremap or failed munmap could not be followed");
  add("frames_unnamed", losses.frames_unnamed(),
      "frames without a symbol (--symbols DIR may name them)");
  std::uint64_t java_failed = 0;
  for (const std::uint64_t count : losses.java_stack_failed()) java_failed += count;
  add("java_stack_failed", java_failed, "samples without their Java frames: the VM gave none");
  add("java_names_lost", losses.java_names_lost(),
      "Java frames without a name: their class was unloaded");
  add("threads_full", losses.threads_full(), "threads not recorded: no room");
  add("rocksdb_missed", losses.rocksdb_missed(),
      "databases and families of a VM's RocksDB without figures: closed too soon, no room, or an "
      "unknown library");
  add("names_full", losses.names_full(), "names not kept: no room");
  add("lines_unread", losses.lines_unread(),
      "frames without a line: a compressed or too large line table, or no room");
  add("submitted_refused", losses.submitted_refused(), "submitted records refused");
  add("history_thinned", losses.history_thinned(),
      "old timeline records thinned to stay within the file's bound");
  add("write_errors", losses.write_errors(), "failed writes to the recorder file");
  add("modules_full", losses.modules_full(), "loaded modules not recorded: no room");
  add("forks", losses.forks(), "forks seen: children are not followed");
  add("files_removed", losses.files_removed(),
      "older files removed from the folder (WRACKLINE_KEEP)");
  add("file_restarts", losses.file_restarts(),
      "times the recorder file had vanished and was begun anew");
  return happened;
}

void RaiseTo(std::optional<Figure>* peak, std::optional<Bytes> amount, Time time,
             const char* origin) {
  if (amount && (!*peak || (*peak)->amount < *amount)) *peak = Figure{*amount, time, origin};
}

void FillEnding(const recorder::Recording& recording, Evidence* evidence) {
  Ending& ending = evidence->ending;
  if (recording.exit) {
    ending.clean_mark = recording.exit->exit().kind() == proto::Exit::CLEAN;
    if (recording.exit->exit().has_status()) ending.exit_status = recording.exit->exit().status();
  }
  if (!recording.aftermath) return;
  const proto::Aftermath& aftermath = *recording.aftermath;
  ending.waited_for = true;
  ending.stopped_at_limit = aftermath.stopped_at_limit();
  if (aftermath.end_time_ns() != 0) ending.time = ToTime(aftermath.end_time_ns());
  if (aftermath.has_exit_status()) ending.exit_status = aftermath.exit_status();
  if (aftermath.has_signal()) ending.signal = aftermath.signal();
  if (aftermath.has_oom_kill_before()) ending.oom_kill_before = aftermath.oom_kill_before();
  if (aftermath.has_oom_kill_after()) ending.oom_kill_after = aftermath.oom_kill_after();
  if (aftermath.has_peak_charge()) ending.kernel_peak = ToBytes(aftermath.peak_charge());
  ending.kernel_log = aftermath.kernel_log();
  ending.kernel_kill =
      ParseKernelKill(ending.kernel_log, evidence->process.pid, evidence->process.cgroup_path);
}

void FillLimit(const recorder::Recording& recording, std::optional<Bytes> assumed,
               Evidence* evidence) {
  if (assumed) {
    evidence->limit = Figure{*assumed, evidence->last_record, "--limit"};
    return;
  }
  for (auto point = evidence->timeline.rbegin(); point != evidence->timeline.rend(); ++point) {
    if (!point->limit) continue;
    evidence->limit = Figure{*point->limit, point->time, "cgroup"};
    break;
  }
  if (!evidence->limit && recording.process && recording.process->has_cgroup_limit())
    evidence->limit =
        Figure{ToBytes(recording.process->cgroup_limit()), evidence->last_record, "cgroup"};
  if (recording.aftermath && recording.aftermath->has_limit()) {
    const Bytes limit = ToBytes(recording.aftermath->limit());
    // `wrackline run --assume-limit` says where the limit would be: that is what the run was held
    // to.
    if (!evidence->limit || evidence->ending.stopped_at_limit)
      evidence->limit = Figure{limit, evidence->last_record,
                               evidence->ending.stopped_at_limit ? "assumed" : "cgroup"};
  }
}

}  // namespace

bool WriterHoldsLock(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  const bool held = fcntl(descriptor, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(descriptor);
  return held;
}

Evidence EvidenceFromRecording(const recorder::Recording& recording,
                               std::optional<Bytes> assumed_limit) {
  Evidence evidence;
  evidence.source = recording.source;
  evidence.damage = recording.damage;
  evidence.packed = recording.packed;
  evidence.records = recording.records;
  evidence.last_record = ToTime(recording.last_time_ns);
  if (recording.process) evidence.process = Facts(*recording.process);
  FillEnding(recording, &evidence);

  evidence.timeline.reserve(recording.timeline.size());
  for (const proto::Record& record : recording.timeline) evidence.timeline.push_back(Point(record));
  std::stable_sort(evidence.timeline.begin(), evidence.timeline.end(),
                   [](const TimelinePoint& a, const TimelinePoint& b) { return a.time < b.time; });
  FillLimit(recording, assumed_limit, &evidence);

  for (const TimelinePoint& point : evidence.timeline) {
    if (point.charge) evidence.last_charge = Figure{*point.charge, point.time, "timeline"};
    RaiseTo(&evidence.peak_charge, point.charge, point.time, "timeline");
    RaiseTo(&evidence.peak_charge, point.peak, point.time, "the kernel's high-water mark");
    RaiseTo(&evidence.peak_working_set, point.WorkingSet(), point.time, "timeline");
  }
  if (recording.last_heartbeat && recording.last_heartbeat->heartbeat().has_charge()) {
    const Time time = ToTime(recording.last_heartbeat->time_ns());
    const Bytes charge = ToBytes(recording.last_heartbeat->heartbeat().charge());
    if (!evidence.last_charge || evidence.last_charge->time <= time)
      evidence.last_charge = Figure{charge, time, "heartbeat"};
    RaiseTo(&evidence.peak_charge, charge, time, "heartbeat");
  }
  if (recording.aftermath && recording.aftermath->has_peak_charge())
    RaiseTo(&evidence.peak_charge, ToBytes(recording.aftermath->peak_charge()),
            evidence.ending.time.value_or(evidence.last_record), "the kernel's high-water mark");

  evidence.allocator = AllocatorUntil(recording, Time::max());
  evidence.recent_window = std::min(kMostRecent, evidence.Lifetime() / 4);
  evidence.sites = SitesFromRecording(recording, evidence.recent_window);
  evidence.untouched_known = recording.untouched.has_value();
  evidence.thread_groups = ThreadGroupsFromRecording(recording, evidence.sites);
  evidence.mappings = MappingsFromRecording(recording);
  evidence.rocksdb = RocksDbFromRecording(recording);
  evidence.rocksdb_over_life = RocksDbOverLife(recording);
  evidence.rocksdb_objects = RocksDbObjectsFromRecording(recording);
  evidence.jvm = JvmFromRecording(recording);
  evidence.losses = Losses(recording.losses);
  if (evidence.ending.Clean()) FillPeaks(recording, &evidence);
  return evidence;
}

std::optional<Evidence> EvidenceAt(const recorder::Recording& recording, Time time,
                                   const recorder::Recording* past) {
  Evidence then = EvidenceFromRecording(recording, std::nullopt);
  const auto later = [](Time moment, const auto& figures) { return moment < figures.time; };
  auto& timeline = then.timeline;
  timeline.erase(std::upper_bound(timeline.begin(), timeline.end(), time, later), timeline.end());
  if (timeline.empty()) return std::nullopt;
  const TimelinePoint point = timeline.back();
  const Moment moment = MomentOf(recording, point);
  then.allocator = moment.allocator;
  then.rocksdb = moment.rocksdb;
  then.rocksdb_over_life.reset();
  then.last_record = point.time;
  then.last_charge.reset();
  then.peak_charge.reset();
  then.peak_working_set.reset();
  then.charge_peak.reset();
  then.resident_peak.reset();
  then.sites.clear();
  then.thread_groups.clear();
  then.mappings.clear();
  then.untouched_known = false;
  if (past != nullptr) {
    then.recent_window = std::min(kMostRecent, then.Lifetime() / 4);
    then.sites = SitesFromRecording(*past, then.recent_window);
    then.untouched_known = past->untouched.has_value();
    then.thread_groups = ThreadGroupsFromRecording(*past, then.sites);
    then.mappings = MappingsFromRecording(*past);
  }
  then.ending = {};
  if (then.jvm) {
    auto& figures = then.jvm->figures;
    figures.erase(std::upper_bound(figures.begin(), figures.end(), time, later), figures.end());
    auto& resident = then.jvm->resident;
    resident.erase(std::upper_bound(resident.begin(), resident.end(), time, later), resident.end());
  }
  if (then.rocksdb_objects) {
    then.rocksdb_objects->time = point.time;
    then.rocksdb_objects->shared.clear();
    then.rocksdb_objects->iterators.clear();
    for (RocksDbObjectKind& kind : then.rocksdb_objects->kinds) {
      auto& history = kind.history;
      history.erase(std::upper_bound(history.begin(), history.end(), time, later), history.end());
      kind.made = history.empty() ? 0 : history.back().alive;
      kind.closed = 0;
    }
  }
  return then;
}

bool StillRunning(const recorder::Recording& recording) {
  if (recording.packed || recording.exit || recording.aftermath || !recording.process) return false;
  if (WriterHoldsLock(recording.source)) return true;
  const proto::Process& process = *recording.process;
  if (process.pid() == 0) return false;
  utsname machine{};
  if (uname(&machine) != 0 || process.host() != machine.nodename) return false;
  std::string boot_id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, boot_id);
  if (!process.boot_id().empty() && process.boot_id() != boot_id) return false;
  const std::string pid = std::to_string(process.pid());
  // Dead, and nobody collected it yet: a shell as the container's first process may never do so.
  if (IsZombie(container::ReadProcessStat("", pid.c_str()))) return false;
  const std::optional<std::uint64_t> start = container::ReadStartTime("", pid.c_str());
  if (!start) return false;
  // Both come from the same tick count and the same boot time, which the kernel rounds to a second.
  const Time here = ToTime(*start);
  const Time recorded = ToTime(process.start_time_ns());
  const Duration apart = here > recorded ? here - recorded : recorded - here;
  return apart <= std::chrono::seconds(2);
}

Result<Evidence> ReadEvidence(const std::string& path, std::optional<Bytes> assumed_limit,
                              SymbolFolders* symbols, std::vector<std::string>* remarks) {
  Result<recorder::Recording> recording = recorder::ReadRecording(path);
  if (!recording.ok()) return recording.error();
  if (symbols != nullptr) {
    const Improvement improvement = ImproveNames(symbols, &recording.value());
    if (remarks != nullptr)
      remarks->insert(remarks->end(), improvement.remarks.begin(), improvement.remarks.end());
  }
  Evidence evidence = EvidenceFromRecording(recording.value(), assumed_limit);
  evidence.ending.still_running = StillRunning(recording.value());
  return evidence;
}

}  // namespace wrackline::evidence
