// Names the frames of stacks from what a recording holds (no binaries are opened).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "analyzer/evidence/evidence.h"
#include "analyzer/evidence/module_map.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Resolves pcs once each: a recording has few distinct ones beside its many stacks. Keeps a
// reference to the recording.
class FrameNamer {
 public:
  explicit FrameNamer(const recorder::Recording& recording);
  const SiteFrame& Name(std::uint64_t pc);

 private:
  SiteFrame Resolve(std::uint64_t pc) const;
  SiteFrame ResolveJava(std::uint64_t pc) const;

  const recorder::Recording& recording_;
  ModuleMap modules_;
  std::unordered_map<std::uint64_t, SiteFrame> cache_;
};

// Names a native frame by its symbol, mangled or not.
void NameNative(const std::string& symbol, SiteFrame* frame);

// Stacks whose functions are the same are one site: the return addresses inside a function do not
// matter to a reader.
std::string Identity(const std::vector<SiteFrame>& frames, bool truncated);

// A line that not all stacks of a site share is none of the site's. `other`: of the same identity.
void KeepCommonLines(const std::vector<SiteFrame>& other, std::vector<SiteFrame>* frames);

// Index of the frame that says most. Where Java asked for the memory: its first method that is the
// application's, else a library's (java_frames.h). Otherwise the first frame that is no plumbing
// (sites.h); 0 when all are.
std::size_t LabelOf(const std::vector<SiteFrame>& frames);

}  // namespace wrackline::evidence
