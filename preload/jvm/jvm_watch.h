// Whether there is a VM in this process, and in which part of its life.
//
// A program without libjvm pays one look at an atomic for each mapping call. With it: libjvm maps memory as soon as it runs,
// and its first call is noticed by the caller's address (kSeen); where glibc is older than 2.35, its first one after the objects
// were looked at. The thread that called makes the JVM thread (jvm_thread.h), which has to have the program's table of
// descriptors: made by a thread of ours, which has a table of its own, the VM's code would read other files there than it opened.
// The VM may be asked when it is built (kBuilt): the VM itself says so to an agent; a preload sees that the VM's last thread of its
// start-up is there, because until JDK-8308341 the VM could be found before it was complete. VMDeath ends it all.
//
// Static memory, all zero: no VM is looked for.
#pragma once

#include <atomic>
#include <cstdint>

struct JavaVM_;
struct _jvmtiEnv;

namespace wrackline::preload {

enum class JvmStage : std::uint32_t {
  kOff,       // nobody looks
  kWatching,  // no VM so far
  kSeen,      // libjvm runs, and the JVM thread was made
  kBuilt,     // the VM may be asked
  kServed,    // the JVM thread may ask it
  kDying,     // VMDeath: the last names are taken
  kGone,      // the VM is not asked any more
};

enum class MadeThread { kYes, kLater, kNever };

struct JvmWatch {
  std::atomic<JvmStage> stage;
  std::uint64_t late_ns;               // CLOCK_MONOTONIC: a late thread was seen; recorder thread
  std::atomic<const char*> library;    // libjvm's path as the loader has it; null: not known
  std::atomic<const char*> loaded_by;  // "preload", "agent", "attach"
  std::atomic<bool> alone;             // this library is not preloaded: it sees no allocation
  // From an agent's entry; null: to be found.
  std::atomic<JavaVM_*> vm;
  std::atomic<_jvmtiEnv*> jvmti;
  // Makes the JVM thread, once, from a thread of the program's. Null: nobody is to.
  std::atomic<MadeThread (*)()> make_thread;
  std::atomic<std::uint32_t> wakes;  // futex: the JVM thread is to look what there is to do
  std::atomic<std::uint32_t>
      settled;  // futex: 1 when the last names are taken, or nobody takes any
  std::atomic<std::uint32_t>
      left;  // futex: 1 when the JVM thread has left the VM, or there is none
};
inline constinit JvmWatch g_jvm{};

inline JvmStage StageOfJvm() { return g_jvm.stage.load(std::memory_order_acquire); }
// Goes on from one stage to a later one; false: it is not at `from`.
inline bool Advance(JvmStage from, JvmStage to) {
  return g_jvm.stage.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

// --- hooks: any thread ---
namespace internal {
void LookAtMapper(const void* caller);
}
// A mapping call came from `caller`.
inline void NoticeMapper(const void* caller) {
  if (g_jvm.stage.load(std::memory_order_relaxed) == JvmStage::kWatching) [[unlikely]] {
    internal::LookAtMapper(caller);
  }
}

// --- a thread of the program's: the VM's that runs an agent ---
// The JVM thread is there, or will never be.
void MakeJvmThread();

// --- recorder thread ---
// Whether the VM that is at kSeen is built; asks the kernel for the process's threads: its last thread is there, or, where there is
// nothing for that to do and it is never started, another late one has been for 2 s.
bool JvmIsBuilt(std::uint64_t now_ns);

}  // namespace wrackline::preload
