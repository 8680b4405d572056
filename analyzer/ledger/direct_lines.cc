// Direct buffers: native memory that Java allocated for byte buffers, by whose they are.
#include <algorithm>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

bool Contains(const std::string& name, std::string_view part) {
  return name.find(part) != std::string::npos;
}

// The JDK's own way to a direct buffer, and Netty's, which goes past it.
bool AllocatesDirect(const std::string& function) {
  return function.starts_with("java.nio.Direct") ||
         function.starts_with("java.nio.ByteBuffer.allocateDirect") ||
         Contains(function, "PlatformDependent.allocateDirectNoCleaner") ||
         function.starts_with("sun.nio.ch.Util.");
}

// Flink's network memory, and Netty's buffers, which it counts as framework off-heap.
bool IsNetwork(const std::string& function) {
  return function.starts_with("org.apache.flink.runtime.io.network.buffer.NetworkBufferPool");
}

bool IsFramework(const std::string& function) {
  return function.starts_with("org.apache.flink.") || Contains(function, "flink.shaded.") ||
         function.starts_with("org.apache.pekko.") || function.starts_with("akka.");
}

bool IsPlumbing(const std::string& function) {
  return function.starts_with("java.") || function.starts_with("jdk.") ||
         function.starts_with("sun.") || function.starts_with("io.netty.");
}

}  // namespace

DirectUse DirectUseOf(const evidence::Site& site) {
  bool direct = false;
  for (const evidence::SiteFrame& frame : site.frames) {
    if (!frame.java) continue;
    if (AllocatesDirect(frame.function)) {
      direct = true;
      continue;
    }
    if (!direct) {
      if (IsPlumbing(frame.function)) continue;
      return DirectUse::kNone;
    }
    if (IsNetwork(frame.function)) return DirectUse::kNetwork;
    if (IsPlumbing(frame.function)) continue;
    // Flink's memory segments are allocated for others too: whose they are is said further out.
    if (frame.function.starts_with("org.apache.flink.core.memory.")) continue;
    return IsFramework(frame.function) ? DirectUse::kFramework : DirectUse::kUser;
  }
  return direct ? DirectUse::kUser : DirectUse::kNone;
}

}  // namespace wrackline::ledger
