#include "analyzer/evidence/java_error_kind.h"

#include "analyzer/evidence/vm_lines.h"

namespace wrackline::evidence {

using namespace vm_lines;

std::optional<JavaErrorKind> KindOfMessage(std::string_view message, JavaError* error) {
  // "Cannot reserve 4194304 bytes of direct buffer memory (allocated: 33554432, limit: 33554432)"
  if (StartsWith(message, "Cannot reserve ") && Contains(message, "direct buffer memory")) {
    error->requested = AmountAfter(message, "Cannot reserve ");
    error->used = AmountAfter(message, "(allocated: ");
    error->limit = AmountAfter(message, "limit: ");
    return JavaErrorKind::kDirectBuffers;
  }
  // Netty: "failed to allocate 16777216 byte(s) of direct memory (used: 419430407, max: 429916160)"
  if (Contains(message, "of direct memory (used: ")) {
    error->requested = AmountAfter(message, "allocate ");
    error->used = AmountAfter(message, "(used: ");
    error->limit = AmountAfter(message, "max: ");
    return JavaErrorKind::kDirectBuffers;
  }
  // Flink's network buffers: "... for NetworkBufferPool (required (Mb): 128, allocated (Mb): 14, missing (Mb): 114). Cause: ..."
  if (Contains(message, "NetworkBufferPool")) {
    const auto megabytes = [message](std::string_view key) -> std::optional<Bytes> {
      const auto amount = AmountAfter(message, key);
      if (!amount || amount->count > (std::int64_t{1} << 40)) return std::nullopt;
      return amount->count * kMiB;
    };
    error->requested = megabytes("required (Mb): ");
    error->used = megabytes("allocated (Mb): ");
    if (Contains(message, "Java heap")) return JavaErrorKind::kHeap;
    return JavaErrorKind::kDirectBuffers;
  }
  if (Contains(message, "irect buffer memory")) return JavaErrorKind::kDirectBuffers;
  if (StartsWith(message, "Metaspace")) return JavaErrorKind::kMetaspace;
  if (StartsWith(message, "Compressed class space")) return JavaErrorKind::kClassSpace;
  // JDK 8: "unable to create new native thread".
  if (StartsWith(message, "unable to create ") && Contains(message, "native thread"))
    return JavaErrorKind::kNativeThread;
  if (StartsWith(message, "Unable to allocate ") || StartsWith(message, "Unable to reallocate ")) {
    error->requested = AmountAfter(message, "llocate ");
    return JavaErrorKind::kNativeMemory;
  }
  if (Contains(message, "Out of swap space")) {
    error->requested = AmountAfter(message, "requested ");
    return JavaErrorKind::kNativeMemory;
  }
  if (StartsWith(message, "Map failed")) return JavaErrorKind::kNativeMemory;
  if (Contains(message, "CodeCache") || Contains(message, "code cache"))
    return JavaErrorKind::kCodeCache;
  for (const std::string_view heap :
       {"Java heap space", "GC overhead limit exceeded", "Requested array size exceeds VM limit",
        "Required length exceeds implementation limit", "Required array size too large",
        "Required array length", "Overflow: String length out of range", "UTF16 String size is",
        "C heap space"}) {
    if (!StartsWith(message, heap)) continue;
    return heap == "C heap space" ? JavaErrorKind::kNativeMemory : JavaErrorKind::kHeap;
  }
  // java.io and java.util throw it bare where an array would be too large.
  if (message.empty()) return JavaErrorKind::kHeap;
  return std::nullopt;
}

const char* Title(JavaErrorKind kind) {
  switch (kind) {
    case JavaErrorKind::kHeap:
      return "the Java heap ran out";
    case JavaErrorKind::kMetaspace:
      return "metaspace ran out";
    case JavaErrorKind::kClassSpace:
      return "the compressed class space ran out";
    case JavaErrorKind::kDirectBuffers:
      return "direct buffers reached their limit";
    case JavaErrorKind::kNativeThread:
      return "no thread could be started";
    case JavaErrorKind::kNativeMemory:
      return "the VM got no memory from the system";
    case JavaErrorKind::kCodeCache:
      return "the code cache is full";
    case JavaErrorKind::kCrash:
      return "the VM crashed";
  }
  return "";
}

}  // namespace wrackline::evidence
