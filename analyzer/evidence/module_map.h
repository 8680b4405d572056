// Which module an address was in, of a recording's modules: several may have been at one place one after the other.
#pragma once

#include <cstdint>
#include <map>

#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Of modules that share addresses the one that is still loaded has them, of several of a kind the last. Building takes n log n.
// Keeps pointers into the recording.
class ModuleMap {
 public:
  explicit ModuleMap(const recorder::Recording& recording);
  // `pc`: a return address, which lies behind its call. nullptr: in none that is known.
  const proto::Module* Of(std::uint64_t pc) const;

 private:
  struct Range {
    std::uint64_t end = 0;
    const proto::Module* module = nullptr;
  };
  void Split(std::uint64_t at);
  void Put(const proto::Module& module);

  std::map<std::uint64_t, Range> ranges_;  // by start; they do not overlap
};

}  // namespace wrackline::evidence
