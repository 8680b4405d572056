#include "preload/jvm/thread_names.h"

#include <cstring>

#include "preload/clock.h"
#include "preload/sampling/allocation.h"

namespace wrackline::preload {
namespace {

constexpr std::uint64_t kRenameNs = 10 * kSecond;
// Of a thread that has ended by the VM's account: its JNIEnv is a later thread's.
constexpr char kGoneThread = 0;
constexpr const void* kGone = &kGoneThread;

bool IsLive(const void* jni_env) { return jni_env != nullptr && jni_env != kGone; }

// What NameJavaThreads learned of this VM; the JVM thread's alone.
struct Vm {
  enum { kUnknown, kKnown, kStrange } state;
  jfieldID eetop;
  jlong to_env;  // from `eetop` to the JNIEnv
  jvmtiEnv* events;
  std::uint64_t next_rename_ns;
};
constinit Vm g_vm = {};

bool SetNameOf(jvmtiEnv* jvmti, jthread thread, ThreadTable* threads, std::uint32_t slot,
               const ThreadEntry& entry) {
  jvmtiThreadInfo info;
  std::memset(&info, 0, sizeof(info));
  if (jvmti->GetThreadInfo(thread, &info) != JVMTI_ERROR_NONE) return false;
  char name[sizeof(entry.java_name)];
  CopyJavaName(info.name != nullptr ? info.name : "", name, sizeof(name));
  if (info.name != nullptr) jvmti->Deallocate(reinterpret_cast<unsigned char*>(info.name));
  // What the main thread is called once main() has returned tells nothing of what it did before.
  const bool main_is_done = entry.java_name[0] != '\0' && std::strcmp(name, "DestroyJavaVM") == 0;
  return name[0] == '\0' || main_is_done || threads->SetJavaName(slot, entry, name);
}

// On the thread that ends, which is still a Java thread. Costs a thread that made no sample a look at
// its own state.
void JNICALL OnThreadEnd(jvmtiEnv* jvmti, JNIEnv* env, jthread thread) {
  const std::uint32_t number = internal::t_thread.entry;
  ProfileState* const state = State();
  if (number == 0 || number > ThreadTable::kSlots || state == nullptr || !Active()) return;
  // What the VM allocates for the answer is no business of the profile.
  constexpr std::size_t kAnswer = 4096;
  const std::uint64_t left = SetCountdownAside(kAnswer);
  ThreadEntry entry;
  // The others hold an entry for less than a microsecond.
  constexpr int kTries = 1000;
  bool named = false;
  if (env->PushLocalFrame(8) == JNI_OK) {
    for (int i = 0; i < kTries && !named; ++i) {
      named = state->threads.Read(number - 1, &entry) &&
              SetNameOf(jvmti, thread, &state->threads, number - 1, entry);
    }
    env->PopLocalFrame(nullptr);
  }
  state->threads.SetJava(number, kGone);
  TakeUpCountdown(left);
}

void WatchEnds(JavaVM* vm) {
  jvmtiEnv* jvmti = nullptr;
  // One of our own: another one's callbacks stay what they are.
  if (vm->GetEnv(reinterpret_cast<void**>(&jvmti), JVMTI_VERSION_1_2) != JNI_OK) return;
  jvmtiEventCallbacks callbacks;
  std::memset(&callbacks, 0, sizeof(callbacks));
  callbacks.ThreadEnd = OnThreadEnd;
  if (jvmti->SetEventCallbacks(&callbacks, sizeof(callbacks)) != JVMTI_ERROR_NONE ||
      jvmti->SetEventNotificationMode(JVMTI_ENABLE, JVMTI_EVENT_THREAD_END, nullptr) !=
          JVMTI_ERROR_NONE) {
    jvmti->DisposeEnvironment();
    return;
  }
  g_vm.events = jvmti;
}

// Where this VM keeps what, seen on the calling thread.
void Learn(const JvmContext& jvm) {
  g_vm.state = Vm::kStrange;
  jthread self = nullptr;
  if (jvm.jvmti->GetCurrentThread(&self) != JVMTI_ERROR_NONE || self == nullptr) return;
  // Not FindClass, which asks the program's class loader where it has one of its own.
  const jfieldID eetop = jvm.env->GetFieldID(jvm.env->GetObjectClass(self), "eetop", "J");
  if (eetop == nullptr) {
    jvm.env->ExceptionClear();
    return;
  }
  const jlong native = jvm.env->GetLongField(self, eetop);
  const auto env = static_cast<jlong>(reinterpret_cast<std::uintptr_t>(jvm.env));
  // Inside of one object: HotSpot's is some 2 KiB.
  constexpr jlong kFar = 1 << 16;
  if (native == 0 || env < native || env - native > kFar) return;
  g_vm.eetop = eetop;
  g_vm.to_env = env - native;
  g_vm.state = Vm::kKnown;
  WatchEnds(jvm.vm);
}

// How often a thread's name was looked for in vain; the JVM thread's alone. Some have none: the VM's own that run Java, one that
// ended before its end could be noticed. Asked for without end, they would cost a look at all threads every second.
struct Asked {
  std::uint32_t since_ms;  // of the thread that has the slot
  std::uint32_t times;
};
constexpr std::uint32_t kMostAsked = 3;
constinit Asked g_asked[ThreadTable::kSlots] = {};

bool IsNameless(ThreadTable* threads, std::uint32_t slot) {
  ThreadEntry entry;
  return IsLive(threads->JavaOf(slot)) && threads->Read(slot, &entry) && entry.java_name[0] == '\0';
}

bool AnyWants(ThreadTable* threads, bool all) {
  for (std::uint32_t slot = 0; slot < threads->used(); ++slot) {
    if (all ? !IsLive(threads->JavaOf(slot)) : !IsNameless(threads, slot)) continue;
    const Asked& asked = g_asked[slot];
    if (all || asked.since_ms != threads->SinceOf(slot) || asked.times < kMostAsked) return true;
  }
  return false;
}

// Those that still have no name were asked for once more.
void NoteAsked(ThreadTable* threads) {
  for (std::uint32_t slot = 0; slot < threads->used(); ++slot) {
    if (!IsNameless(threads, slot)) continue;
    Asked& asked = g_asked[slot];
    const std::uint32_t since_ms = threads->SinceOf(slot);
    if (asked.since_ms != since_ms) asked = {since_ms, 0};
    ++asked.times;
  }
}

// The newest entry of that thread; kSlots: none.
std::uint32_t SlotOf(ThreadTable* threads, const void* jni_env, ThreadEntry* entry) {
  std::uint32_t found = ThreadTable::kSlots;
  ThreadEntry one;
  for (std::uint32_t slot = 0; slot < threads->used(); ++slot) {
    if (threads->JavaOf(slot) != jni_env || !threads->Read(slot, &one)) continue;
    if (found != ThreadTable::kSlots && one.since_ms < entry->since_ms) continue;
    found = slot;
    *entry = one;
  }
  return found;
}

}  // namespace

void CopyJavaName(const char* name, char* out, std::size_t size) {
  constexpr std::size_t kTail = 48;
  constexpr std::size_t kDots = 3;
  const std::size_t length = std::strlen(name);
  const bool cut = length > size - 1;
  const std::size_t head = cut ? size - 1 - kTail - kDots : length;
  std::size_t used = 0;
  // Modified UTF-8 has a zero as two bytes and what is beyond 16 bits as two of three each: neither is
  // UTF-8. Characters that are cut go whole.
  const auto copy = [&](std::size_t at, std::size_t end) {
    while (at < end) {
      const auto lead = static_cast<unsigned char>(name[at]);
      const std::size_t bytes = lead < 0x80                   ? 1
                                : lead >= 0xC2 && lead < 0xE0 ? 2
                                : lead >= 0xE0 && lead < 0xF0 ? 3
                                                              : 0;
      bool good = bytes != 0 && at + bytes <= end;
      for (std::size_t i = 1; good && i < bytes; ++i) good = (name[at + i] & 0xC0) == 0x80;
      if (good && lead == 0xED) good = (name[at + 1] & 0x20) == 0;  // half of a pair
      if (good && lead == 0xE0) good = (name[at + 1] & 0x20) != 0;  // longer than it need be
      if (!good) {
        if ((lead & 0xC0) != 0x80) out[used++] = '?';
        ++at;
        continue;
      }
      std::memcpy(out + used, name + at, bytes);
      used += bytes;
      at += bytes;
    }
  };
  copy(0, head);
  if (cut) {
    std::memcpy(out + used, "...", kDots);
    used += kDots;
    copy(length - kTail, length);
  }
  out[used] = '\0';
}

void NameJavaThreads(const JvmContext& jvm, ProfileState* state) {
  if (state == nullptr || jvm.env->PushLocalFrame(16) != JNI_OK) return;
  if (g_vm.state == Vm::kUnknown) Learn(jvm);
  const std::uint64_t now = MonotonicNs();
  const bool all = now >= g_vm.next_rename_ns;
  jint count = 0;
  jthread* threads = nullptr;
  if (g_vm.state == Vm::kKnown && AnyWants(&state->threads, all) &&
      jvm.jvmti->GetAllThreads(&count, &threads) == JVMTI_ERROR_NONE) {
    AllowLocals(jvm.env, count);
    for (jint i = 0; i < count; ++i) {
      const jlong native = jvm.env->GetLongField(threads[i], g_vm.eetop);
      if (native == 0) continue;
      ThreadEntry entry;
      const auto env = static_cast<std::uintptr_t>(native + g_vm.to_env);
      // NOLINTNEXTLINE(performance-no-int-to-ptr)
      const std::uint32_t slot =
          SlotOf(&state->threads, reinterpret_cast<const void*>(env), &entry);
      if (slot == ThreadTable::kSlots || (!all && entry.java_name[0] != '\0')) continue;
      // GetThreadInfo leaves two references.
      if (jvm.env->PushLocalFrame(8) != JNI_OK) break;
      SetNameOf(jvm.jvmti, threads[i], &state->threads, slot, entry);
      jvm.env->PopLocalFrame(nullptr);
    }
    jvm.jvmti->Deallocate(reinterpret_cast<unsigned char*>(threads));
    NoteAsked(&state->threads);
    if (all) g_vm.next_rename_ns = now + kRenameNs;
  }
  jvm.env->ExceptionClear();
  jvm.env->PopLocalFrame(nullptr);
}

}  // namespace wrackline::preload
