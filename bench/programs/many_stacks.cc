// Many threads that allocate from many distinct stacks, for what a profiler needs of memory. Prints one line:
//
//   result stacks=10000 threads=64 allocated_bytes=7390000 held=1 peak_rss=9000000
//
//   many_stacks [--threads 64] [--stacks 10000] [--frames 16] [--bytes N] [--free] [--stay-ms N]
//
// Each stack allocates once: a request of the usual sizes (mean 739 bytes), or of --bytes, untouched. All threads live to the end;
// the objects too, unless --free; then the program stays for --stay-ms, so that
// a profiler's own threads catch up. A stack is a path through eight functions, chosen by the digits of its number, so that all frames are
// real return addresses of different code, and no two stacks are equal.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

#include "bench/programs/arguments.h"
#include "bench/programs/peak_resident.h"
#include "bench/programs/request_sizes.h"

namespace wrackline::bench {
namespace {

struct Walk {
  std::uint64_t path;    // the functions still to go through, an octal digit each
  std::uint64_t frames;  // and how many
  std::size_t size;
  void* object = nullptr;
};

using Step = void (*)(Walk*);
extern const Step steps[8];

template <int Kind>
__attribute__((noinline)) void Go(Walk* walk) {
  char frame[16 + Kind * 24];
  asm volatile("" : : "r"(frame) : "memory");
  if (walk->frames == 0) {
    walk->object = std::malloc(walk->size);
    if (walk->object == nullptr) std::abort();
  } else {
    const std::uint64_t digit = walk->path % 8;
    walk->path /= 8;
    --walk->frames;
    steps[digit](walk);
  }
  asm volatile("" : : "r"(frame) : "memory");  // the frame lives, and this is no tail call
}

const Step steps[8] = {Go<0>, Go<1>, Go<2>, Go<3>, Go<4>, Go<5>, Go<6>, Go<7>};

int Main(int argc, char** argv) {
  Arguments arguments(argc, argv);
  const std::uint64_t threads = arguments.Number("--threads", 64);
  const std::uint64_t stacks = arguments.Number("--stacks", 10000);
  const std::uint64_t frames = arguments.Number("--frames", 16);
  const std::uint64_t bytes = arguments.Number("--bytes", 0);
  const std::uint64_t stay_ms = arguments.Number("--stay-ms", 0);
  const bool free_them = arguments.Flag("--free");
  arguments.Done();
  if (stacks > 1u << 15 || frames < 5 || frames > 21) {
    std::fprintf(stderr, "many_stacks: at most 32768 stacks, of 5 to 21 frames\n");
    return 2;
  }

  const std::array<std::uint16_t, kRequestSizes> sizes = RequestSizes();
  std::vector<void*> held(stacks);
  std::atomic<std::uint64_t> allocated = 0;
  std::barrier together(static_cast<std::ptrdiff_t>(threads) + 1);
  const auto work = [&](std::uint64_t thread) {
    for (std::uint64_t stack = thread; stack < stacks; stack += threads) {
      // The number's own five digits make the path unique, the mixed ones above make the rest of it varied.
      const std::uint64_t mixed = (stack + 1) * 0x9e3779b97f4a7c15u >> 16;
      Walk walk{(mixed << 15) | stack, frames, bytes != 0 ? bytes : sizes[stack % kRequestSizes]};
      steps[stack % 8](&walk);
      allocated += walk.size;
      if (free_them) {
        std::free(walk.object);
      } else {
        held[stack] = walk.object;
      }
    }
    together.arrive_and_wait();  // all have allocated
    together.arrive_and_wait();  // the peak is known
  };
  std::vector<std::thread> workers;
  for (std::uint64_t i = 0; i < threads; ++i) workers.emplace_back(work, i);
  together.arrive_and_wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(stay_ms));
  const std::uint64_t peak = PeakResident();
  together.arrive_and_wait();
  for (std::thread& worker : workers) worker.join();
  std::printf("result stacks=%lu threads=%lu allocated_bytes=%lu held=%d peak_rss=%lu\n", stacks,
              threads, allocated.load(), free_them ? 0 : 1, peak);
  return 0;
}

}  // namespace
}  // namespace wrackline::bench

int main(int argc, char** argv) { return wrackline::bench::Main(argc, argv); }
