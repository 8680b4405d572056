// What the message of an OutOfMemoryError means, whoever threw it: the VM, Java's library, Netty, Flink.
//
//   KindOfMessage("Metaspace", &error)                                               ->  kMetaspace
//   KindOfMessage("Cannot reserve 4194304 bytes of direct buffer memory (allocated: 33554432, limit: 33554432)", &error)
//       ->  kDirectBuffers; error.requested 4 MiB, used and limit 32 MiB
//
// Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "analyzer/evidence/java_error.h"

namespace wrackline::evidence {

// Nothing for a message that is not known. Fills the amounts that it names.
std::optional<JavaErrorKind> KindOfMessage(std::string_view message, JavaError* error);

// "the Java heap ran out", for people.
const char* Title(JavaErrorKind kind);

}  // namespace wrackline::evidence
