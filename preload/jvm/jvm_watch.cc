#include "preload/jvm/jvm_watch.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "preload/clock.h"
#include "preload/futex.h"
#include "preload/recording_control.h"
#include "preload/sampling/profile_state.h"
#include "preload/text.h"
#include "preload/unwind/local_objects.h"

namespace wrackline::preload {
namespace {

constexpr char kLibrary[] = "libjvm.so";
// What the kernel keeps of "VM Periodic Task Thread", in JDK 8 to 25.
constexpr char kLastThread[] = "VM Periodic Tas";
constexpr std::uint64_t kPatienceNs = 2 * kSecond;

bool IsLibjvm(const char* path) {
  if (path == nullptr) return false;
  const char* slash = std::strrchr(path, '/');
  return std::strcmp(slash != nullptr ? slash + 1 : path, kLibrary) == 0;
}

// Several threads may come here at once.
void Seen(const char* path) {
  g_jvm.library.store(path, std::memory_order_relaxed);
  g_jvm.seen_ns.store(MonotonicNs(), std::memory_order_relaxed);
  const char* nobody = nullptr;
  g_jvm.loaded_by.compare_exchange_strong(nobody, "preload", std::memory_order_relaxed);
  const auto make = g_jvm.make_thread.load(std::memory_order_acquire);
  const MadeThread made = make != nullptr ? make() : MadeThread::kNever;
  // Later: by the next call that is libjvm's.
  if (made == MadeThread::kNever) Advance(JvmStage::kWatching, JvmStage::kGone);
  if (made == MadeThread::kYes && Advance(JvmStage::kWatching, JvmStage::kSeen)) {
    FutexWake(&g_control.stop);
  }
}

// As the kernel's getdents64 gives it; opendir would allocate.
struct KernelEntry {
  std::uint64_t inode;
  std::int64_t offset;
  std::uint16_t length;
  std::uint8_t type;
  char name[1];
};

bool IsLastThread(int tasks, const char* task) {
  Text<64> path;
  path.Append(task).Append("/comm");
  const int file = openat(tasks, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char name[16] = {};
  const ssize_t got = read(file, name, sizeof(name));
  close(file);
  constexpr ssize_t kLength = sizeof(kLastThread) - 1;
  return got >= kLength && std::memcmp(name, kLastThread, kLength) == 0;
}

bool LastThreadIsThere() {
  const int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tasks < 0) return false;
  alignas(8) char buffer[4096];
  bool found = false;
  while (!found) {
    const long got = syscall(SYS_getdents64, tasks, buffer, sizeof(buffer));
    if (got <= 0) break;
    for (long at = 0; at < got && !found;) {
      const auto* entry = reinterpret_cast<const KernelEntry*>(buffer + at);
      at += entry->length;
      found = entry->name[0] != '.' && IsLastThread(tasks, entry->name);
    }
  }
  close(tasks);
  return found;
}

}  // namespace

namespace internal {

[[gnu::noinline, gnu::cold]] void LookAtMapper(const void* caller) {
  if (!Active()) return;  // a forked child
  const int saved_errno = errno;
  LocalObject object;
  if (FindLocalObject(reinterpret_cast<std::uint64_t>(caller), &object) && IsLibjvm(object.path)) {
    Seen(object.path);
  }
  errno = saved_errno;
}

}  // namespace internal

void MakeJvmThread() {
  const auto make = g_jvm.make_thread.load(std::memory_order_acquire);
  for (;;) {
    const MadeThread made = make != nullptr ? make() : MadeThread::kNever;
    if (made == MadeThread::kYes) return;
    if (made == MadeThread::kNever)
      return g_jvm.stage.store(JvmStage::kGone, std::memory_order_release);
    sched_yield();
  }
}

bool JvmIsBuilt(std::uint64_t now_ns) {
  return LastThreadIsThere() ||
         now_ns > g_jvm.seen_ns.load(std::memory_order_relaxed) + kPatienceNs;
}

}  // namespace wrackline::preload
