// The parts of a diff, one function each. A section without rows is left out by the caller.
#pragma once

#include "analyzer/diff/diff.h"

namespace wrackline::diff {

// Counted rows are judged by the thresholds alone, sampled ones by the tests too (diff.cc).
Section LedgerSection(const evidence::Evidence& before, const evidence::Evidence& after);
Section SiteSection(const evidence::Evidence& before, const evidence::Evidence& after);
Section ThreadSection(const evidence::Evidence& before, const evidence::Evidence& after);
Section RocksDbSection(const evidence::Evidence& before, const evidence::Evidence& after);
Section RocksDbObjectSection(const evidence::Evidence& before, const evidence::Evidence& after);
Section JvmSection(const evidence::Evidence& before, const evidence::Evidence& after);

// A site's name across processes and builds: its functions, without the allocator's entry, without what the C library and the linker
// put around a thread, and without the numbers that a VM gives to classes made at run time.
std::string SiteKey(const evidence::Site& site);

}  // namespace wrackline::diff
