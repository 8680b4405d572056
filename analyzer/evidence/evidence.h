// Evidence: what was observed of one process, each figure with its unit, its time and its origin.
//
// A source that is missing is an empty optional or an empty list, never a zero. Nothing here is
// concluded: that is the ledger's and the diagnosis's work. Made by ReadEvidence
// (from_recording.h); plain values, any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/flink_facts.h"
#include "analyzer/evidence/java_error.h"
#include "analyzer/evidence/kernel_oom.h"
#include "analyzer/evidence/pod_status.h"
#include "lib/units/bytes.h"

namespace wrackline::evidence {

// CLOCK_REALTIME.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;
using Duration = std::chrono::nanoseconds;

// One observed amount.
struct Figure {
  Bytes amount;
  Time time;
  std::string origin;  // "memory.usage_in_bytes", "heartbeat", "--limit"
};

struct ProcessFacts {
  std::uint32_t pid = 0;
  std::string host;
  std::string executable;
  std::string command_line;  // arguments joined with spaces
  std::string container_id;
  std::string cgroup_path;
  std::optional<int> cgroup_version;
  std::string allocator;
  std::string boot_id;
  std::string writer;  // "preload" or "rocksdb_probe"
  std::string wrackline_version;
  std::optional<Time> start;
  std::optional<Time> recording_start;
  Bytes sampling_interval;  // 0: allocations were not sampled
  std::uint32_t online_cpus = 0;
  // Those that the process may run on; and the lowest CPU quota seen, in thousandths of one.
  std::optional<std::uint32_t> usable_cpus, cpu_quota_thousandths;
  std::string allocator_settings;  // "MALLOC_ARENA_MAX=2"; empty: none is set, or not recorded

  // Processors that the container may use: its quota rounded up, or fewer where it may run on fewer.
  // Nothing when no quota was seen.
  std::optional<std::uint32_t> QuotaCpus() const;
};

// The cgroup, the process and its allocator at one tick; field meanings as in wrackline.proto.
struct TimelinePoint {
  Time time;
  std::optional<Bytes> charge, limit, peak, anon, file, shmem, file_mapped, file_dirty,
      inactive_file, kernel, slab, kernel_stack, page_tables, sock, swap, active_file, anon_thp;
  std::optional<std::uint64_t> oom_kill, limit_hits,
      major_faults;  // of the cgroup, since it was made
  // Of the time of the last ten seconds, in percent, some or all were waiting for memory. Of the cgroup where the kernel says that,
  // else of the machine.
  std::optional<double> pressure_some, pressure_full;
  bool pressure_of_cgroup = false;
  // Anonymous memory of the process that lies in huge pages; read less often than the rest.
  std::optional<Bytes> huge_pages;
  std::optional<Bytes> resident, resident_shared;
  // As a metric of the container gave it, where charge and inactive_file are not known.
  std::optional<Bytes> given_working_set;
  std::optional<std::uint32_t> threads;
  std::optional<Bytes> own_bytes;

  // Charge without the page cache the kernel would drop first, as the kubelet computes it.
  std::optional<Bytes> WorkingSet() const;
  // Anonymous pages of the process itself: resident minus file and shared-memory pages.
  std::optional<Bytes> ProcessAnonymous() const;
};

// What the allocator said of itself; `time` is that of the reading, which is older than its
// timeline point may be. Fields as in message AllocatorMemory.
struct AllocatorFigures {
  Time time;
  std::optional<Bytes> in_use, free_in_heap, mmapped, arena, active, metadata, resident, retained;
  std::optional<Bytes> dirty, muzzy, thread_caches, central_cache, transfer_cache, heap_size,
      page_heap_free, page_heap_unmapped, heaps_mapped, heaps_resident, committed, committed_peak;
  std::optional<Bytes> main_heap_resident;  // glibc: of "[heap]", the main arena's
  std::optional<std::uint32_t> arenas;      // that it may make
  std::optional<std::uint32_t> arenas_made, heaps;
  std::optional<std::int64_t> dirty_decay_ms, muzzy_decay_ms;  // -1: never
  std::optional<bool> background_thread;
  // Sampled objects that lie in wrackline's region and not in the allocator, requested bytes: the
  // program's, but not in `in_use`. Of the tick that brought the reading.
  std::optional<Bytes> placed;
};

struct SiteFrame {
  std::string function;  // demangled, short; "module+0x1234" where no symbol covers it
  std::string module;    // file name without its folder; empty: unknown
  bool named = false;
  bool rocksdb = false;  // RocksDB's own code
  bool java = false;     // a Java method: "com.example.Decoder.decode"; it has no module
  // Where the call stands in the source: of the innermost inlined function. 0: unknown, or not the
  // same in all stacks of the site.
  std::uint32_t line = 0;
  std::string file;  // as the compiler was given it; empty where there is no line
};

// Live allocations of one site: every stack whose functions are the same.
struct Site {
  std::vector<SiteFrame> frames;  // innermost first
  // Index of the frame that says most: the first Java method that is not the JDK's, else the first
  // frame that is no plumbing.
  std::size_t label = 0;
  std::vector<std::uint32_t> stacks;
  bool in_rocksdb = false;  // some frame is RocksDB's own code
  bool truncated = false;
  std::uint64_t samples = 0;  // live sampled objects
  Bytes live;                 // estimate: sum of the weights of the live samples
  Bytes standard_error;       // of `live`: sqrt(sum of weight^2 (1 - size/weight))
  // Of `live`: had no page behind it when that was last looked at, so it is no part of what the kernel counts. Only objects of two
  // pages and more are looked at.
  Bytes untouched;
  Bytes live_recent;   // of `live`: allocated within Evidence::recent_window
  Bytes recent_error;  // of `live_recent`, one standard deviation
  std::uint64_t recent_samples = 0;
  Bytes allocated, freed;  // estimates since the start
  // Of `live` and `samples`: what was allocated in each of kAgeParts equal parts of the recorded time, oldest first. Empty: no time is
  // known.
  std::vector<Bytes> live_by_age;
  std::vector<std::uint64_t> samples_by_age;
};

inline constexpr std::size_t kAgeParts = 8;

// Whom a thread works for (thread_groups.h). kFlinkTask: an operator chain of a job.
enum class ThreadKind { kFlinkTask, kFlink, kRocksDb, kJvm, kOther, kUnknown };

// Live allocations of the threads of one group.
struct ThreadGroup {
  ThreadKind kind = ThreadKind::kOther;
  std::string name;            // of an operator chain its own: "Source: orders -> Map"
  Bytes live, standard_error;  // as in Site
  std::uint64_t samples = 0;
  std::uint32_t threads = 0;            // of the group that have live samples
  std::vector<std::uint32_t> subtasks;  // of a Flink task: which are seen here, counted from 1
  std::optional<std::uint32_t> parallelism;
  // The site that most of it comes from, an index of Evidence::sites, and the group's part there.
  std::optional<std::size_t> top_site;
  Bytes top_site_live;
  // All of its sites, by index. `by_age` as in Site::live_by_age.
  struct Part {
    std::size_t site = 0;
    Bytes live;
    std::vector<Bytes> by_age = {};
  };
  std::vector<Part> by_site = {};
};

// What was mapped, and by whom. Anonymous memory: by the process's own code, by the allocator behind
// the shim, by the JVM (its files too), by whoever made a stack with MAP_STACK. Files. The stacks of
// live threads, each started with pthread_create. The JVM's metaspace, with the class space.
enum class MappingKind { kProgram, kAllocator, kJvm, kThreadStack, kFile, kThread, kMetaspace };

// Mappings of one kind and site, exact: address space, of which any part may be resident.
struct MappingSite {
  MappingKind kind = MappingKind::kProgram;
  std::vector<SiteFrame> frames;  // innermost first
  std::size_t label = 0;          // as in Site
  bool truncated = false;
  Bytes accessible;          // mapped with some access
  Bytes reserved;            // mapped with PROT_NONE
  Bytes shared;              // of both, MAP_SHARED
  Bytes file;                // of both, of files
  std::uint64_t ranges = 0;  // of kThread: of live threads one each
  // Of files and of threads' stacks, as far as it was looked at: mapped into this process.
  std::optional<Bytes> resident;
};

// Bytes in block caches by the kind of block.
struct RocksDbBlocks {
  Bytes data, index, filter, other, blob;
  Bytes Total() const { return data + index + filter + blob + other; }
};

struct RocksDbFamily {
  std::uint64_t database_id = 0;
  std::string database;  // the program's name for it, or its path
  std::string name;
  Time time;  // of its newest sample
  std::optional<Bytes> write_buffer_size, arena_block_size;
  std::optional<int> max_write_buffers;
  std::uint64_t cache_id = 0;    // 0: none or unknown
  std::uint64_t manager_id = 0;  // 0: none
  std::optional<Bytes> active_memtable, unflushed_memtables, all_memtables, table_readers;
  std::optional<int> immutable_memtables;
  std::optional<Bytes> memtables_peak, table_readers_peak;
  // Its blocks in the caches it uses, when they were last walked.
  std::optional<RocksDbBlocks> cached_blocks;
  std::optional<RocksDbBlocks> former_blocks;  // of files that it had; in a cache's unknown too
  std::uint64_t blob_cache_id = 0;             // 0: none or unknown
  std::optional<int> live_versions;            // more than 1: readers keep older states
  std::optional<Bytes> pinned_files;           // on disk, kept for those only
};

// What the last walk over a cache found. The families' blocks, unknown, both reservations and
// metadata are `usage`.
struct RocksDbSplit {
  Bytes usage;
  Bytes memtable_reservations, other_reservations;
  RocksDbBlocks unknown;  // of deleted files, or of databases that were not watched
  Bytes metadata;
  Duration took{};
};

// One cache object, however many families and databases use it.
struct RocksDbCache {
  std::uint64_t id = 0;
  std::optional<Bytes> capacity, usage, pinned_usage, usage_peak;
  std::optional<bool> strict;
  std::vector<std::string> families;
  // Memtables that a write buffer manager charges to this cache: they are in `usage` too.
  std::optional<Bytes> reservations;
  enum class Kind { kBlock, kBlob, kRow };
  Kind kind = Kind::kBlock;
  std::optional<RocksDbSplit> split;
};

struct RocksDbManager {
  std::uint64_t id = 0;
  std::optional<Bytes> buffer_size, memory_usage;
  std::optional<Bytes> reservation;  // what is reserved for it in the cache it charges
  bool charged_to_cache = false;
  std::uint64_t cache_id = 0;
};

// RocksDB's own total at one moment, every cache and manager counted once.
struct RocksDbMoment {
  Time time;
  Bytes memtables, caches, table_readers;  // caches: without the memtables charged to them
  Bytes Total() const { return memtables + caches + table_readers; }
};

// One family at one sample of its database.
struct RocksDbFamilyMoment {
  Time time;
  std::size_t family = 0;  // index of RocksDb::families
  Bytes memtables, table_readers;
  std::optional<Bytes> cached;  // as last walked
};

// Databases that were open at the end.
struct RocksDb {
  Time time;  // of the newest sample
  int databases = 0;
  std::vector<std::string> versions;
  std::vector<RocksDbFamily> families;
  std::vector<RocksDbCache> caches;
  std::vector<RocksDbManager> managers;
  std::vector<RocksDbMoment> history;               // in order of time
  std::vector<RocksDbFamilyMoment> family_history;  // in order of time
};

// Objects of one kind that Java made of RocksDB and has to close itself, of all JNI libraries.
struct RocksDbObjectKind {
  std::string name;  // Java's class: "ReadOptions"
  std::uint64_t made = 0, closed = 0;
  struct Point {
    Time time;
    std::uint64_t alive = 0;
  };
  std::vector<Point> history;  // in order of time
  std::uint64_t Alive() const { return made > closed ? made - closed : 0; }
};

// A cache or write buffer manager that Java made and that was not destroyed.
struct RocksDbSharedObject {
  std::uint64_t id = 0;  // as RocksDbCache::id or RocksDbManager::id
  bool manager = false;
  Duration age{};
  bool closed_by_java = false;
  std::optional<std::uint32_t> holders;  // Java's own object, databases and options
  std::optional<Bytes> capacity, usage, pinned_usage;
  bool used = false;                 // an open database uses it
  std::optional<Duration> unused;    // since a database that used it was last seen
  std::uint64_t unused_records = 0;  // how often it was seen since, and no database that uses it
};

struct RocksDbIterators {
  std::string database;  // empty: not known
  std::uint64_t alive = 0;
  Duration oldest{};
};

// What Java made of RocksDB and had not closed at the last record.
struct RocksDbObjects {
  Time time;
  bool incomplete = false;  // some may have been made or closed before they were counted
  std::vector<RocksDbObjectKind> kinds;
  std::vector<RocksDbSharedObject> shared;
  std::vector<RocksDbIterators> iterators;  // most first
  std::uint64_t unlisted = 0;
  // Open by Java's account, and those of them that were never read: what these use is not known.
  std::uint64_t open_databases = 0, unread_databases = 0;

  // nullptr: none was ever made.
  const RocksDbObjectKind* Of(std::string_view name) const;
};

// One part of the VM's memory by its own account: "eden space", "profiled nmethods", ...
struct JvmPool {
  std::string name;
  bool heap = false;
  Bytes used;
  std::optional<Bytes> committed, max;
};

// A category of the VM's Native Memory Tracking.
struct JvmNativeMemory {
  std::string category;
  Bytes reserved, committed;
  std::optional<Bytes> malloc;  // of `committed`
  // Of a comparison (summary.diff): since its baseline.
  std::optional<Bytes> reserved_change = std::nullopt, committed_change = std::nullopt;
};

// Native memory that the VM asked for at one place of its own code, by a detailed report of its Native Memory Tracking.
struct JvmNativeSite {
  std::string category;
  std::vector<std::string> frames;  // innermost first
  bool mapped = false;              // mmap and not malloc
  Bytes amount;                     // of a mapped one what is committed
  std::optional<Bytes> change;      // of a comparison
};

// Addresses that the VM reserved, and what for: "Java Heap", "Thread Stack", "Class", "Metaspace", "Code", "GC".
struct VmRange {
  std::uint64_t begin = 0, end = 0;
  std::string category;
};

// What a VM said of its memory at one moment; fields as in message JvmSample.
struct JvmFigures {
  Time time;
  std::optional<Bytes> heap_used, heap_committed, heap_max, heap_used_after_collection;
  std::optional<Bytes> non_heap_used, non_heap_committed, metaspace_used, metaspace_committed,
      class_space_used, class_space_committed;
  std::vector<JvmPool> pools;
  std::optional<std::uint32_t> threads, classes_loaded;
  std::optional<std::uint64_t> classes_unloaded, collections, collection_ms;
  std::optional<std::uint32_t> direct_buffers, mapped_buffers;
  std::optional<Bytes> direct_used, direct_capacity, direct_max, mapped_used;
  std::vector<JvmNativeMemory> native_memory;
  std::optional<Bytes> native_reserved, native_committed;
  // Of a comparison: since its baseline.
  std::optional<Bytes> native_reserved_change, native_committed_change;
  // The file they are of, where that is not Jvm::origin: "jcmd/nmt.txt".
  std::string file;
  // Of a text's set, which says a part, the rest is what was known before: the oldest moment of that.
  std::optional<Time> oldest;
};

// Resident memory that is the VM's by its address, each page in one kind. A kind that was not seen is absent.
struct JvmResident {
  Time time;
  // True: told from the mappings' shapes (smaps_layout.h), not from addresses that the VM named.
  bool by_shape = false;
  // Anonymous memory.
  std::optional<Bytes> heap, metaspace, class_space, code_cache, thread_stacks, class_archive,
      other;
  // Of the heap: shared memory, which is ZGC's.
  std::optional<Bytes> heap_shared;
};

// The Java VM of the process.
struct Jvm {
  std::string vm_name, vm_version, java_version;
  std::string collector;               // "G1", "ZGC", ...; empty: not known
  std::string native_memory_tracking;  // "off", "summary", "detail"; empty: not known
  std::string attached_by, trouble;
  std::optional<Bytes> max_heap, max_direct_memory, max_metaspace, reserved_code_cache,
      compressed_class_space;
  std::string origin;                 // of the figures: "the VM, from inside", "hsperfdata"
  std::vector<JvmFigures> figures;    // in order of time
  std::vector<JvmResident> resident;  // in order of time
  // Of a detailed report, each at its own moment.
  std::vector<VmRange> ranges;              // in order of address
  std::vector<JvmNativeSite> native_sites;  // largest first

  // The newest.
  const JvmFigures* Last() const { return figures.empty() ? nullptr : &figures.back(); }
  // The newest known value of each figure, with the time of the newest of all: where files of several moments say one part each.
  // Nothing when there are no figures.
  std::optional<JvmFigures> Latest() const;
  // The reading nearest to `time`.
  const JvmResident* ResidentAt(Time time) const;
};

// What the kernel wrote when it killed (evidence/kernel_log.h).
struct KernelKill {
  std::uint32_t pid = 0;
  std::string name;
  bool of_cgroup = false;  // "Memory cgroup out of memory", not the whole machine's
  std::optional<Bytes> total_vm, anon_rss, file_rss, shmem_rss, page_tables;
  std::optional<Bytes> usage, limit;
  std::optional<OomReport> report;
};

struct Ending {
  bool clean_mark = false;  // the process said that it exits
  std::optional<int> exit_status, signal;
  bool waited_for = false;  // `wrackline run` saw the end
  bool stopped_at_limit = false;
  bool still_running = false;
  std::optional<Time> time;  // of the end, as the waiter saw it
  std::optional<std::uint64_t> oom_kill_before, oom_kill_after;
  std::optional<Bytes> kernel_peak;  // the cgroup's high-water mark after the end
  std::optional<KernelKill> kernel_kill;
  bool kernel_kill_by_limit =
      false;  // it names neither the process nor its group: limit and time are the same
  std::string kernel_log;

  // It exited by itself, and with status 0 as far as is known.
  bool Clean() const;
};

// What was held at one tick before the end. Live samples are of the end only, so there are none.
struct Moment {
  TimelinePoint point;
  std::optional<AllocatorFigures> allocator;  // the newest reading at or before that tick
  // From each database's newest sample at or before the tick, else the first after it, also of
  // databases closed since; nothing when none was within kRocksDbReach.
  std::optional<RocksDb> rocksdb;
  bool rocksdb_out_of_reach = false;  // there are samples, but none within kRocksDbReach
};

// RocksDB is sampled once a second: a sample of the same moment is at most this far away.
inline constexpr Duration kRocksDbReach = std::chrono::milliseconds(1500);

// What Flink's metrics say of a TaskManager's memory beside RocksDB.
struct FlinkMemory {
  std::optional<Bytes> heap_used, heap_committed, heap_max;
  std::optional<Bytes> non_heap_committed, metaspace_committed;  // the first contains the second
  std::optional<Bytes> direct, mapped;                           // buffers; network is in direct
  std::optional<Bytes> network;
  std::optional<Bytes> network_used;                 // of that, in use; of several scrapes the most
  std::optional<Bytes> managed_total, managed_used;  // budgets, not memory; used: as above
};

// Set where the evidence is a scrape of a TaskManager's metrics and not a recording: there is then
// no charge, no timeline, no allocation and no ending.
struct MetricsFacts {
  std::string task_manager;
  int scrapes = 1;
  FlinkMemory memory;
  std::vector<std::string> notes;  // how the caches were told apart, and what is missing
};

// Set where `sites` are another tool's (heap_profile.h), and not of a recording.
struct HeapProfileFacts {
  std::string file, format;  // "jemalloc", "gperftools", "pprof"
  Time taken;
  std::optional<Bytes>
      interval;        // mean bytes from one sample to the next; nothing: not sampled, or not known
  bool exact = false;  // every allocation was counted
  bool live_known = true;  // false: it says only what was allocated since the start
  Bytes live, standard_error, allocated;
  std::uint64_t live_objects = 0;
  std::size_t stacks = 0;
  std::vector<std::string> notes;
};

struct Loss {
  std::string name;  // as in message Losses
  std::uint64_t count = 0;
  std::string meaning;
};

// One file of a folder, and what became of it.
struct SourceUse {
  std::string file, kind, title;
  bool used = false;
  std::string remark;  // what it gave, or why it was not used
};

struct Evidence {
  std::string source;
  std::string damage;
  bool packed = false;
  // False: no process was recorded, there are files about one only (evidence_folder.h). The timeline is then of their
  // snapshots, and `last_record` the newest time of any file that was used.
  bool recorded = true;
  ProcessFacts process;
  Ending ending;
  std::optional<Figure> limit;        // the cgroup's, or what the user said
  std::optional<Figure> last_charge;  // nearest to the end
  std::optional<Figure> peak_charge;
  std::optional<Figure> peak_working_set;
  std::vector<TimelinePoint> timeline;
  // After a clean exit only, which comes after memory was given back: the tick with the largest
  // working set (charge, where that is not known), and the one with the largest resident set.
  std::optional<Moment> charge_peak, resident_peak;
  std::optional<AllocatorFigures> allocator;
  std::vector<Site> sites;                 // by live bytes, largest first; empty: not sampled
  bool untouched_known = false;            // Site::untouched was looked for
  std::vector<ThreadGroup> thread_groups;  // by live bytes, largest first; empty: not recorded
  std::vector<MappingSite> mappings;       // by address space, largest first
  Duration recent_window{};
  std::optional<RocksDb> rocksdb;
  // Where databases were closed before the end (a job that was restarted or cancelled): those that were open when RocksDB held the most,
  // with the history of all. Nothing where none was closed: `rocksdb` says it all.
  std::optional<RocksDb> rocksdb_over_life;
  std::optional<RocksDbObjects> rocksdb_objects;
  std::optional<MetricsFacts> metrics;
  std::optional<HeapProfileFacts> heap_profile;
  // The same of scrapes that lie beside other evidence: RocksDB's figures and the VM's are then in `rocksdb` and `jvm`, where
  // nothing nearer to them had any.
  std::optional<MetricsFacts> scraped;
  std::optional<Jvm> jvm;
  // Of files beside a recording, or in its place (source.h).
  std::vector<SourceUse> sources;
  std::optional<FlinkFacts> flink;
  std::optional<PodStatus> pod;
  std::optional<YarnKill> yarn;
  std::vector<JavaError> java_errors;
  std::vector<Loss> losses;  // those that happened
  Time last_record;          // the newest record of the process itself
  std::uint64_t records = 0;

  // From the start of the process (or of the recording) to its last record.
  Duration Lifetime() const;
  // From the last record to the end that the waiter saw; nothing when nobody waited.
  std::optional<Duration> LastRecordAge() const;
};

}  // namespace wrackline::evidence
