// What the evidence lacks: each source that would have explained more, and the command that gets it.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"

namespace wrackline::evidence {

struct Lack {
  std::string kind;   // stable, for programs: "recording", "smaps", "native_memory_tracking", ...
  std::string title;  // "the process's smaps"
  std::string why;    // what it would say: one clause
  std::string how;    // how to get it: a command, or a setting
};

// The most telling first. POD and PID in the commands stand for the reader's own.
std::vector<Lack> WhatLacks(const Evidence& evidence);

}  // namespace wrackline::evidence
