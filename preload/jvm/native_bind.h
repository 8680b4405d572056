// Functions of ours around native methods of Java classes: put there when the VM binds a method, by JVMTI's event for it.
//
// Words
//  - Wrapper: a C function with the method's own JNI signature, which calls the original and does something before or after.
//  - Library: what exports the original. Each class loader that loads RocksDB has a copy of its own, and each copy has
//    wrappers of its own (kBoundLibraries of them), because a wrapper must know its original without looking anything up.
//    Libraries beyond that are left alone and counted.
//  - Whole: every method of the library that is called goes through its wrapper. What is born in a library that is not whole
//    must not be watched: its end may not be seen. A library that was loaded before the events were on is bound anew where it is the
//    only one and its classes have one loader; else nobody can say which class has which, and none of those is whole.
//
// A table of methods to wrap, with what is done around each:
//
//   jlong AroundNew(const NativeCall<jlong, jlong>& call, jlong argument) {
//     const jlong handle = call(argument);           // the original
//     if (handle != 0) Note(handle);                 // no JNI call while an exception may be pending
//     return handle;
//   }
//   constexpr NativeMethod kMethods[] = {
//       WrappedMethod<AroundNew, "ReadOptions", "newReadOptions", "(J)J">::kRow,
//   };
//
// and one line in native_bind.cc's kTables. A static method and one of an instance are wrapped alike. One row a method: the
// class is named without its package (kPackages in native_bind.cc). Versions of a library may differ: a row that no class has does
// no harm, so name them all.
//
// What a wrapper may not do: throw, leave an exception pending, call JNI while one is pending, hold a lock over a JNI call, or
// wait for a thread that may wait for the VM. It runs on any Java thread, a Cleaner's or a finalizer's too, in native state.
#pragma once

#include <jni.h>
#include <jvmti.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "preload/jvm/context.h"

namespace wrackline::preload {

constexpr int kBoundLibraries = 16;

struct BoundLibrary {
  std::atomic<std::uint64_t> base;  // where it is mapped; 0: none yet
  std::atomic<bool> whole;
  std::atomic<bool>
      early;          // it was there before the events were on: what was made before is not known
  int Index() const;  // 0 to kBoundLibraries - 1
};

// A call on its way. Valid until the wrapper returns.
template <typename Result, typename... Arguments>
struct NativeCall {
  Result (*original)(JNIEnv* env, jobject self, Arguments... arguments);
  JNIEnv* env;
  jobject self;  // of a static method: its class
  const BoundLibrary* library;

  Result operator()(Arguments... arguments) const { return original(env, self, arguments...); }
  // An address in the library.
  const void* code() const { return reinterpret_cast<const void*>(original); }
};

struct NativeMethod {
  const char* class_name;  // without its package
  const char* name;
  const char* signature;
  void* (*wrapper)(int library);
  std::atomic<void*>* originals;  // kBoundLibraries
};

struct NativeMethodTable {
  const NativeMethod* methods;
  std::size_t count;
};

// A text as an argument of a template.
template <std::size_t kSize>
struct FixedText {
  constexpr FixedText(const char (&from)[kSize]) {
    for (std::size_t i = 0; i < kSize; ++i) text[i] = from[i];
  }
  char text[kSize];
};

namespace internal {
extern BoundLibrary g_bound_libraries[kBoundLibraries];
}

template <auto kAround, FixedText kClass, FixedText kName, FixedText kSignature>
class WrappedMethod {
  template <typename Result, typename... Arguments>
  struct Made {
    inline static constinit std::atomic<void*> originals[kBoundLibraries] = {};

    template <int kLibrary>
    static Result JNICALL Wrapper(JNIEnv* env, jobject self, Arguments... arguments) {
      using Original = Result (*)(JNIEnv*, jobject, Arguments...);
      const auto original =
          reinterpret_cast<Original>(originals[kLibrary].load(std::memory_order_acquire));
      return kAround({original, env, self, &internal::g_bound_libraries[kLibrary]}, arguments...);
    }

    template <int... kLibraries>
    static void* Select(int library, std::integer_sequence<int, kLibraries...>) {
      static void* const kWrappers[] = {reinterpret_cast<void*>(&Wrapper<kLibraries>)...};
      return kWrappers[library];
    }
    static void* Wrapper(int library) {
      return Select(library, std::make_integer_sequence<int, kBoundLibraries>());
    }
  };
  template <typename Result, typename... Arguments>
  static Made<Result, Arguments...> MadeFor(
      Result (*around)(const NativeCall<Result, Arguments...>&, Arguments...));
  using Methods = decltype(MadeFor(kAround));

 public:
  static constexpr NativeMethod kRow = {kClass.text, kName.text, kSignature.text,
                                        [](int library) { return Methods::Wrapper(library); },
                                        Methods::originals};
};

// --- attach.cc: the VM's agent ---

// Before SetEventCallbacks. Nothing where the VM cannot tell of bindings.
void AskForNativeBinds(jvmtiEnv* jvmti, jvmtiEventCallbacks* callbacks);
// In the live phase, once: from here on methods are wrapped as they are bound. On the JVM thread or one of the program's.
void StartNativeBinds(const JvmContext& jvm);
// The VM ends: nothing is wrapped any more.
void StopNativeBinds();

// For the recording.
struct NativeBinds {
  std::uint32_t libraries;
  std::uint32_t early;  // were loaded before the events were on: what was born before is not known
  std::uint32_t
      unwrapped;  // of those, the ones that are not whole; and methods of libraries beyond kBoundLibraries
};
NativeBinds BoundSoFar();

}  // namespace wrackline::preload
