#include <map>

#include "analyzer/export/named_stacks.h"

namespace wrackline::exports {
namespace {

// ";" parts frames, and a line that begins with "#" is a comment to some readers.
std::string Safe(std::string name) {
  for (std::size_t at = 0; (at = name.find(';', at)) != std::string::npos;) name[at] = ',';
  if (name.front() == '#') name.replace(0, 1, "\\x23");
  return name;
}

}  // namespace

std::string Collapsed(const Profile& profile, Value value) {
  const NamedStacks named = NameStacks(profile);
  std::vector<std::string> names;
  names.reserve(named.frames.size());
  for (const NamedFrame& frame : named.frames) names.push_back(Safe(frame.name));
  // Frames that differ by their line alone are one here.
  std::map<std::string, std::int64_t> lines;
  for (const auto& [frames, bytes] : value == Value::kLive ? named.live : named.allocated) {
    std::string line;
    for (const std::size_t frame : frames)
      line.append(line.empty() ? "" : ";").append(names[frame]);
    lines[std::move(line)] += bytes;
  }
  std::string text;
  for (const auto& [line, bytes] : lines)
    text.append(line).append(" ").append(std::to_string(bytes)).append("\n");
  return text;
}

}  // namespace wrackline::exports
