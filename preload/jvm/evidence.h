// What the VM says of its memory (messages JvmFacts and JvmSample), asked from inside and without loading a class.
//
//   RecordJvmFacts(jvm, {...});                     // once, when the VM was attached
//   for (;;) { RecordJvmSample(jvm); ...a second }  // takes a sample when one is due
//
// A sample is due every 10 s, every second while memory is short (ProfileState::memory_short), and never so often that it takes
// more than 1 % of a core. Resident bytes by kind come along when they are due: every 60 s, with the next sample when memory has moved
// (ProfileState::memory_moves), or with every sample while memory is short, at most 0.25 % of a core. Both come sooner in a VM's first seconds: after as long as it was recorded so far.
//
// The JVM thread alone: a call may wait for a collection. What this VM does not tell is absent.
#pragma once

#include <cstdint>

#include "preload/jvm/context.h"

extern "C" {
typedef struct _wrackline_proto_JvmFacts wrackline_proto_JvmFacts;
typedef struct _wrackline_proto_JvmSample wrackline_proto_JvmSample;
}

namespace wrackline::preload {

struct AttachmentFacts {
  const char* by;       // "preload", "agent" or "attach"
  std::uint64_t at_ms;  // since Process.epoch_monotonic_ns
  std::uint64_t cost_ns;
  const char* trouble;  // empty: everything was attached
};

// False: no memory, or the recorder did not take it; call it again then.
bool RecordJvmFacts(const JvmContext& jvm, const AttachmentFacts& attachment);
void RecordJvmSample(const JvmContext& jvm);

// The same without the recorder, for tests. `resident`: read smaps too.
bool FillJvmFacts(const JvmContext& jvm, const AttachmentFacts& attachment,
                  wrackline_proto_JvmFacts* facts);
bool FillJvmSample(const JvmContext& jvm, bool resident, wrackline_proto_JvmSample* sample);

}  // namespace wrackline::preload
