// The Java part of the calling thread's stack, by the VM's AsyncGetCallTrace.
//
//   depth = CaptureStack(caller, frames, limit, &truncated);                          // ends where compiled Java begins
//   depth = ContinueInJava(&state->losses, caller, frames, depth, limit, &truncated);
//
// AsyncGetCallTrace is made for signal handlers: it takes no lock, allocates nothing and may come at any moment. It needs
// that method ids were made before (attach.h), and that the VM is not going down.
//
// The VM is asked only where the native walk ended outside every loaded object, which is in code that the VM made: a thread
// that has run such code is known to the VM, and has the VM's thread-local memory; for any other thread the first look at
// that memory would allocate it, behind the loader's lock. It is not asked for the loader's own calls, nor for those of an
// allocator behind the shim: these may be setting up a thread, whose thread-local memory is not there yet.
//
// Any thread, inside a hook. Cost: 2 to 4 us for 30 Java frames.
#pragma once

#include <cstdint>

#include "preload/sampling/profile_state.h"
#include "preload/unwind/native_unwinder.h"

struct JavaVM_;

namespace wrackline::preload {

// From now on the VM is asked; `call_trace` is libjvm's AsyncGetCallTrace.
void AllowJavaStacks(JavaVM_* vm, void* call_trace);
// From now on it is not: it goes down.
void ForbidJavaStacks();

// Puts the Java frames in the place of the last of `depth` native frames, when that is code made at run time and the VM
// gives some; otherwise leaves all as it is. Returns the new depth. Counts in `losses` how it went.
std::uint32_t ContinueInJava(LossCounters* losses, const Caller& caller, std::uint64_t* frames,
                             std::uint32_t depth, std::uint32_t limit, bool* truncated);

}  // namespace wrackline::preload
