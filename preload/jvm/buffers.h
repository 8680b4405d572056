// The buffer pools "direct" and "mapped" of java.nio, from the static fields in which the JDK counts them: what
// BufferPoolMXBean reads. A class that the program has not loaded and initialized is left alone: it then has no buffers.
//
// The JVM thread alone.
#pragma once

#include <cstdint>
#include <optional>

#include "preload/jvm/context.h"

namespace wrackline::preload {

struct BufferPools {
  std::optional<std::uint64_t> direct_count, direct_used, direct_capacity;  // bytes
  // -XX:MaxDirectMemorySize, or what the JDK takes in its place; once there was a direct buffer.
  std::optional<std::uint64_t> direct_max;
  std::optional<std::uint64_t> mapped_count, mapped_used;
};

class Buffers {
 public:
  // Cheap once the classes were found. Until then it looks through the boot loader's classes, less often as time goes on.
  BufferPools Read(const JvmContext& jvm);

 private:
  struct Counter {
    jfieldID field = nullptr;
    bool atomic = false;  // an AtomicLong, else a long or an int
    bool narrow = false;
  };
  void LookFor(const JvmContext& jvm);
  // By either name; its type's letter, 'A' for AtomicLong, into `type`. Not JNI's GetStaticFieldID, which throws when there is
  // none: that loads a class of an error, and its constructor runs on this thread's stack.
  jfieldID FieldOf(const JvmContext& jvm, jclass of, const char* newer, const char* older,
                   char* type) const;
  Counter CounterOf(const JvmContext& jvm, jclass of, const char* newer, const char* older) const;
  std::optional<std::uint64_t> Value(const JvmContext& jvm, jclass of, const Counter& field) const;

  static constexpr int kUnmappers = 3;

  std::uint32_t calls_ = 0;
  jclass bits_ =
      nullptr;  // global references, for ever: the boot loader's classes are never unloaded
  jclass unmappers_[kUnmappers] = {};
  jfieldID atomic_value_ = nullptr;
  Counter count_, reserved_, capacity_;
  jfieldID maximum_ = nullptr, maximum_set_ = nullptr;
  Counter unmapper_count_[kUnmappers], unmapper_size_[kUnmappers];
};

}  // namespace wrackline::preload
