// One allocation pattern, repeated and timed. Prints one line, for bench/compare.py:
//
//   result workload=pair threads=1 operations=2000000 warmup=200000 cpu_ns=12000000 wall_ns=12100000 mean_size=739.1
//
//   allocation_loop WORKLOAD-OPTIONS
//     --workload pair      malloc, write a word, free
//     --workload ring      the same with a working set of 256 objects: frees the oldest
//     --workload calloc    calloc, free
//     --workload realloc   256 objects, one after the other given a new size
//     --workload cross     producers allocate, consumers free (threads: both kinds together)
//     --workload fork      fork, 100 pairs in the child, wait; an operation is one fork
//     --operations N       of each thread, timed       --warmup N   before them, not timed (default: a tenth)
//     --settle-ms N        wait between the two: a profiler opens its files and meets its pages for the first time
//     --threads N          1 runs in the main thread, beside an idle second one: real programs have more than one thread,
//                          and glibc leaves its atomic instructions out of programs that never had. --alone: without it
//     --new                operator new and sized delete instead of malloc and free
//     --fill               write all of each object instead of its first word
//     --depth N            call the loop through N functions, each its own, at most 16
//     --hold-large N       first allocate N blocks of --large-bytes (1m), and keep them, untouched
//
// CPU time is that of the whole process, so a profiler's own threads count; warm-up, start and exit do not.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "bench/programs/arguments.h"
#include "bench/programs/request_sizes.h"

namespace wrackline::bench {
namespace {

struct Options {
  std::string workload;
  std::uint64_t operations, warmup, settle_ms, threads, depth, hold_large, large_bytes;
  bool use_new, fill, alone;
};

const std::array<std::uint16_t, kRequestSizes> sizes = RequestSizes();

std::uint64_t Now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// The compiler may remove an allocation whose result it can follow.
template <typename T>
void Keep(T*& pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
}

struct Malloc {
  static void* Get(std::size_t size) { return std::malloc(size); }
  static void Put(void* pointer, std::size_t) { std::free(pointer); }
};

struct New {
  static void* Get(std::size_t size) { return ::operator new(size); }
  static void Put(void* pointer, std::size_t size) { ::operator delete(pointer, size); }
};

struct FirstWord {
  static void Touch(void* pointer, std::size_t size) {
    *static_cast<volatile std::uint32_t*>(pointer) = static_cast<std::uint32_t>(size);
  }
};

struct WholeObject {
  static void Touch(void* pointer, std::size_t size) { std::memset(pointer, 1, size); }
};

template <typename Allocator, typename Write>
__attribute__((noinline)) void PairLoop(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    const std::size_t size = sizes[i % kRequestSizes];
    void* pointer = Allocator::Get(size);
    Keep(pointer);
    Write::Touch(pointer, size);
    Allocator::Put(pointer, size);
  }
}

struct Object {
  void* pointer = nullptr;
  std::size_t size = 0;
};
constexpr std::size_t kRing = 256;

template <typename Allocator, typename Write>
__attribute__((noinline)) void RingLoop(std::uint64_t operations) {
  Object ring[kRing];
  for (std::uint64_t i = 0; i < operations; ++i) {
    Object& object = ring[i % kRing];
    if (object.pointer != nullptr) Allocator::Put(object.pointer, object.size);
    object.size = sizes[i % kRequestSizes];
    object.pointer = Allocator::Get(object.size);
    Keep(object.pointer);
    Write::Touch(object.pointer, object.size);
  }
  for (Object& object : ring) {
    if (object.pointer != nullptr) Allocator::Put(object.pointer, object.size);
  }
}

__attribute__((noinline)) void CallocLoop(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    void* pointer = std::calloc(1, sizes[i % kRequestSizes]);
    Keep(pointer);
    std::free(pointer);
  }
}

__attribute__((noinline)) void ReallocLoop(std::uint64_t operations) {
  void* ring[kRing] = {};
  // 4,099 is prime to the table's length: the sizes a slot gets are not those of its last round.
  for (std::uint64_t i = 0; i < operations; ++i) {
    void*& slot = ring[i % kRing];
    slot = std::realloc(slot, sizes[i * 4099 / kRing % kRequestSizes]);
    Keep(slot);
  }
  for (void* pointer : ring) std::free(pointer);
}

// Two batches go round between a producer and its consumer, so that the hand-over costs next to nothing per object.
class Handover {
 public:
  static constexpr std::size_t kBatch = 2048;

  template <typename Allocator, typename Write>
  void Produce(std::uint64_t operations) {
    for (std::uint64_t begin = 0; begin < operations; begin += kBatch) {
      Batch& batch = batches_[begin / kBatch % 2];
      Await(batch, false);
      batch.count = std::min<std::uint64_t>(kBatch, operations - begin);
      for (std::size_t i = 0; i < batch.count; ++i) {
        const std::size_t size = sizes[(begin + i) % kRequestSizes];
        void* pointer = Allocator::Get(size);
        Keep(pointer);
        Write::Touch(pointer, size);
        batch.objects[i] = {pointer, size};
      }
      Set(batch, true);
    }
  }

  template <typename Allocator>
  void Consume(std::uint64_t operations) {
    for (std::uint64_t begin = 0; begin < operations; begin += kBatch) {
      Batch& batch = batches_[begin / kBatch % 2];
      Await(batch, true);
      for (std::size_t i = 0; i < batch.count; ++i) {
        Allocator::Put(batch.objects[i].pointer, batch.objects[i].size);
      }
      Set(batch, false);
    }
  }

 private:
  struct Batch {
    Object objects[kBatch];
    std::size_t count = 0;
    bool full = false;
  };

  void Await(const Batch& batch, bool full) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batch.full == full; });
  }
  void Set(Batch& batch, bool full) {
    {
      std::lock_guard lock(mutex_);
      batch.full = full;
    }
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Batch batches_[2];
};

void ForkLoop(std::uint64_t operations) {
  for (std::uint64_t i = 0; i < operations; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      PairLoop<Malloc, FirstWord>(100);
      _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
      std::perror("allocation_loop: fork");
      std::exit(1);
    }
  }
}

template <typename Allocator, typename Write>
void Loop(const Options& options, std::uint64_t operations, std::uint64_t thread,
          std::vector<Handover>* handovers) {
  if (options.workload == "pair") return PairLoop<Allocator, Write>(operations);
  if (options.workload == "ring") return RingLoop<Allocator, Write>(operations);
  if (options.workload == "calloc") return CallocLoop(operations);
  if (options.workload == "realloc") return ReallocLoop(operations);
  if (options.workload == "fork") return ForkLoop(operations);
  Handover& handover = (*handovers)[thread / 2];
  if (thread % 2 == 0) return handover.Produce<Allocator, Write>(operations);
  handover.Consume<Allocator>(operations);
}

void RunLoop(const Options& options, std::uint64_t operations, std::uint64_t thread,
             std::vector<Handover>* handovers) {
  if (options.use_new && options.fill) {
    Loop<New, WholeObject>(options, operations, thread, handovers);
  } else if (options.use_new) {
    Loop<New, FirstWord>(options, operations, thread, handovers);
  } else if (options.fill) {
    Loop<Malloc, WholeObject>(options, operations, thread, handovers);
  } else {
    Loop<Malloc, FirstWord>(options, operations, thread, handovers);
  }
}

// What count_steps counts: the instructions between the two marks.
__attribute__((noinline)) void MeasuredLoop(const Options& options, std::uint64_t thread,
                                            std::vector<Handover>* handovers) {
  static const bool marked = std::getenv("WRACKLINE_BENCH_MARKS") != nullptr;
#if defined(__x86_64__)
  if (marked) asm volatile("int3" : : : "memory");
#endif
  RunLoop(options, options.operations, thread, handovers);
#if defined(__x86_64__)
  if (marked) asm volatile("ud2" : : : "memory");
#endif
}

// A chain of functions that all differ, each with a frame of another size, as a real program's stack has.
template <std::uint64_t Left>
__attribute__((noinline)) void Descend(const Options& options, std::uint64_t thread,
                                       std::vector<Handover>* handovers) {
  char frame[16 + Left * 8];
  asm volatile("" : : "r"(frame) : "memory");
  if constexpr (Left == 0) {
    MeasuredLoop(options, thread, handovers);
  } else if (Left > options.depth) {
    Descend<0>(options, thread, handovers);
  } else {
    Descend<Left - 1>(options, thread, handovers);
  }
  asm volatile("" : : "r"(frame) : "memory");  // the frame lives, and this is no tail call
}

template <std::uint64_t Most>
void DescendFrom(const Options& options, std::uint64_t thread, std::vector<Handover>* handovers) {
  if constexpr (Most == 0) {
    MeasuredLoop(options, thread, handovers);
  } else if (options.depth == Most) {
    Descend<Most - 1>(options, thread, handovers);
  } else {
    DescendFrom<Most - 1>(options, thread, handovers);
  }
}

std::uint64_t ChildrenCpu() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto nanoseconds = [](const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_usec) * 1'000;
  };
  return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

int Main(int argc, char** argv) {
  Arguments arguments(argc, argv);
  Options options;
  options.workload = arguments.Text("--workload", "pair");
  options.operations = arguments.Number("--operations", 1'000'000);
  options.warmup = arguments.Number("--warmup", options.operations / 10);
  options.settle_ms = arguments.Number("--settle-ms", 0);
  options.threads = arguments.Number("--threads", 1);
  options.depth = arguments.Number("--depth", 0);
  options.hold_large = arguments.Number("--hold-large", 0);
  options.large_bytes = arguments.Number("--large-bytes", 1 << 20);
  options.use_new = arguments.Flag("--new");
  options.fill = arguments.Flag("--fill");
  options.alone = arguments.Flag("--alone");
  arguments.Done();
  const bool cross = options.workload == "cross";
  if (cross && options.threads % 2 != 0) {
    std::fprintf(stderr, "allocation_loop: --workload cross needs an even number of --threads\n");
    return 2;
  }
  const char* known[] = {"pair", "ring", "calloc", "realloc", "cross", "fork"};
  if (std::none_of(std::begin(known), std::end(known),
                   [&](const char* name) { return options.workload == name; })) {
    std::fprintf(stderr, "allocation_loop: no workload is called %s\n", options.workload.c_str());
    return 2;
  }

  std::vector<void*> held;
  for (std::uint64_t i = 0; i < options.hold_large; ++i) {
    held.push_back(std::malloc(options.large_bytes));
  }

  std::vector<Handover> handovers(cross ? options.threads / 2 : 0);
  std::barrier start(static_cast<std::ptrdiff_t>(options.threads));
  const auto work = [&](std::uint64_t thread) {
    RunLoop(options, options.warmup, thread, &handovers);
    start.arrive_and_wait();  // all are warm
    start.arrive_and_wait();  // the clock runs
    DescendFrom<16>(options, thread, &handovers);
  };
  std::vector<std::thread> others;
  for (std::uint64_t i = 1; i < options.threads; ++i) others.emplace_back(work, i);
  std::mutex idle;
  idle.lock();
  std::thread second;
  if (options.threads == 1 && !options.alone)
    second = std::thread([&] { std::lock_guard l(idle); });

  // The main thread is worker 0, and has the clocks.
  RunLoop(options, options.warmup, 0, &handovers);
  std::this_thread::sleep_for(std::chrono::milliseconds(options.settle_ms));
  start.arrive_and_wait();
  const std::uint64_t wall = Now(CLOCK_MONOTONIC);
  const std::uint64_t cpu = Now(CLOCK_PROCESS_CPUTIME_ID) + ChildrenCpu();
  start.arrive_and_wait();
  DescendFrom<16>(options, 0, &handovers);
  for (std::thread& thread : others) thread.join();
  const std::uint64_t cpu_ns = Now(CLOCK_PROCESS_CPUTIME_ID) + ChildrenCpu() - cpu;
  const std::uint64_t wall_ns = Now(CLOCK_MONOTONIC) - wall;
  idle.unlock();
  if (second.joinable()) second.join();

  // A pair that crosses threads is one operation of a producer and one of a consumer.
  const std::uint64_t workers = cross ? options.threads / 2 : options.threads;
  const double total = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  std::printf(
      "result workload=%s threads=%lu operations=%lu warmup=%lu cpu_ns=%lu wall_ns=%lu "
      "mean_size=%.1f\n",
      options.workload.c_str(), options.threads, options.operations * workers,
      options.warmup * workers, cpu_ns, wall_ns, total / kRequestSizes);
  for (void* pointer : held) std::free(pointer);
  return 0;
}

}  // namespace
}  // namespace wrackline::bench

int main(int argc, char** argv) { return wrackline::bench::Main(argc, argv); }
