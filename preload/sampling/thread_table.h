// ThreadTable: the threads that made a sample or a mapping, with their names.
//
//   entry = table.Enter(tid, now_ms);            // on the thread, once
//   table.SetJava(entry, env);                   // on the thread, when the VM turns out to know it
//
// A thread enters with its id alone: asking the kernel for its name is a system call that a seccomp
// filter may punish, and most threads are named only after their first allocation anyway. The
// recorder thread reads the kernel's names (thread_comms.h), the JVM thread Java's
// (jvm/thread_names.h).
//
// Slots are given out in a circle. One whose thread has ended is used again when the circle comes
// round, so that the newest threads are there and old ones as long as there is room; one whose
// thread lives is never taken.
//
// All zero is the empty table. Lock-free: whoever writes an entry or copies it takes its flag, and
// whoever finds it taken goes away and comes later.
#pragma once

#include <atomic>
#include <cstdint>

namespace wrackline::preload {

struct ThreadEntry {
  // As Thread in wrackline.proto.
  std::uint32_t thread_id;
  std::uint32_t since_ms;
  const void* jni_env;  // the VM's name for the thread; null: the VM does not know it, or not yet
  char comm[16];        // ended by a zero, as the next
  char java_name[256];  // UTF-8; longer names are cut
};

class ThreadTable {
 public:
  static constexpr std::uint32_t kSlots = 8192;
  static constexpr std::uint32_t kProbes = 16;  // slots that are looked at for one that is free

  // What the calling thread is called from here on: a number above 0; kFull when there is no room.
  static constexpr std::uint32_t kFull = ~std::uint32_t{0};
  std::uint32_t Enter(std::uint32_t thread_id, std::uint32_t since_ms);
  // The VM knows the calling thread as `jni_env`. Cheap when that is known already.
  void SetJava(std::uint32_t entry, const void* jni_env);

  // --- wrackline's own threads; a slot is below used() ---
  std::uint32_t used() const;
  // False: the slot is empty, or somebody is at it.
  bool Read(std::uint32_t slot, ThreadEntry* out);
  // Sets a name, when the slot still is that thread's. False: somebody is at it.
  bool SetComm(std::uint32_t slot, const ThreadEntry& thread, const char* comm);
  bool SetJavaName(std::uint32_t slot, const ThreadEntry& thread, const char* name);
  // Without reading the whole entry.
  std::uint32_t SinceOf(std::uint32_t slot) const {
    return slots_[slot].since_ms.load(std::memory_order_relaxed);
  }
  const void* JavaOf(std::uint32_t slot) const {
    return slots_[slot].jni_env.load(std::memory_order_relaxed);
  }
  // Its thread is gone: the slot may be used again.
  void End(std::uint32_t slot, const ThreadEntry& thread);
  // Calls visit(slot) for each slot changed since it was last taken; visit returns false to leave it
  // for the next time.
  template <typename Visit>
  void TakeDirty(Visit visit);
  std::uint64_t full() const { return full_.load(std::memory_order_relaxed); }

 private:
  enum State : std::uint32_t { kEmpty, kLives, kEnded };
  struct Slot {
    std::atomic<std::uint32_t> taken;  // whoever made it 1 may touch the rest
    std::atomic<std::uint32_t> state, thread_id, since_ms;
    std::atomic<const void*> jni_env;
    char comm[sizeof(ThreadEntry::comm)];
    char java_name[sizeof(ThreadEntry::java_name)];
  };
  static bool Take(Slot* slot) {
    std::uint32_t taken = 0;
    return slot->taken.compare_exchange_strong(taken, 1, std::memory_order_acquire);
  }
  static void Leave(Slot* slot) { slot->taken.store(0, std::memory_order_release); }
  static bool Is(const Slot& slot, const ThreadEntry& thread);
  void MarkDirty(std::uint32_t slot);
  bool SetName(std::uint32_t slot, const ThreadEntry& thread, char* name, std::uint32_t room,
               const char* text);

  Slot slots_[kSlots];
  std::atomic<std::uint64_t> dirty_[kSlots / 64];
  std::atomic<std::uint32_t> entered_, wrapped_;
  std::atomic<std::uint64_t> full_;
};

template <typename Visit>
void ThreadTable::TakeDirty(Visit visit) {
  for (std::uint32_t word = 0; word < kSlots / 64; ++word) {
    if (dirty_[word].load(std::memory_order_relaxed) == 0) continue;
    std::uint64_t bits = dirty_[word].exchange(0, std::memory_order_acq_rel);
    while (bits != 0) {
      const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      bits &= bits - 1;
      if (!visit(slot)) MarkDirty(slot);
    }
  }
}

}  // namespace wrackline::preload
