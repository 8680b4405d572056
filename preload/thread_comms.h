// ThreadComms: reads the kernel's names of the threads in the table, and sees which have ended.
//
// A thread is mostly named after its first allocation (RocksDB's "rocksdb:low", the VM's
// "C2 CompilerThre"), and may be renamed: it is looked at right away and then after 1, 2, 4 ... 64 s.
// One look is one small file of /proc, some 5 us, that waits for no lock of the process's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/sampling/thread_table.h"

namespace wrackline::preload {

class ThreadComms {
 public:
  static constexpr std::uint32_t kLooks = 32;  // in one call

  // Maps its memory. 0 or an errno value.
  int Open();
  // Looks at threads whose time has come, `most` at most. The threads are those of the process
  // ROOT/proc/PID.
  void Look(ThreadTable* threads, std::uint64_t now_ns, std::uint32_t most = kLooks,
            const char* root = "", const char* pid = "self");
  std::size_t resident_bytes() const;

 private:
  struct Seen {
    std::uint32_t thread_id, since_ms;
    std::uint64_t next_ns;      // 0: never looked at
    std::uint32_t period_s;     // 0: the thread has ended
    std::uint64_t start_ticks;  // tells a thread from a later one of the same id; 0: not known
  };
  Seen* seen_ = nullptr;
};

}  // namespace wrackline::preload
