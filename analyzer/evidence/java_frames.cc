#include "analyzer/evidence/java_frames.h"

#include <algorithm>
#include <array>

namespace wrackline::evidence {
namespace {

constexpr std::array<std::string_view, 6> kJdk = {"java.", "javax.",   "jdk.",
                                                  "sun.",  "com.sun.", "(unloaded Java method)"};

// Flink shades netty below its own packages.
constexpr std::array<std::string_view, 8> kLibrary = {
    "org.rocksdb.",
    "org.forstdb.",
    "org.apache.flink.contrib.streaming.state.",
    "org.apache.flink.state.rocksdb.",
    "io.netty.buffer.",
    "io.netty.util.internal.PlatformDependent",
    "org.apache.flink.core.memory.MemoryUtils",
    "org.apache.flink.core.memory.MemorySegmentFactory"};

constexpr std::string_view kShadedNetty = "org.apache.flink.shaded.netty4.";

template <typename List>
bool StartsWithAny(const List& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [text](std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
  });
}

}  // namespace

JavaCode JavaCodeOf(std::string_view function) {
  if (function.substr(0, kShadedNetty.size()) == kShadedNetty)
    function.remove_prefix(kShadedNetty.size());
  if (StartsWithAny(kJdk, function)) return JavaCode::kJdk;
  return StartsWithAny(kLibrary, function) ? JavaCode::kLibrary : JavaCode::kApplication;
}

}  // namespace wrackline::evidence
