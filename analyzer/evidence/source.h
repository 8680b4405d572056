// A source: one file that says something of the process's memory, recognised by its content.
//
// Readers are the rows of one table (sources.cc). Each looks at the beginning of a file, says whether the file is of its kind, and adds
// what it holds to the Evidence. The bytes are from outside: hostile until parsed.
//
// Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "analyzer/evidence/evidence.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

struct SourceFile {
  std::string name;       // below the folder that was asked for: "jcmd/nmt.txt"
  std::string_view text;  // all of it
  Time modified;          // by the file system: when it was taken, where its text does not say
  // The first 64 KiB: what a reader recognises its files by.
  std::string_view Head() const { return text.substr(0, std::size_t{64} * 1024); }
};

struct SourceReader {
  const char* kind;   // stable, for programs: "nmt", "kernel_log", "smaps"
  const char* title;  // for people: "the JVM's Native Memory Tracking"
  bool (*recognises)(const SourceFile& file);
  // Adds what the file holds, and returns one clause that says what that was ("614.2 MiB committed in 23 categories"). An error leaves
  // the evidence as it was, and says what is wrong with the file.
  Result<std::string> (*add)(const SourceFile& file, Evidence* evidence);
};

// In the order in which they are asked and applied: what others build on first.
std::span<const SourceReader> SourceReaders();

}  // namespace wrackline::evidence
