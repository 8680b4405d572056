// Names for Java frames: the JVM thread asks the VM for them, while the methods are there.
//
// The recorder thread hands frames over by a JavaNamingJob, one at a time, within a step of the first sample that has them:
// a class may be unloaded soon after, and its methods then have no name any more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace wrackline::preload {

struct JvmContext;

struct JavaNamingJob {
  static constexpr std::uint32_t kMaxFrames = 1024;
  static constexpr std::size_t kTextBytes = 1 << 19;
  static constexpr std::size_t kMaxName = 4096;  // a longer one is cut

  struct Frame {
    std::uint64_t frame;
    std::uint32_t entry;  // of FrameNames
    std::uint32_t name;   // out: its place in `text`; kNoName, or kNoRoom: ask again
    std::uint32_t file;   // out: the same, where there is a line
    std::uint32_t line;   // out: 0: not known
  };
  static constexpr std::uint32_t kNoName = UINT32_MAX;
  static constexpr std::uint32_t kNoRoom = UINT32_MAX - 1;

  std::uint32_t count;
  Frame frames[kMaxFrames];  // the order is not kept
  std::size_t text_used;
  char text[kTextBytes];
};

// JVM thread.
void ResolveJavaNames(const JvmContext& jvm, JavaNamingJob* job);

// "com.example.Outer$Inner.method" from a class signature ("Lcom/example/Outer$Inner;") and a method's name. What differs
// from run to run or from instance to instance goes: the address of a hidden class ("Outer$$Lambda/0x00007f..." becomes
// "Outer$$Lambda"), the number of a lambda or of a reflection accessor. `out` of `size` bytes is NUL-ended, cut where it
// does not fit.
void WriteJavaName(const char* signature, const char* method, char* out, std::size_t size);

}  // namespace wrackline::preload
