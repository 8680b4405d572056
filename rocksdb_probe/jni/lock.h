// A lock and a bell, without pthread and without allocation: they work on any thread of any program.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace wrackline::rocksdb_jni {

inline void SleepWhile(std::atomic<std::uint32_t>* word, std::uint32_t expected,
                       const timespec* until) {
  syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected, until, nullptr,
          FUTEX_BITSET_MATCH_ANY);
}
inline void WakeAll(std::atomic<std::uint32_t>* word) {
  syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX, nullptr, nullptr, 0);
}

// All zero bytes is a free lock. Held for moments, and never over a call into RocksDB or the VM.
class Lock {
 public:
  void Take() {
    std::uint32_t free = 0;
    if (word_.compare_exchange_strong(free, 1, std::memory_order_acquire)) return;
    while (word_.exchange(2, std::memory_order_acquire) != 0) SleepWhile(&word_, 2, nullptr);
  }
  void Give() {
    if (word_.exchange(0, std::memory_order_release) == 2) WakeAll(&word_);
  }

 private:
  std::atomic<std::uint32_t> word_{0};  // 0 free, 1 held, 2 held and waited for
};

class Locked {
 public:
  explicit Locked(Lock* lock) : lock_(lock) { lock_->Take(); }
  ~Locked() { lock_->Give(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  Lock* const lock_;
};

}  // namespace wrackline::rocksdb_jni
