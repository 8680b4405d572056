// What the readers of heap profiles share: lines, numbers, stacks, mappings, and the arithmetic of samples.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "analyzer/evidence/heap_profile.h"

namespace wrackline::evidence {

// The next line without its end (LF or CR LF), taken off `rest`. Precondition: it is not empty.
std::string_view TakeProfileLine(std::string_view* rest);
// Without blanks at both ends.
std::string_view Trimmed(std::string_view text);
// Takes `literal` off the front, and blanks before and behind it; false leaves `rest` as it is.
bool TakeLiteral(std::string_view literal, std::string_view* rest);
// Takes a decimal number off the front, blanks before it too.
std::optional<std::uint64_t> TakeNumber(std::string_view* rest);
// The same in hexadecimal, with or without 0x.
std::optional<std::uint64_t> TakeHex(std::string_view* rest);

// "3: 1234 [5: 6789]": objects and bytes alive, and allocated since the start, as they were drawn.
struct DrawnCounts {
  std::uint64_t live_objects = 0, live_bytes = 0, allocated_objects = 0, allocated_bytes = 0;
};
std::optional<DrawnCounts> TakeCounts(std::string_view* rest);

// How the drawn figures of a profile become estimates.
enum class Sampling {
  kNone,     // they are the figures
  kPoisson,  // an allocation of s bytes was drawn with probability 1 - exp(-s / interval)
  kUniform,  // gaps up to twice the interval, all equally likely: gperftools of long ago
};

// jeprof's arithmetic: all objects of a stack are taken to have their mean size.
HeapProfile::Amount Scaled(std::uint64_t objects, std::uint64_t bytes, Sampling sampling,
                           double interval);
// The variance of the estimate. An object of s bytes adds s^2 (1 - p) / p (docs/sampling.md); a profile has only the mean size of a
// stack's objects, and small ones among large ones would be overlooked with it. So the larger of two is taken: all of the mean size,
// and sizes spread exponentially around it (docs/heap-profiles.md).
double VarianceOf(const HeapProfile::Amount& estimate, double interval);

// Adds stacks to a profile, each address once.
class StackAdder {
 public:
  explicit StackAdder(HeapProfile* profile) : profile_(profile) {}
  // Reads addresses up to the first that is none. Addresses are return addresses: the call is before them.
  HeapProfile::Stack ReadStack(std::string_view addresses);
  void Add(HeapProfile::Stack stack, const DrawnCounts& counts, Sampling sampling);

 private:
  HeapProfile* const profile_;
  std::size_t frames_ = 0;  // of all stacks
  std::unordered_map<std::uint64_t, std::uint32_t> known_;
};

// A dump that was cut has fewer stacks than its header says: a note, for what is there is true. `stacks`: their sum.
void CompareWithHeader(const DrawnCounts& header, const DrawnCounts& stacks, HeapProfile* profile);

// The lines behind "MAPPED_LIBRARIES:" or "--- Memory map:".
bool BeginsMappings(std::string_view line);
void ReadMappings(std::string_view text, HeapProfile* profile);

// The names that `jeprof --raw` writes before a profile: "--- symbol", lines of an address and a name, "---", "--- heap". They are
// taken off `rest`; false: there are none.
class SymbolTable {
 public:
  bool Take(std::string_view* rest);
  // Gives the profile's locations their names.
  void Name(HeapProfile* profile) const;

 private:
  std::unordered_map<std::uint64_t, std::string_view> names_;
};

// The formats. `text` begins with the header line of the format.
Result<HeapProfile> ParseJemallocProfile(std::string_view text);
Result<HeapProfile> ParseGperftoolsProfile(std::string_view text);
bool IsJemallocHeader(std::string_view text);
bool IsGperftoolsHeader(std::string_view text);

}  // namespace wrackline::evidence
