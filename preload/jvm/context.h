// What the JVM thread has in hand (preload/jvm/jvm_thread.h), and what a Java frame is.
//
// Everything that asks the VM runs on that one thread of our own, which is attached to the VM as a daemon: a call may wait
// for a whole collection, and neither a program's thread nor the recorder thread may. The hooks ask one thing only, the
// stack of their own thread (java_stack.h).
#pragma once

#include <jni.h>
#include <jvmti.h>

#include <cstdint>

namespace wrackline::preload {

// Valid on the JVM thread alone, while the VM lives.
struct JvmContext {
  JavaVM* vm;
  JNIEnv* env;      // of the JVM thread
  jvmtiEnv* jvmti;  // with free capabilities only
};

// A Java frame of a stack, as message Stack of wrackline.proto has it.
constexpr std::uint64_t kJavaFrame = std::uint64_t{1} << 63;
constexpr int kJavaIndexShift = 47;
constexpr std::uint64_t kJavaMethodMask = (std::uint64_t{1} << kJavaIndexShift) - 1;
constexpr std::uint32_t kNoBytecode = 0xFFFF;

constexpr bool IsJavaFrame(std::uint64_t frame) { return (frame & kJavaFrame) != 0; }

// 0: a method id with more bits than a frame has room for. `index`: of the bytecode, negative where there is none.
inline std::uint64_t JavaFrame(jmethodID method, std::int32_t index) {
  const auto id = reinterpret_cast<std::uint64_t>(method);
  if (id == 0 || (id & ~kJavaMethodMask) != 0) return 0;
  const std::uint64_t at = index < 0 || index >= static_cast<std::int32_t>(kNoBytecode)
                               ? kNoBytecode
                               : static_cast<std::uint32_t>(index);
  return kJavaFrame | at << kJavaIndexShift | id;
}
inline jmethodID MethodOf(std::uint64_t frame) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<jmethodID>(frame & kJavaMethodMask);
}
constexpr std::uint32_t BytecodeOf(std::uint64_t frame) {
  return static_cast<std::uint32_t>(frame >> kJavaIndexShift) & 0xFFFF;
}

}  // namespace wrackline::preload
