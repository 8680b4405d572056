// Stacks by the names of their frames, outermost first, for the formats that know no addresses.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analyzer/export/formats.h"

namespace wrackline::exports {

// Of names: a frame for each distinct function, file and line.
struct NamedFrame {
  std::string name, file;
  std::uint32_t line = 0;
  auto operator<=>(const NamedFrame&) const = default;
};

struct NamedStacks {
  std::vector<NamedFrame> frames;
  // Outermost first; stacks without an amount are left out.
  std::map<std::vector<std::size_t>, std::int64_t> live, allocated;
};

NamedStacks NameStacks(const Profile& profile);

}  // namespace wrackline::exports
