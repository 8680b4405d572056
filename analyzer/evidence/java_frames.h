// What a Java frame is good for: naming who asked for memory, or only how it was asked for.
#pragma once

#include <string_view>

namespace wrackline::evidence {

enum class JavaCode {
  kApplication,  // the program's, and its frameworks'
  kLibrary,  // hands native memory out: RocksDB's Java API and Flink's state backend on it, netty's
             // allocator, Flink's memory segments
  kJdk,
};

// `function`: class and method as Java writes them, "java.util.zip.Inflater.init".
JavaCode JavaCodeOf(std::string_view function);

// Bit 63 of a frame (message Stack of wrackline.proto).
constexpr bool IsJavaFrame(unsigned long long pc) { return pc >> 63 != 0; }

}  // namespace wrackline::evidence
