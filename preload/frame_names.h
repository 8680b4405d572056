// Names for the frames of recorded stacks, taken while the process lives, so that a file explains
// itself without binaries.
//
// Two halves. FrameNames belongs to the recorder thread: which return addresses occur, which names
// are known, what is in the file. NamingJob is what it hands to the assistant thread, one object at
// a time: reading a binary's symbol table may wait for a busy disk, and the recorder thread must
// not. Lines come later, by jobs of their own (frame_lines.h). Java frames are named by the JVM thread (jvm/java_names.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/frame_lines.h"
#include "preload/jvm/java_names.h"
#include "preload/module_file.h"
#include "preload/modules.h"
#include "preload/state_sink.h"

namespace wrackline::preload {

struct NamingJob {
  static constexpr std::uint32_t kMaxAddresses = 2048;
  static constexpr std::size_t kNameBytes = 1 << 19;
  static constexpr std::size_t kMaxName = 4096;  // a longer one is cut

  struct Address {
    std::uint64_t pc;
    std::uint32_t entry;   // of FrameNames
    std::uint32_t name;    // out: its place in `names`; kNoName, or kNoRoom: ask again
    std::uint64_t offset;  // out: pc minus the symbol's start
  };
  static constexpr std::uint32_t kNoName = UINT32_MAX;
  static constexpr std::uint32_t kNoRoom = UINT32_MAX - 1;

  ModuleInfo module;
  std::uint32_t module_id;
  std::uint32_t count;
  Address addresses[kMaxAddresses];
  ModuleFile::Lines lines;  // out: whether the module has any
  std::size_t names_used;
  char names[kNameBytes];
  symbols::CheckedFile checked;  // kept from one job to the next
};

// Looks the job's addresses up in its module's file, or in its separate debug file. A file that is not the loaded one (its build
// id differs, or, where there is none, its inode) gives no names. A return address lies behind its
// call: pc - 1 is what is looked up.
void ResolveNames(NamingJob* job);

class FrameNames {
 public:
  static constexpr std::uint32_t kMaxNames = 1u << 16;

  // `name_bytes`: room for symbols. 0 or an errno value.
  int Open(std::size_t name_bytes);

  // Notes the return addresses of a new stack.
  void Add(const std::uint64_t* frames, std::uint32_t depth, std::uint64_t now_ns);
  // Finds the modules of waiting addresses. What was noted before `scanned_ns`, when the last scan
  // of the modules began, and is in none of them gets no name (code made at run time).
  void Place(const ModuleTable& modules, std::uint64_t scanned_ns);
  // True when an address waits that no known module holds: a scan of the modules is due.
  bool WantsModules() const { return unplaced_ > 0; }
  // Fills `job` with waiting addresses of one module, those noted at least `patience_ns` ago.
  // False: none.
  bool MakeJob(const ModuleTable& modules, std::uint64_t now_ns, std::uint64_t patience_ns,
               NamingJob* job);
  void TakeJob(const NamingJob& job);
  bool waiting() const { return waiting_ > 0; }

  // The same for Java frames, which have no module.
  bool MakeJavaJob(JavaNamingJob* job);
  void TakeJavaJob(const JavaNamingJob& job);
  bool java_waiting() const { return java_waiting_ > 0; }
  // Java frames that will never have a name. `vm_gone`: nor those that wait.
  std::uint64_t java_lost(bool vm_gone) const { return java_lost_ + (vm_gone ? java_waiting_ : 0); }

  // The same for lines: of named addresses, whose module has some.
  bool MakeLineJob(const ModuleTable& modules, std::uint64_t now_ns, std::uint64_t patience_ns,
                   LineJob* job);
  void TakeLineJob(const LineJob& job);
  bool lines_waiting() const { return lines_waiting_ > 0; }

  std::uint64_t unnamed() const { return unnamed_; }
  std::uint64_t full() const { return full_; }
  // Named frames whose module has lines that could not be read, or kept.
  std::uint64_t lines_unread() const { return lines_unread_; }

  void NewFile() {
    written_ = 0;
    lines_written_ = lined_count_;  // those are written with their names
  }
  void PutChanges(StateSink& sink);
  // See recorder::EmitState; `*index` counts from 0.
  bool Emit(std::uint64_t* index, StateSink& sink) const;
  std::size_t resident_bytes() const;

 private:
  enum class State : std::uint8_t { kWaiting, kNamed, kUnnamed, kWaitingForVm };
  struct Entry {
    std::uint64_t pc;
    std::uint64_t offset;
    std::uint64_t noted_ns;
    std::uint32_t name;  // in names_
    std::uint32_t module_id;
    std::uint32_t line;  // 0: unknown
    std::uint32_t file;  // in names_, where there is a line
    State state;
    bool placed;      // a module holds it
    bool wants_line;  // named, in a module with lines, not asked yet
  };
  struct Known {  // a symbol or path in names_, found by its hash
    std::uint32_t hash, name;
  };

  bool Keep(const char* symbol, std::uint32_t* name);
  // Puts entries[0..count), as many as one record takes; returns how many, 0: refused or none left.
  std::uint32_t PutBatch(const std::uint32_t* entries, std::uint64_t count, StateSink& sink) const;

  // Both hash tables begin small, in the first part of their room, and are made anew at twice the size: hashes
  // would touch every page of the whole room at once.
  static constexpr std::uint32_t kIndexSlots = 2 * kMaxNames;
  static constexpr std::uint32_t kFirstSlots = 1u << 12;
  std::uint32_t PlaceOf(std::uint64_t pc) const;
  std::uint32_t PlaceOf(const char* symbol, std::uint32_t hash) const;
  void GrowIndex();
  void GrowKnown();
  std::uint32_t index_slots_ = kFirstSlots;
  std::uint32_t known_slots_ = kFirstSlots;
  Entry* entries_ = nullptr;
  std::uint32_t* index_ = nullptr;  // hash of pc to entry + 1
  std::uint32_t* named_ = nullptr;  // named entries, in the order they got their names
  std::uint32_t* lined_ = nullptr;  // those with a line, in the order they got it
  Known* known_ = nullptr;
  char* names_ = nullptr;
  std::size_t name_bytes_ = 0;
  std::size_t names_used_ = 0;
  std::uint32_t kept_ = 0;      // names in known_
  std::size_t path_bytes_ = 0;  // of all lines: a path is repeated in the file with each of them
  std::uint32_t count_ = 0;
  std::uint32_t waiting_ = 0;
  std::uint32_t first_waiting_ = 0;  // no entry before it waits
  std::uint32_t unplaced_ = 0;
  std::uint32_t java_waiting_ = 0;
  std::uint32_t first_java_ = 0;  // no Java frame before it waits
  std::uint64_t java_lost_ = 0;
  std::uint32_t named_count_ = 0;
  std::uint64_t written_ = 0;  // of named_
  std::uint32_t lines_waiting_ = 0;
  std::uint32_t first_lineless_ = 0;  // no entry before it waits for its line
  std::uint32_t lined_count_ = 0;
  std::uint64_t lines_written_ = 0;  // of lined_
  std::uint64_t lines_unread_ = 0;
  std::uint64_t unnamed_ = 0;
  std::uint64_t full_ = 0;
};

}  // namespace wrackline::preload
