// What the JVM thread has in hand (preload/jvm/jvm_thread.h).
//
// Everything that asks the VM runs on that one thread of our own, which is attached to the VM as a daemon: a call may wait
// for a whole collection, and neither a program's thread nor the recorder thread may. The hooks ask one thing only, the
// stack of their own thread (java_stack.h).
#pragma once

#include <jni.h>
#include <jvmti.h>

#include <cstdint>

#include "preload/jvm/java_frame.h"

namespace wrackline::preload {

// Valid on the JVM thread alone, while the VM lives.
struct JvmContext {
  JavaVM* vm;
  JNIEnv* env;      // of the JVM thread
  jvmtiEnv* jvmti;  // with free capabilities only
};

// After JVMTI has answered with an array of objects: each of the `count` is a local reference, more than the frame was made for, and -Xcheck:jni says so at
// the next call of JNI.
inline void AllowLocals(JNIEnv* env, jint count) { env->EnsureLocalCapacity(count + 16); }

}  // namespace wrackline::preload
