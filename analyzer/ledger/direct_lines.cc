// Direct buffers: native memory that Java allocated for byte buffers, by whose they are.
#include <algorithm>

#include "analyzer/ledger/lines.h"

namespace wrackline::ledger {
namespace {

bool Begins(const std::string& name, std::string_view prefix) {
  return name.compare(0, prefix.size(), prefix) == 0;
}
bool Contains(const std::string& name, std::string_view part) {
  return name.find(part) != std::string::npos;
}

// The JDK's own way to a direct buffer, and Netty's, which goes past it.
bool AllocatesDirect(const std::string& function) {
  return Begins(function, "java.nio.DirectByteBuffer.") || Begins(function, "java.nio.Direct") ||
         Begins(function, "java.nio.ByteBuffer.allocateDirect") ||
         Contains(function, "PlatformDependent.allocateDirectNoCleaner") ||
         Begins(function, "sun.nio.ch.Util.");
}

// Flink's network memory, and Netty's buffers, which it counts as framework off-heap.
bool IsNetwork(const std::string& function) {
  return Begins(function, "org.apache.flink.runtime.io.network.buffer.NetworkBufferPool");
}

bool IsFramework(const std::string& function) {
  return Begins(function, "org.apache.flink.") || Contains(function, "flink.shaded.") ||
         Begins(function, "org.apache.pekko.") || Begins(function, "akka.");
}

bool IsPlumbing(const std::string& function) {
  return Begins(function, "java.") || Begins(function, "jdk.") || Begins(function, "sun.") ||
         Begins(function, "io.netty.");
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
    if (Begins(frame.function, "org.apache.flink.core.memory.")) continue;
    return IsFramework(frame.function) ? DirectUse::kFramework : DirectUse::kUser;
  }
  return direct ? DirectUse::kUser : DirectUse::kNone;
}

}  // namespace wrackline::ledger
