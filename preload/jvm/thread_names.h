// The names that Java has for the threads in the table.
//
// The hook that finds its thread known to the VM notes the thread's JNIEnv in the table. A JNIEnv lies
// at a constant place in the VM's own thread object, whose address java.lang.Thread keeps in its
// field `eetop`: so JVMTI's threads and the table's are matched without asking the kernel. Names are
// whole here, where the kernel cuts them at 15 characters. A thread that ends between two looks is
// named by its own ThreadEnd event. A virtual thread goes by its carrier's name: that is whose stack
// and thread id the kernel knows.
#pragma once

#include <cstddef>

#include "preload/jvm/context.h"
#include "preload/sampling/profile_state.h"

namespace wrackline::preload {

// To be called by the JVM thread once a second: looks for threads without a name, and every 10 s for
// renamed ones. Where no thread in the table wants a name, the VM is not asked.
void NameJavaThreads(const JvmContext& jvm, ProfileState* state);

// `name` in the VM's modified UTF-8 -> UTF-8 in `out`. A name that is too long loses its middle: the
// end of a Flink task's tells its subtask. Pure.
void CopyJavaName(const char* name, char* out, std::size_t size);

}  // namespace wrackline::preload
