// The name under which a library exports a native method, as the JNI specification makes it ("Resolving Native Method Names").
#pragma once

#include <cstddef>

namespace wrackline::preload {

inline constexpr std::size_t kJniNameBytes = 512;

// `class_signature` is "Lorg/rocksdb/RocksDB;", `signature` "(JJ)V". `overloaded`: the long name, which has the arguments' types.
// False: it does not fit, or has characters beyond ASCII.
bool JniName(const char* class_signature, const char* method, const char* signature,
             bool overloaded, char* out, std::size_t size);

}  // namespace wrackline::preload
