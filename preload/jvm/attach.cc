#include "preload/jvm/attach.h"

#include <dlfcn.h>

#include <atomic>
#include <cstring>

#include "preload/clock.h"
#include "preload/futex.h"
#include "preload/jvm/frame_anchor.h"
#include "preload/jvm/java_stack.h"
#include "preload/jvm/jvm_watch.h"
#include "preload/jvm/native_bind.h"
#include "preload/jvm/rocksdb_thread.h"
#include "preload/recording_control.h"
#include "preload/text.h"

namespace wrackline::preload {
namespace {

// Of the 250 ms that the shim may take at a process's end. A recorder thread that waits for a busy disk needs the most.
constexpr std::uint64_t kLastNamesNs = 150 * kMillisecond;
constexpr std::uint64_t kLeaveNs = 50 * kMillisecond;
// Of the first.
constexpr std::uint64_t kRocksDbNs = 50 * kMillisecond;
// The other side may look away at the moment of a wake.
constexpr std::uint64_t kWakeAgainNs = 5 * kMillisecond;

constinit std::atomic<std::uint32_t> g_methods_made{0};  // by whoever comes first
constinit JvmAttachment g_attachment = {"", 0, 0, ""};
constinit Text<256> g_trouble;

using GetCreatedJavaVms = jint (*)(JavaVM** machines, jsize room, jsize* count);

// libjvm, which stays loaded from here on: hooks call into it. Waits for the loader's lock.
void* OpenLibjvm(const char* path) {
  return path == nullptr ? nullptr : dlopen(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

const char* LibraryOf(JavaVM* vm) {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(vm->functions->GetEnv), &info) == 0) return nullptr;
  return info.dli_fname;
}

JavaVM* FindVm(void* libjvm) {
  const auto find = reinterpret_cast<GetCreatedJavaVms>(dlsym(libjvm, "JNI_GetCreatedJavaVMs"));
  JavaVM* vm = nullptr;
  jsize count = 0;
  if (find == nullptr || find(&vm, 1, &count) != JNI_OK || count < 1) return nullptr;
  return vm;
}

// --- the VM's events

void JNICALL OnClassLoad(jvmtiEnv*, JNIEnv*, jthread, jclass) {}

void MakeMethodIds(jvmtiEnv* jvmti, jclass klass) {
  jint count = 0;
  jmethodID* methods = nullptr;
  if (jvmti->GetClassMethods(klass, &count, &methods) == JVMTI_ERROR_NONE) {
    jvmti->Deallocate(reinterpret_cast<unsigned char*>(methods));
  }
}

void JNICALL OnClassPrepare(jvmtiEnv* jvmti, JNIEnv*, jthread, jclass klass) {
  MakeMethodIds(jvmti, klass);
}

void AddTrouble(const char* trouble) {
  if (g_trouble.size() > 0) g_trouble.Append("; ");
  g_attachment.trouble = g_trouble.Append(trouble).c_str();
}

// Of all classes that are loaded already, and then the hooks may ask for stacks. Once.
void Begin(JavaVM* vm, jvmtiEnv* jvmti, JNIEnv* env) {
  if (g_methods_made.exchange(1) != 0) return;
  const std::uint64_t began = MonotonicNs();
  // First: what is opened from here on is seen.
  if (RocksDbRegistry().enabled()) StartNativeBinds({vm, env, jvmti});
  if (env->PushLocalFrame(16) == JNI_OK) {
    jint count = 0;
    jclass* classes = nullptr;
    if (jvmti->GetLoadedClasses(&count, &classes) == JVMTI_ERROR_NONE) {
      // A class that is not prepared yet has its event later.
      // The VM's end does not wait for this.
      for (jint i = 0; i < count && StageOfJvm() < JvmStage::kDying; ++i) {
        MakeMethodIds(jvmti, classes[i]);
      }
      jvmti->Deallocate(reinterpret_cast<unsigned char*>(classes));
    }
    env->PopLocalFrame(nullptr);
  }
  void* const libjvm = OpenLibjvm(LibraryOf(vm));
  void* const call_trace = libjvm != nullptr ? dlsym(libjvm, "AsyncGetCallTrace") : nullptr;
  if (g_jvm.alone.load(std::memory_order_relaxed)) {
    AddTrouble("loaded without LD_PRELOAD: no allocation is seen");
  } else if (call_trace == nullptr) {
    AddTrouble("no Java stacks: the VM has no AsyncGetCallTrace");
  }
  if (const NativeBinds binds = BoundSoFar(); binds.unwrapped > 0) {
    AddTrouble("RocksDB was loaded before, more than once: its databases are not seen");
  } else if (binds.early > 0) {
    AddTrouble("RocksDB was loaded before: databases opened before are not seen");
  }
  if (call_trace != nullptr) PrepareFrameAnchor({vm, env, jvmti}, libjvm);
  AllowJavaStacks(vm, call_trace);
  // The VM's end came first.
  if (StageOfJvm() >= JvmStage::kDying) ForbidJavaStacks();
  g_attachment.attached_by = g_jvm.loaded_by.load(std::memory_order_relaxed);
  g_attachment.attached_ns = MonotonicNs();
  g_attachment.attach_cost_ns = g_attachment.attached_ns - began;
}

void Built() {
  MakeJvmThread();
  if (!Advance(JvmStage::kWatching, JvmStage::kBuilt)) {
    Advance(JvmStage::kSeen, JvmStage::kBuilt);
  }
  FutexWake(&g_control.stop);
}

void JNICALL OnVmInit(jvmtiEnv* jvmti, JNIEnv* env, jthread) {
  Begin(g_jvm.vm.load(std::memory_order_acquire), jvmti, env);
  Built();
}

void WaitFor(std::atomic<std::uint32_t>* word, std::atomic<std::uint32_t>* other_side,
             std::uint64_t until_ns) {
  while (word->load(std::memory_order_acquire) == 0) {
    const std::uint64_t now = MonotonicNs();
    if (now >= until_ns) return;
    FutexWake(other_side);
    FutexWait(word, 0, now + kWakeAgainNs);
  }
}

// On the thread that ends the VM. The names of the last stacks can be had now or never; and a thread of ours that the VM
// still knows would make it wait 300 ms at its end (VM_Exit waits for threads in native code).
void JNICALL OnVmDeath(jvmtiEnv*, JNIEnv*) {
  const std::uint64_t began = MonotonicNs();
  ForbidJavaStacks();
  StopNativeBinds();
  // What is open may be destroyed from here on without anybody's asking.
  RocksDbThread::Stop(began + kRocksDbNs);
  JvmStage stage = StageOfJvm();
  while (stage < JvmStage::kServed) {
    if (Advance(stage, JvmStage::kGone)) return;
    stage = StageOfJvm();
  }
  if (!Advance(JvmStage::kServed, JvmStage::kDying)) return;
  WaitFor(&g_jvm.settled, &g_control.stop, began + kLastNamesNs);
  g_jvm.stage.store(JvmStage::kGone, std::memory_order_release);
  g_jvm.wakes.fetch_add(1, std::memory_order_release);
  WaitFor(&g_jvm.left, &g_jvm.wakes, MonotonicNs() + kLeaveNs);
  g_control.exit_wait_ns.store(MonotonicNs() - began, std::memory_order_relaxed);
}

// Makes `*out` an environment with the events that are wanted.
bool MakeEnvironment(JavaVM* vm, jvmtiEnv** out) {
  jvmtiEnv* jvmti = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&jvmti), JVMTI_VERSION_1_2) != JNI_OK) return false;
  jvmtiCapabilities wanted;
  std::memset(&wanted, 0, sizeof(wanted));
  wanted.can_get_source_file_name = 1;
  wanted.can_get_line_numbers = 1;
  // Without them names have no lines.
  jvmti->AddCapabilities(&wanted);
  jvmtiEventCallbacks callbacks;
  std::memset(&callbacks, 0, sizeof(callbacks));
  callbacks.ClassLoad = OnClassLoad;
  callbacks.ClassPrepare = OnClassPrepare;
  callbacks.VMInit = OnVmInit;
  callbacks.VMDeath = OnVmDeath;
  AskForNativeBinds(jvmti, &callbacks);
  if (jvmti->SetEventCallbacks(&callbacks, sizeof(callbacks)) != JVMTI_ERROR_NONE) return false;
  for (const jvmtiEvent event : {JVMTI_EVENT_VM_DEATH, JVMTI_EVENT_VM_INIT, JVMTI_EVENT_CLASS_LOAD,
                                 JVMTI_EVENT_CLASS_PREPARE}) {
    if (jvmti->SetEventNotificationMode(JVMTI_ENABLE, event, nullptr) != JVMTI_ERROR_NONE) {
      return false;
    }
  }
  *out = jvmti;
  return true;
}

}  // namespace

const JvmAttachment& Attachment() { return g_attachment; }

bool Attach(JvmContext* jvm) {
  JavaVM* vm = g_jvm.vm.load(std::memory_order_acquire);
  if (vm == nullptr) {
    void* const libjvm = OpenLibjvm(g_jvm.library.load(std::memory_order_relaxed));
    if (libjvm == nullptr) return false;
    vm = FindVm(libjvm);
    if (vm == nullptr) return false;
  }
  char name[] = "wrackline-jvm";
  JavaVMAttachArgs arguments = {JNI_VERSION_1_6, name, nullptr};
  JNIEnv* env = nullptr;
  if (vm->AttachCurrentThreadAsDaemon(reinterpret_cast<void**>(&env), &arguments) != JNI_OK) {
    return false;
  }
  jvmtiEnv* jvmti = g_jvm.jvmti.load(std::memory_order_acquire);
  if (jvmti == nullptr) {
    if (!MakeEnvironment(vm, &jvmti)) {
      vm->DetachCurrentThread();
      return false;
    }
    g_jvm.jvmti.store(jvmti, std::memory_order_release);
    g_jvm.vm.store(vm, std::memory_order_release);
  }
  Begin(vm, jvmti, env);
  *jvm = {vm, env, jvmti};
  return true;
}

void Detach(const JvmContext& jvm) { jvm.vm->DetachCurrentThread(); }

bool BecomeAgent(JavaVM* vm, const char* loaded_by, bool live) {
  const JvmStage stage = StageOfJvm();
  // Switched off, or attached already.
  if (stage == JvmStage::kOff || stage >= JvmStage::kServed) return true;
  jvmtiEnv* jvmti = nullptr;
  if (!MakeEnvironment(vm, &jvmti)) return false;
  g_jvm.loaded_by.store(loaded_by, std::memory_order_relaxed);
  g_jvm.vm.store(vm, std::memory_order_release);
  g_jvm.jvmti.store(jvmti, std::memory_order_release);
  if (live) Built();
  return true;
}

}  // namespace wrackline::preload
