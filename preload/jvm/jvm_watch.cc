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
// Started when the VM's heap and its classes are there; a VM that has nothing to do by the clock starts no later one that is known.
constexpr char kLateThread[] = "Service Thread";
constexpr std::uint64_t kPatienceNs = 2 * kSecond;

bool IsLibjvm(const char* path) {
  if (path == nullptr) return false;
  const char* slash = std::strrchr(path, '/');
  return std::strcmp(slash != nullptr ? slash + 1 : path, kLibrary) == 0;
}

// Several threads may come here at once.
void Seen(const char* path) {
  g_jvm.library.store(path, std::memory_order_relaxed);
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

struct VmThreads {
  bool last = false, late = false;
};

void LookAtThread(int tasks, const char* task, VmThreads* seen) {
  Text<64> path;
  path.Append(task).Append("/comm");
  const int file = openat(tasks, path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char name[16] = {};
  const ssize_t got = read(file, name, sizeof(name));
  close(file);
  const auto is = [&](const char* wanted, std::size_t length) {
    return got >= static_cast<ssize_t>(length) && std::memcmp(name, wanted, length) == 0;
  };
  seen->last = seen->last || is(kLastThread, sizeof(kLastThread) - 1);
  seen->late = seen->late || is(kLateThread, sizeof(kLateThread) - 1);
}

VmThreads ThreadsOfVm() {
  VmThreads seen;
  const int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tasks < 0) return seen;
  alignas(8) char buffer[4096];
  while (!seen.last) {
    const long got = syscall(SYS_getdents64, tasks, buffer, sizeof(buffer));
    if (got <= 0) break;
    for (long at = 0; at < got && !seen.last;) {
      const auto* entry = reinterpret_cast<const KernelEntry*>(buffer + at);
      at += entry->length;
      if (entry->name[0] != '.') LookAtThread(tasks, entry->name, &seen);
    }
  }
  close(tasks);
  return seen;
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
  const VmThreads threads = ThreadsOfVm();
  if (threads.last) return true;
  // Not by the time alone: a VM that touches a large heap first, or has little of a processor, is half built for longer.
  if (!threads.late) return false;
  if (g_jvm.late_ns == 0) g_jvm.late_ns = now_ns;
  return now_ns > g_jvm.late_ns + kPatienceNs;
}

}  // namespace wrackline::preload
