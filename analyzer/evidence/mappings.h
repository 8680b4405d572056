// Mappings -> sites by kind and stack. Address space, not resident memory: no line of the ledger comes
// from here. What is resident of them is there already, in the lines of the page cache, of the
// allocator and of the JVM.
#pragma once

#include <vector>

#include "analyzer/evidence/evidence.h"
#include "lib/recorder/reader.h"

namespace wrackline::evidence {

// Largest first. Empty when nothing was recorded of mappings.
std::vector<MappingSite> MappingsFromRecording(const recorder::Recording& recording);

// "program", "allocator", "jvm", "thread_stack", "file", "thread", "metaspace".
const char* Name(MappingKind kind);

// Who made the mappings of one kind, whatever the way from there: the sites with the same label,
// added up. Many ways lead through a class loader, and each makes metaspace grow now and then.
struct MappingMaker {
  SiteFrame frame;  // the label; without a name: not recorded
  Bytes accessible, reserved;
  std::uint64_t ranges = 0;
  std::optional<Bytes> resident;
};
// Largest first. In metaspace the accessible bytes are compared, for the VM reserves in advance.
std::vector<MappingMaker> MakersOf(const std::vector<MappingSite>& sites, MappingKind kind);

}  // namespace wrackline::evidence
