// jemalloc's text ("heap_v2"), whose figures are those that were drawn: jeprof and our own reader scale n objects of s bytes to
// n s / (1 - exp(-s / interval)). So that this gives back what was recorded, objects of each size have an entry of their own; readers
// add up entries of the same stack. Of what was allocated only the count and the sum of weights is known: its size is the one that
// weight stands for.
#include <fmt/core.h>

#include <cmath>
#include <iterator>

#include "analyzer/export/formats.h"
#include "analyzer/render/inert.h"

namespace wrackline::exports {
namespace {

// jeprof leaves out frames above 2^63, where Java's have their mark; without it they are nowhere where code can be.
std::uint64_t Address(const Frame& frame) { return frame.address & ~(std::uint64_t{1} << 63); }

// Behind the table an address is one inside of the call. Readers take one off each address of a stack, jeprof not off the innermost.
std::uint64_t Key(const Frame& frame) { return Address(frame) - 1; }

// "--" parts inlined functions there; jeprof drops what is in brackets, and a name that is nothing else would vanish.
std::string SymbolName(const evidence::SiteFrame& frame) {
  std::string name = NameOf(frame);
  for (std::size_t at = 0; (at = name.find("--", at)) != std::string::npos;)
    name.insert(at + 1, 1, ' ');
  if (name.front() == '(' || name.front() == '<') {
    name.front() = '[';
    if (name.back() == ')' || name.back() == '>') name.back() = ']';
  }
  return name;
}

void AddSymbols(const Profile& profile, std::string* out) {
  *out += "--- symbol\n";
  const std::string program =
      profile.mappings.empty() ? "" : render::Inert(profile.mappings.front().path, true);
  *out += "binary=" + program + "\n";
  for (const Frame& frame : profile.frames) {
    if (frame.address == 0) continue;
    std::string names;
    for (const evidence::SiteFrame& name : frame.names)
      names.append(names.empty() ? "" : "--").append(SymbolName(name));
    fmt::format_to(std::back_inserter(*out), "0x{:016x} {}\n", Key(frame), names);
  }
  *out += "---\n--- heap\n";
}

// What is mapped, as /proc/self/maps says it; a path cannot hold a line's end.
void AddMappings(const Profile& profile, std::string* out) {
  *out += "\nMAPPED_LIBRARIES:\n";
  for (const Mapping& mapping : profile.mappings)
    fmt::format_to(std::back_inserter(*out), "{:08x}-{:08x} r-xp {:08x} 00:00 0 {}\n",
                   mapping.start, mapping.limit, mapping.offset, render::Inert(mapping.path, true));
}

}  // namespace

Result<std::string> Jemalloc(const Profile& profile, bool named) {
  if (profile.interval.count <= 0)
    return Error{"jemalloc's format needs the sampling interval, and it is not known here",
                 "export the samples as pprof"};
  const auto interval = static_cast<double>(profile.interval.count);
  std::uint64_t objects = 0, bytes = 0, all_objects = 0, all_bytes = 0;
  std::string stacks;
  const auto out = std::back_inserter(stacks);
  for (const Stack& stack : profile.stacks) {
    std::uint64_t allocated = stack.allocated.bytes > 0 ? stack.allocated_samples : 0;
    std::uint64_t allocated_bytes = 0;
    if (allocated > 0) {
      const auto count = static_cast<double>(allocated);
      allocated_bytes = static_cast<std::uint64_t>(std::llround(
          count * SizeOfWeight(static_cast<double>(stack.allocated.bytes) / count, interval)));
    }
    all_objects += allocated;
    all_bytes += allocated_bytes;
    std::string addresses = "@";
    for (std::size_t i = 0; i < stack.frames.size(); ++i) {
      const std::uint64_t address = Address(profile.frames[stack.frames[i]]);
      fmt::format_to(std::back_inserter(addresses), " {:#x}", i == 0 ? address - 1 : address);
    }
    if (stack.frames.empty()) addresses += " 0x1";
    const auto add = [&](const Drawn& drawn) {
      fmt::format_to(out, "{}\n  t*: {}: {} [{}: {}]\n", addresses, drawn.objects, drawn.bytes,
                     allocated, allocated_bytes);
      objects += drawn.objects;
      bytes += drawn.bytes;
      allocated = allocated_bytes = 0;
    };
    for (const Drawn& drawn : stack.drawn) add(drawn);
    if (allocated > 0) add({});
  }
  std::string text;
  if (named) AddSymbols(profile, &text);
  fmt::format_to(std::back_inserter(text), "heap_v2/{}\n  t*: {}: {} [{}: {}]\n",
                 profile.interval.count, objects, bytes, all_objects, all_bytes);
  text += stacks;
  AddMappings(profile, &text);
  return text;
}

}  // namespace wrackline::exports
