// The allocator's figures in words: what it holds beyond the program's use, its arenas against the
// processors that the container may use, and what to set.
//
// Every sentence is of figures that the allocator gave (docs/preload.md); what it does not count is
// said to be not known. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"

namespace wrackline::diagnosis {

// What it holds, and how its arenas stand to the processors; a few sentences without their full
// stop, none for figures that are missing.
std::vector<std::string> AllocatorFacts(const evidence::ProcessFacts& process,
                                        const evidence::AllocatorFigures& figures);

// Of these, the one on the arenas: how many there are, and for how many processors; nothing where the
// allocator has none.
std::optional<std::string> ArenasFact(const evidence::ProcessFacts& process,
                                      const evidence::AllocatorFigures& figures);

// What would make it keep less, each with its price; empty where the figures do not support any.
// The number of arenas advised is one for each processor that the container may use, two at least:
// as many threads can run at once. Without a CPU quota no number is given.
std::vector<std::string> AllocatorAdvice(const evidence::ProcessFacts& process,
                                         const evidence::AllocatorFigures& figures);

}  // namespace wrackline::diagnosis
