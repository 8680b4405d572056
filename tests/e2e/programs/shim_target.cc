// The program that the e2e tests profile. Its subcommands are the ways in which a process lives and
// ends.
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

extern "C" __attribute__((weak)) int wrackline_submit(std::uint64_t, std::uint32_t, const void*,
                                                      std::size_t);
extern "C" __attribute__((weak)) int wrackline_recording();

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t g_random = 88172645463325252ull;
std::uint64_t Random() {
  g_random ^= g_random << 13;
  g_random ^= g_random >> 7;
  return g_random ^= g_random << 17;
}

extern "C" __attribute__((noinline)) void* ShimTargetAllocate(std::size_t size) {
  void* block = std::malloc(size);
  // The write keeps the compiler from leaving the call out or jumping into it.
  if (block != nullptr) *static_cast<volatile char*>(block) = 1;
  return block;
}

// Replaces blocks of 16 B to 64 KiB for `seconds`; returns the longest that one malloc or free
// took, in nanoseconds.
std::uint64_t Churn(double seconds, std::size_t blocks) {
  std::vector<void*> held(blocks, nullptr);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::uint64_t longest = 0;
  for (auto before = Clock::now(); before < end;) {
    void*& block = held[Random() % held.size()];
    std::free(block);
    block = ShimTargetAllocate(16u << (Random() % 13));
    const auto after = Clock::now();
    const auto took = static_cast<std::uint64_t>((after - before).count());
    if (took > longest) longest = took;
    before = after;
  }
  for (void* block : held) std::free(block);
  return longest;
}

// Touches 1 MiB every `milliseconds` until it is killed.
[[noreturn]] void Grow(int milliseconds) {
  for (;;) {
    std::memset(ShimTargetAllocate(1 << 20), 1, 1 << 20);
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  }
}

// Anonymous growth while a disk is busy: one thread writes a file and syncs it, one reads another
// again and again, so that the cgroup reclaims page cache to the end.
[[noreturn]] void Thrash(const std::string& folder) {
  std::thread([folder] {
    const std::vector<char> block(1 << 20, 'w');
    const int file = open((folder + "/written").c_str(), O_CREAT | O_RDWR | O_TRUNC, 0600);
    for (std::uint64_t i = 0;; ++i) {
      if (pwrite(file, block.data(), block.size(), static_cast<off_t>((i % 256) << 20)) < 0) break;
      if (i % 16 == 15) fdatasync(file);
    }
  }).detach();
  std::thread([folder] {
    std::vector<char> block(1 << 20);
    const int file = open((folder + "/read").c_str(), O_RDONLY);
    for (std::uint64_t i = 0;; ++i) {
      if (pread(file, block.data(), block.size(), static_cast<off_t>((i % 256) << 20)) < 0) break;
    }
  }).detach();
  Grow(40);
}

int Threads() {
  FILE* file = std::fopen("/proc/self/status", "r");
  char line[256];
  int threads = 0;
  while (file != nullptr && std::fgets(line, sizeof(line), file) != nullptr) {
    if (std::sscanf(line, "Threads: %d", &threads) == 1) break;
  }
  if (file != nullptr) std::fclose(file);
  return threads;
}

// Allocations that are surely sampled at the tests' interval.
void Sampled() {
  for (int i = 0; i < 200; ++i) {
    void* block = ShimTargetAllocate(50000);
    if (i % 2 == 0) std::free(block);
  }
}

int Fork() {
  Sampled();
  const pid_t child = fork();
  if (child == 0) {
    Sampled();
    std::printf("child recording %d\n", wrackline_recording ? wrackline_recording() : -1);
    std::fflush(stdout);
    _exit(3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  std::printf("parent recording %d child %d\n", wrackline_recording ? wrackline_recording() : -1,
              WEXITSTATUS(status));
  return 0;
}

int Vfork() {
  Sampled();
  const pid_t child = vfork();
  if (child == 0) _exit(3);
  int status = 0;
  waitpid(child, &status, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  std::printf("parent recording %d child %d\n", wrackline_recording ? wrackline_recording() : -1,
              WEXITSTATUS(status));
  return 0;
}

int Submit() {
  if (!wrackline_submit) return 1;
  // Record{time_ns: 5, rocksdb_database: {database_id: 9, path: "/db"}}
  const unsigned char record[] = {0x08, 5, 0x62, 7, 0x08, 9, 0x12, 3, '/', 'd', 'b'};
  int refused = 0;
  // Once the recorder has found out that it can or cannot make a file.
  for (int i = 0; i < 20; ++i) {
    refused = wrackline_submit(9, 1, record, sizeof(record));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::printf("submit %d malformed %d wrong kind %d\n", refused,
              wrackline_submit(1, 2, "\xff\xff", 2), wrackline_submit(1, 9, record, 4));
  return 0;
}

// Everything that mmap, munmap and mremap can do to an area of 1,024 pages, by chance, also in a child;
// then the area's bounds, and what the kernel has in it that is anonymous.
int Mappings() {
  Sampled();
  constexpr std::uint64_t kPage = 4096;
  constexpr std::uint64_t kPages = 1024;
  const auto access = [](std::uint64_t n) {
    return n % 3 == 0 ? PROT_NONE : PROT_READ | PROT_WRITE;
  };
  // Far from where the kernel puts what has no address of its own: nobody else fills the holes.
  void* const far = reinterpret_cast<void*>(std::uintptr_t{0x100000000000});
  char* area = static_cast<char*>(
      mmap(far, kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  const int file = open("/proc/self/exe", O_RDONLY);
  const auto run = [&](int calls) {
    for (int i = 0; i < calls; ++i) {
      const std::uint64_t pages = Random() % 8 + 1;
      char* at = area + Random() % (kPages - 8) * kPage;
      char* to = area + Random() % (kPages - 8) * kPage;
      switch (Random() % 8) {
        case 0:
          munmap(at, pages * kPage);
          break;
        case 1:
          munmap(at + 1, pages * kPage);  // refused
          break;
        case 2:
          // One mapping, onto anything; onto itself it is refused.
          mmap(at, pages * kPage, access(Random()), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
          mremap(at, pages * kPage, pages * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, to);
          break;
        case 3:
          mremap(at, pages * kPage, (Random() % pages + 1) * kPage, 0);  // shorter
          break;
        case 4:
          mmap(at, pages * kPage, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0);
          break;
        default:
          mmap(at, pages * kPage, access(Random()), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
      }
    }
  };
  run(3000);
  const pid_t child = fork();
  if (child == 0) {
    run(300);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  run(300);

  const auto start = reinterpret_cast<std::uint64_t>(area);
  const std::uint64_t end = start + kPages * kPage;
  std::printf("%llx %llx\n", static_cast<unsigned long long>(start),
              static_cast<unsigned long long>(end));
  FILE* maps = std::fopen("/proc/self/maps", "r");
  char line[4096];
  while (maps != nullptr && std::fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long long from = 0;
    unsigned long long to = 0;
    unsigned long long inode = 0;
    char rights[8] = "";
    if (std::sscanf(line, "%llx-%llx %7s %*s %*s %llu", &from, &to, rights, &inode) != 4) continue;
    // A neighbour of the same kind may have become one with it.
    if (from < start) from = start;
    if (to > end) to = end;
    if (from < to) std::printf("%llx %llx %s %d\n", from, to, rights, inode != 0 ? 1 : 0);
  }
  return 0;
}

// 64 MiB in blocks of 256 KiB, a quarter of each touched, and 16 MiB in blocks of 16 KiB of which nothing is; then waits.
void Reserve(double seconds) {
  constexpr std::size_t kLarge = 256 << 10, kSmall = 16 << 10;
  for (int i = 0; i < 256; ++i) {
    auto* block = static_cast<char*>(std::malloc(kLarge));
    std::memset(block, 1, kLarge / 4);
  }
  for (int i = 0; i < 1024; ++i) {
    void* volatile block = std::malloc(kSmall);
    (void)block;
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

std::atomic<int> g_running{0};
std::atomic<bool> g_half_ends{false};

// The argument: 0 lives on, 1 returns, 2 leaves by pthread_exit.
void* Worker(void* kind) {
  g_running.fetch_add(1);
  while (!g_half_ends.load()) std::this_thread::yield();
  if (kind == nullptr) {
    for (;;) pause();
  }
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  if (kind == reinterpret_cast<void*>(2)) pthread_exit(nullptr);
  return nullptr;
}

extern "C" __attribute__((noinline)) int ShimTargetStart(pthread_t* thread,
                                                         const pthread_attr_t* attributes,
                                                         std::uintptr_t kind) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const int error = pthread_create(thread, attributes, Worker, reinterpret_cast<void*>(kind));
  return error == 0 ? 0 : 1;  // no jump into it
}

// Thirty threads of 512 KiB, of which ten are there at the end; another one runs on a stack of the program's.
int Workers() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 512 << 10);
  std::vector<pthread_t> threads(30);
  int failed = 0;
  for (std::size_t i = 0; i < threads.size(); ++i)
    failed += ShimTargetStart(&threads[i], &attributes, i % 3);
  constexpr std::size_t kOwnStack = 128 << 10;
  void* stack =
      mmap(nullptr, kOwnStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_attr_setstack(&attributes, stack, kOwnStack);
  pthread_t own;
  failed += ShimTargetStart(&own, &attributes, 0);
  pthread_attr_destroy(&attributes);
  while (failed == 0 && g_running.load() < 31) std::this_thread::yield();
  g_half_ends.store(true);
  for (std::size_t i = 0; i < threads.size(); ++i) {
    if (i % 3 != 0) pthread_join(threads[i], nullptr);
  }
  return failed;
}

// Until the shim has made this process's file, and a step's time more for what is written first into it.
void WaitForOwnFile() {
  const char* const folder = std::getenv("WRACKLINE_OUT");
  if (folder == nullptr) return;
  const std::string part = "-" + std::to_string(getpid()) + "-";
  for (int tries = 0; tries < 3000; ++tries) {
    std::error_code none;
    for (const auto& file : std::filesystem::directory_iterator(folder, none)) {
      if (file.path().filename().string().find(part) == std::string::npos) continue;
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  const double number = count > 2 ? std::atof(arguments[2]) : 0;
  if (what == "churn") {
    std::printf("longest %llu ns\n", static_cast<unsigned long long>(Churn(number, 4000)));
    return 7;
  }
  if (what == "quiet") {  // deterministic output
    Sampled();
    std::this_thread::sleep_for(std::chrono::duration<double>(number));
    std::puts("quiet output");
    std::fputs("quiet error\n", stderr);
    return 7;
  }
  if (what == "reserve") Reserve(number);
  if (what == "grow") Grow(static_cast<int>(number));
  if (what == "thrash") Thrash(arguments[2]);
  if (what == "threads") return std::printf("threads %d\n", Threads()) > 0 ? 0 : 1;
  if (what == "fork") return Fork();
  if (what == "vfork") return Vfork();
  if (what == "submit") return Submit();
  if (what == "mappings") return Mappings();
  if (what == "workers") return Workers();
  Sampled();
  if (what == "exit") std::exit(5);
  if (what == "_exit") _exit(5);
  if (what == "_Exit") std::_Exit(5);
  if (what == "quick_exit") std::quick_exit(5);
  if (what == "abort") {
    WaitForOwnFile();
    std::abort();
  }
  if (what == "exec") {
    WaitForOwnFile();
    execl(arguments[0], arguments[0], "exit", nullptr);
  }
  if (what == "system") return std::system("exit 4") >> 8;
  if (what == "short") return 0;
  return 2;
}
