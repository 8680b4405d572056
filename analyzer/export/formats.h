// The formats of `wrackline export` (docs/export.md), one file each. Names are hostile: every format gets them without control
// characters, bidirectional overrides and what it means something by itself. Pure; any thread.
#pragma once

#include <string>

#include "analyzer/export/profile.h"
#include "analyzer/report/report.h"
#include "lib/base/result.h"

namespace wrackline::exports {

// Which of a stack's amounts, where a format has room for one.
enum class Value { kLive, kAllocated };

// profile.proto of pprof, gzipped: inuse_objects, inuse_space, alloc_objects, alloc_space. What lives has the labels "thread", "operator"
// and "rocksdb_family" where they are known; what was allocated is not recorded by thread and stands in samples of its own.
std::string Pprof(const Profile& profile);

// "outermost;...;innermost BYTES", a stack a line, stacks of the same names together, in the order of their text.
std::string Collapsed(const Profile& profile, Value value);

// speedscope's file format: one sampled profile of what lives, and one of what was allocated where that is known.
std::string Speedscope(const Profile& profile);

// A dump as jemalloc writes it. `named`: after the table of symbols that `jeprof --raw` writes, so that no binary is needed and Java's
// frames have names. Errors: the sampling interval is not known.
Result<std::string> Jemalloc(const Profile& profile, bool named);

// RFC 4180, one row a line of the ledger. Errors: there is no ledger.
Result<std::string> LedgerCsv(const report::Report& report);

// For a pull request or a ticket.
std::string ReportMarkdown(const report::Report& report);

}  // namespace wrackline::exports
