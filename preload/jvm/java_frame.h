// A Java frame of a stack, as message Stack of wrackline.proto has it: a number with the highest bit set, which no return
// address has.
#pragma once

#include <cstdint>

// As jni.h has it, which not everyone who copies frames needs.
struct _jmethodID;
typedef struct _jmethodID* jmethodID;

namespace wrackline::preload {

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
// A frame whose method has no id.
constexpr std::uint64_t kUnknownJavaFrame = kJavaFrame | std::uint64_t{kNoBytecode}
                                                             << kJavaIndexShift;

inline jmethodID MethodOf(std::uint64_t frame) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<jmethodID>(frame & kJavaMethodMask);
}
constexpr std::uint32_t BytecodeOf(std::uint64_t frame) {
  return static_cast<std::uint32_t>(frame >> kJavaIndexShift) & 0xFFFF;
}

}  // namespace wrackline::preload
