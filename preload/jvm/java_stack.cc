#include "preload/jvm/java_stack.h"

#include <jni.h>
#include <sys/auxv.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "preload/hooks/next_allocator.h"
#include "preload/jvm/frame_anchor.h"
#include "preload/jvm/java_frame.h"
#include "preload/sampling/allocation.h"
#include "preload/unwind/local_objects.h"

namespace wrackline::preload {
namespace {

// As the VM's forte.cpp has them; in no header of a JDK.
struct CallFrame {
  jint index;  // of the bytecode; negative: none
  jmethodID method;
};
struct CallTrace {
  JNIEnv* env;
  jint count;  // out: frames, or a code that is not positive
  CallFrame* frames;
};
// In the VM, and where the thread left Java is not known.
constexpr jint kNoFrameInVm = -3;
using AsyncGetCallTrace = void (*)(CallTrace* trace, jint depth, void* context);

constinit std::atomic<JavaVM*> g_vm{nullptr};  // null: it is not asked
// Written before g_vm.
constinit AsyncGetCallTrace g_call_trace = nullptr;
constinit LocalObject g_loader = {};
constinit bool g_allocator_is_libc = false;

bool MayAskFor(const void* caller) {
  const auto pc = reinterpret_cast<std::uint64_t>(caller);
  if (pc >= g_loader.start && pc < g_loader.end) return false;
  // What libc allocates for itself (a stream, a copied string) is no different from a program's call; its malloc does not
  // come back to us.
  return g_allocator_is_libc || !BelongsToNextAllocator(caller);
}

void CountCode(LossCounters* losses, jint code) {
  if (code == 0) return;  // it runs no Java: no loss
  const jint index = code >= -10 ? -code : 0;
  losses->java_stack_failed[index].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void AllowJavaStacks(JavaVM* vm, void* call_trace) {
  g_call_trace = reinterpret_cast<AsyncGetCallTrace>(call_trace);
  if (!FindLocalObject(getauxval(AT_BASE), &g_loader)) g_loader = {};
  g_allocator_is_libc = BelongsToNextAllocator(reinterpret_cast<const void*>(&getppid));
  if (g_call_trace != nullptr) g_vm.store(vm, std::memory_order_release);
}

void ForbidJavaStacks() { g_vm.store(nullptr, std::memory_order_release); }

std::uint32_t ContinueInJava(LossCounters* losses, const Caller& caller, std::uint64_t* frames,
                             std::uint32_t depth, std::uint32_t limit, bool* truncated) {
  JavaVM* const vm = g_vm.load(std::memory_order_acquire);
  if (vm == nullptr || depth == 0 || *truncated || !MayAskFor(caller.pc)) return depth;
  LocalObject object;
  if (FindLocalObject(frames[depth - 1], &object)) return depth;
  JNIEnv* env = nullptr;
  if (vm->GetEnv(reinterpret_cast<void**>(&env), JNI_VERSION_1_6) != JNI_OK || env == nullptr) {
    return depth;
  }
  if (ProfileState* const state = State()) NoteJavaThread(state, env);

  // The VM knows where Java was left, but for calls that compiled code makes without leaving: then it starts from these.
  ucontext_t context;
  std::memset(&context, 0, sizeof(context));
#if defined(__x86_64__)
  context.uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(caller.pc);
  context.uc_mcontext.gregs[REG_RSP] = reinterpret_cast<greg_t>(caller.stack);
  context.uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(caller.rbp);
#endif
  CallFrame java[StackTable::kMaxDepth + 1];
  CallTrace trace = {env, 0, java};
  const std::uint32_t native = depth - 1;
  const std::uint32_t room = limit - native;
  // One more than there is room for tells whether there are more.
  g_call_trace(&trace, static_cast<jint>(room + 1), &context);
  if (trace.count == kNoFrameInVm) {
    const CompleteAnchor anchor(env);
    if (anchor.changed()) g_call_trace(&trace, static_cast<jint>(room + 1), &context);
  }
  if (trace.count <= 0) {
    CountCode(losses, trace.count);
    return depth;
  }
  std::uint32_t count = static_cast<std::uint32_t>(trace.count);
  if (count > room) {
    *truncated = true;
    count = room;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t frame = JavaFrame(java[i].method, java[i].index);
    frames[native + i] = frame != 0 ? frame : kUnknownJavaFrame;
  }
  losses->java_stacks.fetch_add(1, std::memory_order_relaxed);
  return native + count;
}

}  // namespace wrackline::preload
