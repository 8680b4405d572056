// What the profile formats are written from: every stack with its addresses and names, what lives there by thread, and what it ever
// allocated.
//
//   Profile     mappings, frames, threads, stacks
//   Frame       one address of a stack, named; a Java frame has an address of the VM's that means nothing elsewhere
//   Stack       frames, innermost first, and its amounts
//
//   const Profile profile = ProfileOfRecording(recording);
//   std::string bytes = Pprof(profile);          // pprof.h
//
// Figures are estimates of what the samples stand for (docs/sampling.md): bytes as recorded, and objects of size s as weight / s.
// Objects allocated are not recorded; they follow from the mean size of what lives, else of what was drawn. Names are as recorded:
// each format makes them safe for itself. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/heap_profile.h"
#include "lib/recorder/reader.h"

namespace wrackline::exports {

struct Mapping {
  std::uint64_t start = 0, limit = 0, offset = 0;  // limit: one past the last byte
  std::string path, build_id;                      // build_id: lower-case hex, or empty
};

struct Frame {
  std::uint64_t address = 0;  // return address; 0: none
  std::optional<std::size_t> mapping;
  // Innermost inlined function first; never empty.
  std::vector<evidence::SiteFrame> names;
};

struct Thread {
  std::string name;  // empty: not known
  std::string op;    // Flink's operator chain; empty: none
  std::string
      family;  // of RocksDB's, where a RocksDB stack of this thread can be of one only; else empty
};

// Objects of one size that were drawn; or, where another tool's profile has only their sum, of about that size.
struct Drawn {
  std::uint64_t objects = 0, bytes = 0;
};

struct Amount {
  std::int64_t bytes = 0;
  double objects = 0;
};

struct Live {
  std::size_t thread = 0;  // index of Profile::threads
  Amount amount;
};

struct Stack {
  std::vector<std::size_t> frames;  // innermost first
  bool truncated = false, in_rocksdb = false;
  std::vector<Live> live;    // one a thread
  std::vector<Drawn> drawn;  // live samples by size
  Amount allocated;
  std::uint64_t allocated_samples = 0;

  Amount LiveOfAll() const;
};

struct Profile {
  std::string subject;  // "java (pid 12 on host)"
  Bytes interval;       // mean bytes between samples; 0: not known
  std::optional<evidence::Time> start, end;
  std::vector<Mapping> mappings;
  std::vector<Frame> frames;
  std::vector<Thread> threads;  // the first: not known
  std::vector<Stack> stacks;
  // Whether it says what was live, and what was allocated since the start: another tool's profile may say one of them only.
  bool live_known = true, allocated_known = true;

  Amount Live() const, Allocated() const;
};

Profile ProfileOfRecording(const recorder::Recording& recording);

// Of another tool's. It knows no threads. `symbols` may be null.
Profile ProfileOfHeapProfile(const evidence::HeapProfile& profile, evidence::SymbolFolders* symbols,
                             std::vector<std::string>* remarks);

// "decoder.so+0x12" and the like are printable already, anything else is made so. Never empty.
std::string NameOf(const evidence::SiteFrame& frame);

// The objects of one size, `weight` bytes for each drawn: the size of which a sample stands for so much. At least 1.
double SizeOfWeight(double weight, double interval);

}  // namespace wrackline::exports
