// How much of the VM's memory is resident, by kind (message JvmResident): the mappings of the process, which are told apart by
// what the VM says of its addresses (vm_ranges.h, heap_info.h), by the stack pointers of the threads, and by who mapped them.
//
//   resident.ClearRanges(); resident.AddRange(kind, range); ...
//   resident.AddMappedByVm(state, libjvm's code);
//   resident.Read("self");
//
// The pages are counted by mincore, those of a file's private copy by pagemap: of the VM's mappings alone. ZGC's heap, which is shared memory
// mapped three times over, takes smaps, where the kernel walks every page of the process (16 to 27 ms per GiB resident, mincore 1.3; with the mmap
// lock held for reading): for a DutyLimiter. Never allocates; zero-initialised it is empty.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/jvm/heap_info.h"
#include "preload/sampling/profile_state.h"

namespace wrackline::preload {

// As JvmResident.Kind.
enum class JvmKind {
  kNone,
  kHeap,
  kMetaspace,
  kClassSpace,
  kCodeCache,
  kThreadStacks,
  kArchive,
  kOther
};
constexpr int kJvmKinds = 8;

struct JvmMemory {
  std::uint64_t anonymous, shared, mapped;  // bytes
};

class JvmResidentMemory {
 public:
  static constexpr int kMostRanges = 256;
  static constexpr int kMostMapped = 8192;  // by libjvm
  static constexpr int kMostThreads = 16384;

  void ClearRanges() { range_count_ = 0; }
  void AddRange(JvmKind kind, const AddressRange& range);
  // The anonymous mappings that were made by code in `libjvm`, and the stacks that were mapped for threads.
  void SetMappedByVm(const ProfileState* state, const AddressRange& libjvm);

  // False: the process's files cannot be read, and nothing changed.
  bool Read(const char* pid);
  const JvmMemory& Of(JvmKind kind) const { return memory_[static_cast<int>(kind)]; }

  // Takes a line of smaps; for tests and fuzzers, with Begin and Finish around all of them. `resident_in`: bytes of that address
  // space which are resident.
  using ResidentIn = std::size_t (*)(const void* start, std::size_t bytes);
  void Begin(ResidentIn resident_in);
  void TakeLine(const char* line, std::size_t size);
  void Finish() { TakeMapping(); }
  void AddStackPointer(std::uint64_t address, std::uint32_t thread);
  void SortStackPointers();

 private:
  struct Thread {
    std::uint64_t stack_pointer;
    std::uint32_t id;
  };
  struct Range {
    AddressRange at;
    JvmKind kind;
  };
  void ReadThreads(const char* pid);
  // False: it takes smaps.
  bool ReadMaps();
  bool ReadSmaps(const char* pid);
  bool OfVm() const;
  JvmKind KindByName(bool stacks_are_taken) const;
  std::uint64_t TakeJoinedStacks();
  void Add(JvmKind kind, std::uint64_t anonymous, std::uint64_t mapped);
  bool TakeRanges();
  void TakeMapping();

  Range ranges_[kMostRanges];
  int range_count_;
  AddressRange mapped_[kMostMapped];  // sorted
  int mapped_count_;
  AddressRange stacks_[kMostMapped];  // sorted
  int stack_count_;
  Thread threads_[kMostThreads];  // sorted by stack pointer
  Thread earlier_[kMostThreads];  // of the reading before, for a thread that runs just now
  int thread_count_, earlier_count_;
  JvmMemory memory_[kJvmKinds];

  ResidentIn resident_in_;
  // The mapping whose lines are being read.
  bool in_mapping_;
  AddressRange mapping_;
  bool anonymous_mapping_, heap_by_name_, archive_by_name_, stack_by_name_, huge_by_name_;
  std::uint64_t anonymous_, pss_;
};

}  // namespace wrackline::preload
