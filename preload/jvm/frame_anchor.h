// The VM's note of where the calling thread left Java, completed so that its stack can be walked.
//
// A thread that leaves the interpreter for the VM notes its stack pointer and not its program counter: that lies in the word
// below, and the VM takes it from there when it wants to walk the stack (JavaFrameAnchor::make_walkable). AsyncGetCallTrace
// does not, and gives -3: for 3 % of all allocations of a program that loads classes. So it is put there for the moment of
// the call.
//
// Where the note lies in a thread is said by the VM itself, in the table that libjvm exports for debuggers
// (gHotSpotVMStructs). Where that cannot be read, or gives offsets that cannot be, nothing is done.
#pragma once

#include <jni.h>

#include <cstdint>

namespace wrackline::preload {

struct JvmContext;

// `libjvm`: a handle of dlopen. On a thread of the VM, before any CompleteAnchor.
void PrepareFrameAnchor(const JvmContext& jvm, void* libjvm);

// Of the calling thread, in a hook; taken back at the end of its life.
class CompleteAnchor {
 public:
  explicit CompleteAnchor(JNIEnv* env);
  CompleteAnchor(const CompleteAnchor&) = delete;
  CompleteAnchor& operator=(const CompleteAnchor&) = delete;
  ~CompleteAnchor() {
    if (pc_ != nullptr) *pc_ = 0;
  }
  // False: it was complete, or the thread runs no Java.
  bool changed() const { return pc_ != nullptr; }

 private:
  std::uintptr_t* pc_ = nullptr;
};

}  // namespace wrackline::preload
