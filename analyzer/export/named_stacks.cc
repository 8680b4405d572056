#include "analyzer/export/named_stacks.h"

#include <algorithm>

#include "analyzer/render/inert.h"

namespace wrackline::exports {

NamedStacks NameStacks(const Profile& profile) {
  NamedStacks named;
  std::map<NamedFrame, std::size_t> known;
  const auto add = [&](NamedFrame frame) {
    const auto [place, fresh] = known.try_emplace(std::move(frame), named.frames.size());
    if (fresh) named.frames.push_back(place->first);
    return place->second;
  };
  std::vector<std::vector<std::size_t>> of_frame(profile.frames.size());
  for (std::size_t i = 0; i < profile.frames.size(); ++i) {
    for (const evidence::SiteFrame& name : profile.frames[i].names)
      of_frame[i].push_back(add({NameOf(name), render::Inert(name.file, true), name.line}));
  }
  for (const Stack& stack : profile.stacks) {
    std::vector<std::size_t> frames;
    for (const std::size_t frame : stack.frames)
      frames.insert(frames.end(), of_frame[frame].begin(), of_frame[frame].end());
    if (frames.empty()) frames.push_back(add({"(no stack)", "", 0}));
    if (stack.truncated) frames.push_back(add({"(cut)", "", 0}));
    std::reverse(frames.begin(), frames.end());
    if (const Amount live = stack.LiveOfAll(); live.bytes > 0) named.live[frames] += live.bytes;
    if (stack.allocated.bytes > 0) named.allocated[frames] += stack.allocated.bytes;
  }
  return named;
}

}  // namespace wrackline::exports
