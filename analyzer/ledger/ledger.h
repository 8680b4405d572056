// Ledger: one list of lines, each byte in exactly one line, whose sum is the cgroup's charge.
//
// `unexplained` closes the sum. It is signed, always shown, and the only figure here that is a
// remainder: every other line comes from a source of its own (docs/ledger.md has the sources and
// the rules against double counting).
//
//   std::optional<Ledger> ledger = BuildLedger(evidence);
//   ledger->Sum() + ledger->unexplained == ledger->total      always
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"

namespace wrackline::ledger {

// What the lines add up to.
enum class Basis {
  kCharge,    // the cgroup's charge: what the kernel compares with the limit
  kResident,  // the process's resident set, where the cgroup is not this process's own or there is
              // none
  kMetrics,   // what a scrape of metrics names: a part of the process's memory, and not known how
              // large a part. `unexplained` is then 0 and means nothing.
};

// When: a killed process held the most at its end; one that exited cleanly has given its memory
// back by then, and its peak says more.
enum class When { kEnd, kPeak };

enum class Holder {
  kRocksDb,
  kNative,
  kJvm,
  kAllocator,
  kWrackline,
  kOtherProcesses,
  kFile,
  kKernel
};

enum class Confidence {
  kExact,       // counted by its owner
  kSampled,     // estimated from samples, with a standard error
  kDerived,     // computed from counted figures
  kUpperBound,  // at most this much is resident
};

// A share of a line, by what it is made of: data blocks of a cache. The parts are the line's amount.
struct Part {
  std::string label;
  Bytes amount;
};

struct Line {
  std::string
      id;  // stable, for programs: "rocksdb.memtables", "native.site", "file.page_cache", ...
  std::string label;  // for people; may hold names from the recording
  Holder holder = Holder::kNative;
  Bytes amount;
  std::optional<Bytes> standard_error;
  std::optional<Bytes> budget;  // what the configuration lets it take
  std::string source;           // where the figure comes from
  Confidence confidence = Confidence::kExact;
  std::vector<Part> parts = {};  // empty: not known

  // What it takes beyond its budget.
  std::optional<Bytes> Overshoot() const;
};

// The kind of page, as the kernel tells them apart.
enum class Category { kAnonymous, kFile, kShared, kKernel };

// Lines that one budget grants together, or that one owner holds: a node of the tree between the category and the lines.
struct Group {
  std::string id;     // stable: "rocksdb", "jvm.overhead"
  std::string label;  // for people: "RocksDB"
  Category category = Category::kAnonymous;
  Bytes amount;                         // of its lines
  std::optional<Bytes> standard_error;  // of its sampled lines together
  std::optional<Bytes> budget;
  std::string budget_source;       // "taskmanager.memory.managed.size (tm.log)"
  std::vector<std::size_t> lines;  // indexes of Ledger::lines, in their order

  std::optional<Bytes> Overshoot() const;
};

struct Ledger {
  Basis basis = Basis::kCharge;
  When moment = When::kEnd;
  Bytes total;
  evidence::Time time;              // of the total
  evidence::Duration before_end{};  // from then to the last record
  std::vector<Line> lines;
  // The tree: every line is in one group. In the order of the kernel's categories, those that have lines.
  std::vector<Group> groups;
  Bytes unexplained;
  std::optional<evidence::AllocatorFigures> allocator;  // that the allocator's lines come from
  std::vector<std::string> notes;  // what a reader must know to trust the figures

  Bytes Sum() const;
  Bytes Of(Holder holder) const;
  Bytes Of(Category category) const;
  // nullptr: it has no line.
  const Group* Find(std::string_view group) const;
};

// Nothing when neither the charge nor the resident set was recorded, and there are no metrics.
std::optional<Ledger> BuildLedger(const evidence::Evidence& evidence);

std::string_view Name(Basis basis);
std::string_view Name(When moment);
std::string_view Name(Holder holder);
std::string_view Name(Confidence confidence);
std::string_view Name(Category category);

}  // namespace wrackline::ledger
