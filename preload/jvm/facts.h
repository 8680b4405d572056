// What the VM is: message JvmFacts from its properties, flags and counters.
#pragma once

#include "lib/jvm/perf_data.h"
#include "preload/jvm/evidence.h"
#include "preload/jvm/vm_flags.h"

namespace wrackline::preload {

// The JVM thread alone.
void FillFacts(const JvmContext& jvm, const VmFlags& flags, const jvm::PerfData& counters,
               const AttachmentFacts& attachment, wrackline_proto_JvmFacts* facts);

}  // namespace wrackline::preload
