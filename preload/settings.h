// The environment variables of the shim (docs/preload.md lists them for users). Parsed once, in the
// constructor, without allocation; a value that does not parse is said on stderr once and its
// default is taken: a typo never stops a program.
#pragma once

#include <cstdint>

namespace wrackline::preload {

struct Settings {
  char output_folder[2048] =
      {};  // WRACKLINE_OUT; default ${TMPDIR:-/tmp}/wrackline, made with mode 0700
  std::uint64_t interval =
      512 * 1024;  // WRACKLINE_INTERVAL: mean bytes between samples; 0 switches sampling off
  std::uint64_t recorder_bytes = 64 << 20;  // WRACKLINE_RECORDER_SIZE; at least 1 MiB
  char only[512] = {};  // WRACKLINE_ONLY: glob on the executable's name; empty: every program
  std::uint32_t keep_files =
      16;  // WRACKLINE_KEEP=FILES[,BYTES]: files per folder, this one included
  std::uint64_t keep_bytes = 1ull << 30;  //   and their bytes
  std::uint32_t max_depth = 128;          // WRACKLINE_DEPTH: frames kept per stack, at most 128
  bool place = true;     // WRACKLINE_REGION=off: sampled objects stay where the allocator puts them
  bool mappings = true;  // WRACKLINE_MAPPINGS=off: anonymous mappings are not recorded
  bool jvm = true;       // WRACKLINE_JVM=off: a VM in the process is left alone; native stacks only
  // WRACKLINE_ROCKSDB=off|MILLISECONDS: how often databases that a JVM's RocksDB opened are read; 0: they are left alone
  std::uint32_t rocksdb_period_ms = 1000;
  bool verbose = false;  // WRACKLINE_VERBOSE: say on stderr what is done
};

// Reads the environment (`environ`; `executable` is the name WRACKLINE_ONLY is matched with).
// False: WRACKLINE_ONLY does not match: stay inactive.
bool ReadSettings(char** environment, const char* executable, Settings* out);

// Shell glob: *, ?, [abc], [!a-z]. Linear time.
bool GlobMatches(const char* pattern, const char* text);

}  // namespace wrackline::preload
