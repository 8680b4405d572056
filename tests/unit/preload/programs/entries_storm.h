// The storm on every entry point (entries.h), and on mmap, munmap and mremap: many threads draw them at
// random, hand blocks over to each other, end and begin anew, and look at every byte of what they hold.
// Sizes are 0 to 4 MiB.
//
//   storm::EntriesStorm storm(storm::FindEntries(""), storm::Mapper{mmap, munmap, mremap});
//   storm.Run(32, std::chrono::seconds(4));
//   storm.result();   // counted by the storm itself, to be held against what a profiler counted
//   storm.mapped();   // ranges that are mapped now
//   storm.UnmapAll();
//
// The bytes are read and written by code that ThreadSanitizer does not look at: it cannot see what makes
// the memory of an uninstrumented allocator pass from one thread to the next.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/preload/programs/entries.h"

namespace wrackline::storm {

struct Mapper {
  void* (*map)(void* at, std::size_t length, int protection, int flags);
  int (*unmap)(void* at, std::size_t length);
  void* (*remap)(void* old, std::size_t old_length, std::size_t length, int flags, void* at);
};

struct EntriesResult {
  std::uint64_t operations = 0;
  std::uint64_t allocations = 0;  // of more than no bytes; each resize is one
  std::uint64_t bytes = 0;
  std::uint64_t handed_over = 0;
  std::uint64_t threads = 0;
  std::uint64_t wrong = 0;

  void Add(const EntriesResult& other);
};

class EntriesThread;

class EntriesStorm {
 public:
  static constexpr std::size_t kBoxes = 64;
  struct Range {
    std::uintptr_t start, end;
    bool operator==(const Range& other) const { return start == other.start && end == other.end; }
  };

  EntriesStorm(Entries entries, const Mapper& mapper);
  EntriesStorm(const EntriesStorm&) = delete;
  EntriesStorm& operator=(const EntriesStorm&) = delete;
  ~EntriesStorm();

  // `count` threads at a time for so long. Afterwards every block is freed.
  void Run(std::uint32_t count, std::chrono::milliseconds duration);
  const EntriesResult& result() const { return result_; }
  // Of each function by its name.
  std::map<std::string, std::uint64_t> Calls() const;

  // By address; neighbours are one.
  std::vector<Range> mapped() const;
  void UnmapAll();

 private:
  friend class EntriesThread;
  struct Box {
    std::mutex mutex;
    Block block;
  };

  Entries entries_;
  Mapper mapper_;
  Box boxes_[kBoxes];
  std::vector<std::unique_ptr<EntriesThread>> threads_;
  EntriesResult result_;
};

// Neighbours become one.
std::vector<EntriesStorm::Range> Joined(std::vector<EntriesStorm::Range> ranges);

}  // namespace wrackline::storm
