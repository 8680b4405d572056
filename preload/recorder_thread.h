// The recorder thread: brings ProfileState to the file, reads the kernel's figures, names frames.
// It alone touches files. It never calls into a VM and never takes a lock that a hook can hold.
#pragma once

#include "preload/settings.h"

namespace wrackline::preload {

// Maps ProfileState and starts the thread (all signals blocked, small stack). Called once by the
// library's constructor. Returns 0, or an errno value: then nothing is sampled and the program runs
// as if the shim only forwarded.
int StartRecording(const Settings& settings);

// At exit: asks the thread for a last flush and the clean-exit mark, and waits for it at most 250
// ms; a stalled folder costs no more. Idempotent; does nothing in a forked child.
void StopRecording(int status, bool status_known);

// For calls that must be made without our threads (credential_hooks.cc): ends both and waits until the kernel has them no more, at most
// 1 s, which a stalled folder can make it take; the call then happens beside them. False, and nothing was done, in a forked child and
// where nothing is recorded. What is sampled meanwhile waits in memory.
bool SendThreadsAway();
// After a SendThreadsAway that returned true: makes them anew, from the calling thread. Where that fails (a process that has
// unshared its pid namespace can make no thread) nothing more is sampled, and the file stays as it is.
void LetThreadsReturn();

}  // namespace wrackline::preload
