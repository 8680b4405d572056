// The library named to the VM: -agentpath:.../libwrackline_preload.so, in JAVA_TOOL_OPTIONS too, or told to a running VM
// (jcmd PID JVMTI.agent_load). Beside LD_PRELOAD of the same file it is the same library, attached earlier. Options are
// not read: the settings are the environment's.
#include <jni.h>

#include "preload/jvm/attach.h"

extern "C" {

JNIEXPORT jint JNICALL Agent_OnLoad(JavaVM* vm, char*, void*) {
  // A VM without JVMTI runs on without us.
  wrackline::preload::BecomeAgent(vm, "agent", false);
  return JNI_OK;
}

JNIEXPORT jint JNICALL Agent_OnAttach(JavaVM* vm, char*, void*) {
  wrackline::preload::BecomeAgent(vm, "attach", true);
  return JNI_OK;
}

}  // extern "C"
