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

using Addresses = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

// Where the VM said that metaspace is, the last time it was asked.
Addresses MetaspaceOf(const recorder::Recording& recording) {
  std::uint64_t newest = 0;
  Addresses ranges;
  for (const proto::Record& record : recording.jvm_samples) {
    if (record.jvm_sample().metaspace_at().empty() || record.time_ns() < newest) continue;
    newest = record.time_ns();
    ranges.clear();
    for (const proto::AddressRange& at : record.jvm_sample().metaspace_at())
      ranges.emplace_back(at.start(), at.end());
  }
  return ranges;
}

// What was reserved since then, and by a VM that does not say: by HotSpot's class that commits and
// reserves it, metaspace::VirtualSpaceNode, before JDK 16 without the namespace. (MetaspaceShared is
// the class archive, which is none of it.)
bool IsMetaspace(const std::vector<SiteFrame>& frames) {
  for (const SiteFrame& frame : frames) {
    if (frame.java || !frame.module.starts_with("libjvm.so")) return false;
    for (const char* name : {"metaspace::", "Metaspace::", "VirtualSpaceNode::"}) {
      if (frame.function.starts_with(name)) return true;
    }
  }
  return false;
}

// By who called mmap: the process knows its allocator's code; of the others the file's name tells.
MappingKind KindOf(const proto::Mapping& mapping, const std::vector<SiteFrame>& frames,
                   const Addresses& metaspace) {
  if (mapping.thread()) return MappingKind::kThread;
  if (mapping.stack_hint()) return MappingKind::kThreadStack;
  if (mapping.by_allocator()) return MappingKind::kAllocator;
  const MappingKind others = mapping.file() ? MappingKind::kFile : MappingKind::kProgram;
  if (frames.empty()) return others;
  const std::string& module = frames.front().module;
  if (module.starts_with("libjvm.so")) {
    const bool inside =
        std::any_of(metaspace.begin(), metaspace.end(), [&mapping](const auto& range) {
          return mapping.start() >= range.first && mapping.start() < range.second;
        });
    return !mapping.file() && (inside || IsMetaspace(frames)) ? MappingKind::kMetaspace
                                                              : MappingKind::kJvm;
  }
  for (const char* allocator : {"libjemalloc", "libtcmalloc", "libmimalloc"}) {
    if (module.starts_with(allocator)) return MappingKind::kAllocator;
  }
  return others;
}

// As LabelOf; where all that is Java's is the JDK's own, a pool that starts a thread or a loader that
// reads a class says more than the function of the VM below.
std::size_t MappingLabelOf(const std::vector<SiteFrame>& frames) {
  const std::size_t label = LabelOf(frames);
  if (frames.empty() || frames[label].java) return label;
  const auto java = std::find_if(frames.begin(), frames.end(), [](const SiteFrame& frame) {
    return frame.java && frame.named && !frame.function.starts_with("java.lang.Thread.") &&
           !frame.function.starts_with("java.lang.System$");
  });
  return java == frames.end() ? label : static_cast<std::size_t>(java - frames.begin());
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
    case MappingKind::kFile:
      return "file";
    case MappingKind::kThread:
      return "thread";
    case MappingKind::kMetaspace:
      return "metaspace";
    default:
      return "program";
  }
}

std::vector<MappingSite> MappingsFromRecording(const recorder::Recording& recording) {
  FrameNamer namer(recording);
  const Addresses metaspace = MetaspaceOf(recording);
  std::map<std::pair<MappingKind, std::string>, MappingSite> sites;
  for (const auto& [slot, mapping] : recording.mappings) {
    MappingSite site;
    const auto stack = recording.stacks.find(mapping.stack_id());
    if (stack != recording.stacks.end()) {
      site.truncated = stack->second.truncated;
      for (const std::uint64_t pc : stack->second.frames) site.frames.push_back(namer.Name(pc));
    }
    site.kind = KindOf(mapping, site.frames, metaspace);
    site.label = MappingLabelOf(site.frames);
    const std::pair key(site.kind, Identity(site.frames, site.truncated));
    const auto [place, fresh] = sites.try_emplace(key, std::move(site));
    MappingSite& known = place->second;
    if (!fresh) KeepCommonLines(site.frames, &known.frames);  // try_emplace left `site` alone
    const Bytes length = ToBytes(mapping.length());
    (mapping.reserved() ? known.reserved : known.accessible) += length;
    if (mapping.shared()) known.shared += length;
    if (mapping.file()) known.file += length;
    ++known.ranges;
    if (mapping.has_resident())
      known.resident = known.resident.value_or(Bytes{}) + ToBytes(mapping.resident());
  }
  std::vector<MappingSite> ranked;
  ranked.reserve(sites.size());
  for (auto& [key, site] : sites) ranked.push_back(std::move(site));
  std::stable_sort(ranked.begin(), ranked.end(), [](const MappingSite& a, const MappingSite& b) {
    return a.accessible + a.reserved > b.accessible + b.reserved;
  });
  return ranked;
}

std::vector<MappingMaker> MakersOf(const std::vector<MappingSite>& sites, MappingKind kind) {
  std::map<std::string, MappingMaker> makers;
  for (const MappingSite& site : sites) {
    if (site.kind != kind) continue;
    const SiteFrame frame = site.frames.empty() ? SiteFrame{} : site.frames[site.label];
    const auto [place, fresh] = makers.try_emplace(frame.function);
    MappingMaker& maker = place->second;
    if (fresh) maker.frame = frame;
    maker.accessible += site.accessible;
    maker.reserved += site.reserved;
    maker.ranges += site.ranges;
    if (site.resident) maker.resident = maker.resident.value_or(Bytes{}) + *site.resident;
    // A line that not all of them share is none of the maker's.
    if (maker.frame.line != frame.line || maker.frame.file != frame.file) {
      maker.frame.line = 0;
      maker.frame.file.clear();
    }
  }
  std::vector<MappingMaker> ranked;
  ranked.reserve(makers.size());
  for (auto& [name, maker] : makers) ranked.push_back(std::move(maker));
  const auto size = [kind](const MappingMaker& maker) {
    return kind == MappingKind::kMetaspace ? maker.accessible : maker.accessible + maker.reserved;
  };
  std::stable_sort(
      ranked.begin(), ranked.end(),
      [&size](const MappingMaker& a, const MappingMaker& b) { return size(a) > size(b); });
  return ranked;
}

}  // namespace wrackline::evidence
