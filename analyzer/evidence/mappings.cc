#include "analyzer/evidence/mappings.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "analyzer/evidence/convert.h"
#include "analyzer/evidence/frame_namer.h"

namespace wrackline::evidence {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// By who called mmap: the process knows its allocator's code; of the others the file's name tells.
MappingKind KindOf(const proto::Mapping& mapping, const std::vector<SiteFrame>& frames) {
  if (mapping.stack_hint()) return MappingKind::kThreadStack;
  if (mapping.by_allocator()) return MappingKind::kAllocator;
  if (frames.empty()) return MappingKind::kProgram;
  const std::string& module = frames.front().module;
  if (StartsWith(module, "libjvm.so")) return MappingKind::kJvm;
  for (const char* allocator : {"libjemalloc", "libtcmalloc", "libmimalloc"}) {
    if (StartsWith(module, allocator)) return MappingKind::kAllocator;
  }
  return MappingKind::kProgram;
}

}  // namespace

const char* Name(MappingKind kind) {
  switch (kind) {
    case MappingKind::kAllocator:
      return "allocator";
    case MappingKind::kJvm:
      return "jvm";
    case MappingKind::kThreadStack:
      return "thread_stack";
    default:
      return "program";
  }
}

std::vector<MappingSite> MappingsFromRecording(const recorder::Recording& recording) {
  FrameNamer namer(recording);
  std::map<std::pair<MappingKind, std::string>, MappingSite> sites;
  for (const auto& [slot, mapping] : recording.mappings) {
    MappingSite site;
    const auto stack = recording.stacks.find(mapping.stack_id());
    if (stack != recording.stacks.end()) {
      site.truncated = stack->second.truncated;
      for (const std::uint64_t pc : stack->second.frames) site.frames.push_back(namer.Name(pc));
    }
    site.kind = KindOf(mapping, site.frames);
    site.label = LabelOf(site.frames);
    const std::pair key(site.kind, Identity(site.frames, site.truncated));
    MappingSite& known = sites.try_emplace(key, std::move(site)).first->second;
    const Bytes length = ToBytes(mapping.length());
    (mapping.reserved() ? known.reserved : known.accessible) += length;
    if (mapping.shared()) known.shared += length;
    ++known.ranges;
  }
  std::vector<MappingSite> ranked;
  ranked.reserve(sites.size());
  for (auto& [key, site] : sites) ranked.push_back(std::move(site));
  std::stable_sort(ranked.begin(), ranked.end(), [](const MappingSite& a, const MappingSite& b) {
    return a.accessible + a.reserved > b.accessible + b.reserved;
  });
  return ranked;
}

}  // namespace wrackline::evidence
