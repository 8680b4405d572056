// The shim as an agent of the VM: what it asks for at the start, the VM's events, and the VM's end.
//
// Only capabilities that cost nothing: source file names and line numbers. Events: ClassLoad, without which the VM gives no
// stacks to AsyncGetCallTrace; ClassPrepare, where the ids of a class's methods are made, because AsyncGetCallTrace cannot;
// VMInit and VMDeath. For the classes that were there before, the ids are made once.
#pragma once

#include <jvmti.h>

#include <cstdint>

#include "preload/jvm/context.h"

namespace wrackline::preload {

// How the attachment went, for the recording. On the JVM thread, after Attach.
struct JvmAttachment {
  const char* attached_by;       // "preload", "agent", "attach"
  std::uint64_t attached_ns;     // CLOCK_MONOTONIC
  std::uint64_t attach_cost_ns;  // of making the methods' ids, mostly
  const char* trouble;           // "": everything was attached
};
const JvmAttachment& Attachment();

// JVM thread: becomes a daemon thread of the VM and, the first time, its agent. False: there is no VM that can be asked
// (yet).
bool Attach(JvmContext* jvm);
// JVM thread: is no thread of the VM any more.
void Detach(const JvmContext& jvm);

// From an agent's entry, before the VM is complete (`live` false) or in the running VM. False: it has no JVMTI.
bool BecomeAgent(JavaVM* vm, const char* loaded_by, bool live);

}  // namespace wrackline::preload
