// What is recorded of each allocator agrees with a program that knows what it holds
// (programs/allocator_target.cc). The bounds come from each allocator's size classes; they are
// exact where the allocator is.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <string>

#include "lib/recorder/reader.h"
#include "tests/e2e/programs/allocator_steps.h"
#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

using testing::AllOf;
using testing::Ge;
using testing::Le;
using testing::StartsWith;

constexpr std::int64_t kMi = 1 << 20;

std::uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::int64_t Signed(std::uint64_t bytes) { return static_cast<std::int64_t>(bytes); }

// The target in front of one allocator, and the first reading in each of its three steps.
class AllocatorRun {
 public:
  AllocatorRun(const char* name, const std::string& library,
               std::map<std::string, std::string> settings = {}, const char* mode = "steps")
      : name_(name) {
    EXPECT_EQ(pipe2(to_, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(from_, O_CLOEXEC), 0);
    ProcessOptions options;
    options.command = {WRACKLINE_ALLOCATOR_TARGET, mode};
    options.environment = std::move(settings);
    std::string preload = WRACKLINE_PRELOAD_LIBRARY;
    if (!library.empty()) preload += ":" + library;
    options.environment["LD_PRELOAD"] = preload;
    options.environment["WRACKLINE_OUT"] = folder_.path();
    // The timeline only: a sampled block may be put elsewhere.
    options.environment["WRACKLINE_INTERVAL"] = "0";
    options.in_child = [this] {
      dup2(to_[0], kHears);
      dup2(from_[1], kSays);
    };
    process_ = std::make_unique<ChildProcess>(options);
    // A target that dies is an end of file here.
    close(to_[0]);
    close(from_[1]);
  }
  AllocatorRun(const AllocatorRun&) = delete;
  AllocatorRun& operator=(const AllocatorRun&) = delete;
  ~AllocatorRun() {
    close(to_[1]);
    close(from_[0]);
  }

  void WaitForStep(char step) {
    char said = 0;
    pollfd ready{from_[0], POLLIN, 0};
    ASSERT_EQ(poll(&ready, 1, 30'000), 1) << name_;
    ASSERT_EQ(read(from_[0], &said, 1), 1) << name_;
    ASSERT_EQ(said, step) << name_;
    since_ns_ = MonotonicNs();
  }
  // The first reading that was begun after the step was reached.
  void TakeReading(proto::AllocatorMemory* out) {
    const bool found = WaitFor([&] { return Find(out); }, std::chrono::seconds(30));
    ASSERT_TRUE(found) << name_ << ": no reading of the allocator within 30 s";
  }
  void GoOn() { ASSERT_EQ(write(to_[1], "g", 1), 1) << name_; }
  void ExpectEnd() {
    const ProcessEnd end = process_->Wait();
    EXPECT_TRUE(end.exited(0)) << name_ << ": " << end.err;
    EXPECT_EQ(end.err, "") << name_;
    EXPECT_EQ(end.out, "") << name_;
  }

  const char* name() const { return name_; }
  const proto::Process& facts() const { return facts_; }
  proto::AllocatorMemory start, held, freed, turned;

 private:
  bool Find(proto::AllocatorMemory* out) {
    const auto files = RecorderFiles(folder_.path());
    if (files.size() != 1) return false;
    const auto recording = recorder::ReadRecording(files[0]);
    if (!recording.ok() || !recording.value().process) return false;
    facts_ = *recording.value().process;
    for (const proto::Record& record : recording.value().timeline) {
      const proto::TimelineSample& sample = record.timeline();
      if (!sample.has_allocator() || sample.allocator().monotonic_ns() < since_ns_) continue;
      *out = sample.allocator();
      return true;
    }
    return false;
  }

  const char* name_;
  TemporaryFolder folder_;
  int to_[2] = {-1, -1}, from_[2] = {-1, -1};
  std::unique_ptr<ChildProcess> process_;
  std::uint64_t since_ns_ = 0;
  proto::Process facts_;
};

void ExpectFactsOfTheMachine(const proto::Process& facts) {
  cpu_set_t mask;
  ASSERT_EQ(sched_getaffinity(0, sizeof(mask), &mask), 0);
  EXPECT_EQ(facts.usable_cpus(), static_cast<std::uint32_t>(CPU_COUNT(&mask)));
}

// A chunk is the request and 8 bytes, rounded up to 16: 1008. Its thread cache holds 7 of a size,
// which glibc counts as in use.
void ExpectGlibc(const AllocatorRun& run) {
  SCOPED_TRACE(run.name());
  constexpr std::int64_t kChunk = 1008, kCached = 7 * kChunk;
  EXPECT_THAT(run.facts().allocator(), StartsWith("glibc 2."));
  const std::int64_t mapped = Signed(run.held.mmapped()) - Signed(run.start.mmapped());
  EXPECT_THAT(mapped, AllOf(Ge(8 * kMi), Le(8 * kMi + 2 * 4096)));
  EXPECT_THAT(Signed(run.held.in_use()) - Signed(run.start.in_use()) - mapped,
              AllOf(Ge(kCount * kChunk - kCached), Le(kCount * kChunk)));
  const auto fallen = AllOf(Ge(kFreed * kChunk - kCached), Le(kFreed * kChunk));
  EXPECT_THAT(Signed(run.held.in_use()) - Signed(run.freed.in_use()), fallen);
  EXPECT_THAT(Signed(run.freed.free_in_heap()) - Signed(run.held.free_in_heap()), fallen);
  EXPECT_EQ(run.freed.arena(), run.held.arena());
  // The shim's threads have made none.
  EXPECT_EQ(run.freed.arenas_made(), 1u);
  EXPECT_EQ(run.freed.heaps(), 0u);
  EXPECT_EQ(run.freed.heaps_mapped(), 0u);
  EXPECT_FALSE(run.freed.has_resident());
}

// Size class 1024, in slabs of a page; what lies in the thread's cache, 200 of a class at most,
// is in use by its count.
void ExpectJemalloc(const AllocatorRun& run) {
  SCOPED_TRACE(run.name());
  constexpr std::int64_t kClass = 1024, kSlab = 4096, kSlots = 200;
  EXPECT_THAT(run.facts().allocator(), StartsWith("jemalloc 5."));
  EXPECT_EQ(run.facts().allocator_settings(), "MALLOC_CONF=dirty_decay_ms:-1,narenas:3");
  const auto in_use = [](const proto::AllocatorMemory& memory) {
    return Signed(memory.in_use()) - Signed(memory.thread_caches());
  };
  EXPECT_EQ(in_use(run.held) - in_use(run.start), kCount * kClass + 8 * kMi);
  EXPECT_EQ(in_use(run.held) - in_use(run.freed), kFreed * kClass);
  // Never given back, as it is set: all freed slabs but those with a cached object in them.
  EXPECT_THAT(Signed(run.freed.dirty()) - Signed(run.held.dirty()),
              AllOf(Ge(kFreed * kClass - kSlots * kSlab), Le(kFreed * kClass)));
  EXPECT_GE(run.freed.resident(), run.held.resident());
  EXPECT_GE(Signed(run.held.resident()) - Signed(run.start.resident()), kCount * kClass + 8 * kMi);
  EXPECT_EQ(run.freed.dirty_decay_ms(), -1);
  EXPECT_TRUE(run.freed.has_muzzy_decay_ms());
  EXPECT_TRUE(run.freed.has_muzzy());
  EXPECT_FALSE(run.freed.background_thread());
  EXPECT_THAT(run.freed.arenas(), AllOf(Ge(3u), Le(4u)));  // one more for blocks of 8 MiB and more
  EXPECT_THAT(run.freed.arenas_made(), AllOf(Ge(1u), Le(run.freed.arenas())));
  EXPECT_FALSE(run.freed.has_heap_size());
}

// Size class 1024, in pages of 8 KiB. Everything that is free is counted as such, somewhere.
void ExpectTcmalloc(const AllocatorRun& run) {
  SCOPED_TRACE(run.name());
  constexpr std::int64_t kClass = 1024;
  EXPECT_THAT(run.facts().allocator(), StartsWith("tcmalloc, gperftools 2."));
  EXPECT_EQ(Signed(run.held.in_use()) - Signed(run.start.in_use()), kCount * kClass + 8 * kMi);
  EXPECT_EQ(Signed(run.held.in_use()) - Signed(run.freed.in_use()), kFreed * kClass);
  for (const proto::AllocatorMemory* memory : {&run.start, &run.held, &run.freed}) {
    EXPECT_EQ(memory->in_use() + memory->thread_caches() + memory->central_cache() +
                  memory->transfer_cache() + memory->page_heap_free() +
                  memory->page_heap_unmapped(),
              memory->heap_size());
  }
  EXPECT_EQ(run.freed.heap_size(), run.held.heap_size());
  EXPECT_GT(run.freed.page_heap_free() + run.freed.page_heap_unmapped(),
            run.held.page_heap_free() + run.held.page_heap_unmapped());
  EXPECT_FALSE(run.freed.has_resident());
}

// Segments of 32 MiB; it counts nothing else. The blocks are 1024 bytes each there.
void ExpectMimalloc(const AllocatorRun& run) {
  SCOPED_TRACE(run.name());
  constexpr std::int64_t kClass = 1024, kSegment = 32 * kMi;
  EXPECT_THAT(run.facts().allocator(), StartsWith("mimalloc 2."));
  EXPECT_FALSE(run.held.has_in_use());
  EXPECT_GE(Signed(run.held.committed()), kCount * static_cast<std::int64_t>(kBlock) + 8 * kMi);
  // Two segments more than the blocks fill: the first one's rest, and the large block's.
  const std::int64_t segments = (kCount * kClass + 8 * kMi) / kSegment + 1;
  EXPECT_LE(Signed(run.held.committed()) - Signed(run.start.committed()),
            (segments + 2) * kSegment);
  EXPECT_GE(run.held.committed_peak(), run.held.committed());
  EXPECT_GE(Signed(run.freed.committed()),
            (kCount - kFreed) * static_cast<std::int64_t>(kBlock) + 8 * kMi);
  EXPECT_LE(run.freed.committed(), run.freed.committed_peak());
}

// All at once: a reading is made once a second, and each needs three.
TEST(AllocatorFigures, AgreeWithAProgramThatKnowsWhatItHolds) {
  AllocatorRun glibc("glibc", "");
  AllocatorRun jemalloc("jemalloc", WRACKLINE_JEMALLOC,
                        {{"MALLOC_CONF", "dirty_decay_ms:-1,narenas:3"}});
  AllocatorRun tcmalloc("tcmalloc", WRACKLINE_TCMALLOC);
  AllocatorRun minimal("tcmalloc_minimal", WRACKLINE_TCMALLOC_MINIMAL);
  AllocatorRun mimalloc("mimalloc", WRACKLINE_MIMALLOC);
  AllocatorRun* const all[] = {&glibc, &jemalloc, &tcmalloc, &minimal, &mimalloc};
  const auto step = [&all](char name, proto::AllocatorMemory AllocatorRun::*reading) {
    for (AllocatorRun* run : all) ASSERT_NO_FATAL_FAILURE(run->WaitForStep(name));
    for (AllocatorRun* run : all) ASSERT_NO_FATAL_FAILURE(run->TakeReading(&(run->*reading)));
    for (AllocatorRun* run : all) ASSERT_NO_FATAL_FAILURE(run->GoOn());
  };
  ASSERT_NO_FATAL_FAILURE(step('s', &AllocatorRun::start));
  ASSERT_NO_FATAL_FAILURE(step('h', &AllocatorRun::held));
  ASSERT_NO_FATAL_FAILURE(step('f', &AllocatorRun::freed));
  for (AllocatorRun* run : all) {
    run->ExpectEnd();
    ExpectFactsOfTheMachine(run->facts());
  }
  ExpectGlibc(glibc);
  ExpectJemalloc(jemalloc);
  ExpectTcmalloc(tcmalloc);
  ExpectTcmalloc(minimal);
  ExpectMimalloc(mimalloc);
}

// What the report advises where arenas are many: the same program keeps less with fewer of them.
TEST(AllocatorFigures, FewerArenasKeepLess) {
  AllocatorRun many("glibc, 16 arenas", "", {{"MALLOC_ARENA_MAX", "16"}}, "turns");
  AllocatorRun few("glibc, 2 arenas", "", {{"MALLOC_ARENA_MAX", "2"}}, "turns");
  AllocatorRun je_many("jemalloc, 16 arenas", WRACKLINE_JEMALLOC, {{"MALLOC_CONF", "narenas:16"}},
                       "turns");
  AllocatorRun je_few("jemalloc, 2 arenas", WRACKLINE_JEMALLOC, {{"MALLOC_CONF", "narenas:2"}},
                      "turns");
  AllocatorRun* const all[] = {&many, &few, &je_many, &je_few};
  for (AllocatorRun* run : all) ASSERT_NO_FATAL_FAILURE(run->WaitForStep('t'));
  for (AllocatorRun* run : all) ASSERT_NO_FATAL_FAILURE(run->TakeReading(&run->turned));
  for (AllocatorRun* run : all) {
    ASSERT_NO_FATAL_FAILURE(run->GoOn());
    run->ExpectEnd();
  }
  EXPECT_EQ(few.facts().allocator_settings(), "MALLOC_ARENA_MAX=2");
  // Every thread has an arena to itself, or shares one; what each arena keeps is one thread's.
  EXPECT_EQ(many.turned.arenas_made(), static_cast<std::uint32_t>(kThreads) + 1);
  EXPECT_EQ(few.turned.arenas_made(), 2u);
  EXPECT_GT(many.turned.free_in_heap(), 3 * few.turned.free_in_heap());
  EXPECT_GE(many.turned.heaps_mapped(), many.turned.heaps_resident());
  // All blocks were written, and every page has one; a heap's end may be given back, up to the last
  // block that is held.
  EXPECT_GE(many.turned.heaps_resident(), kThreads * (kCount / 4 - 100) * kBlock);
  const auto kept = [](const proto::AllocatorMemory& memory) {
    return memory.dirty() + memory.free_in_heap();
  };
  EXPECT_LE(je_few.turned.arenas_made(), 2u);
  EXPECT_GT(kept(je_many.turned), 3 * kept(je_few.turned));
}

}  // namespace
}  // namespace wrackline::test
