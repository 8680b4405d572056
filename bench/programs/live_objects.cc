// A process with so many live requested bytes, of which few are resident: the objects are not written. Prints one line:
//
//   result objects=1048000 live_bytes=34359738368 peak_rss=4300000000
//
//   live_objects [--bytes 32g] [--smallest 16k] [--largest 48k] [--stay-ms N]
//
// glibc writes its header in front of each object, so a page an object is resident: 4 GiB with the figures above.
#include <chrono>
#include <thread>
#include <vector>

#include "bench/programs/arguments.h"
#include "bench/programs/peak_resident.h"

int main(int argc, char** argv) {
  wrackline::bench::Arguments arguments(argc, argv);
  const std::uint64_t bytes = arguments.Number("--bytes", std::uint64_t{32} << 30);
  const std::uint64_t smallest = arguments.Number("--smallest", 16 << 10);
  const std::uint64_t largest = arguments.Number("--largest", 48 << 10);
  const std::uint64_t stay_ms = arguments.Number("--stay-ms", 0);
  arguments.Done();

  std::uint64_t random = 20240229;
  std::uint64_t live = 0;
  std::vector<void*> objects;
  objects.reserve(2 * bytes / (smallest + largest) * 5 / 4);
  while (live < bytes) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const std::uint64_t size = smallest + (random >> 33) % (largest - smallest + 1);
    void* object = std::malloc(size);
    if (object == nullptr) {
      std::fprintf(stderr, "live_objects: no memory after %lu bytes\n", live);
      return 1;
    }
    objects.push_back(object);
    live += size;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(stay_ms));  // a profiler's threads catch up
  std::printf("result objects=%lu live_bytes=%lu peak_rss=%lu\n", objects.size(), live,
              wrackline::bench::PeakResident());
  std::fflush(stdout);
  return 0;  // everything is still live when the recording ends
}
