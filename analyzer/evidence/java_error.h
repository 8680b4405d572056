// The Java VM's own way of running out: an OutOfMemoryError, a fatal error, or what Flink logged of either.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/units/bytes.h"

namespace wrackline::evidence {

enum class JavaErrorKind {
  kHeap,  // "Java heap space", "GC overhead limit exceeded", "Requested array size exceeds VM limit"
  kMetaspace,      // "Metaspace"
  kClassSpace,     // "Compressed class space"
  kDirectBuffers,  // "Direct buffer memory", "Cannot reserve N bytes of direct buffer memory"
  kNativeThread,   // "unable to create native thread"
  kNativeMemory,  // the VM's own malloc or mmap failed ("Out of swap space", "insufficient memory for the Java Runtime")
  kCodeCache,     // "CodeCache is full"
  kCrash,         // a fatal error that is none of these (SIGSEGV and the like)
};

struct JavaError {
  JavaErrorKind kind = JavaErrorKind::kHeap;
  std::string message;  // as printed
  std::string thread;   // empty: not known
  std::string
      where;  // the first frame that is known: "org.apache.flink.core.memory.MemorySegmentFactory.allocateUnpooled"
  std::string time;                             // as printed
  std::string source;                           // file
  std::uint64_t count = 1;                      // of the same kind in the same file
  std::optional<Bytes> requested, used, limit;  // as far as the message says
};

}  // namespace wrackline::evidence
