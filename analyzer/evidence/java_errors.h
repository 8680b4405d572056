// OutOfMemoryErrors, and the VM's other last words, in any log: a TaskManager's, a container's, a program's standard output.
//
//   2026-11-28 20:28:36,508 ERROR ... - FATAL: Thread 'orders -> Map (1/2)#0' produced an uncaught exception. Stopping the process...
//   java.lang.OutOfMemoryError: Java heap space
//           at com.example.Orders.add(Orders.java:15)
//
// gives {kHeap, "Java heap space", thread "orders -> Map (1/2)#0", where "com.example.Orders.add", time "2026-11-28 20:28:36,508"}.
// One entry a kind and file: the first, with the count of all. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/java_error.h"
#include "analyzer/evidence/source.h"
#include "lib/base/result.h"

namespace wrackline::evidence {

// In order of their place in `text`; `source` is the file's name.
std::vector<JavaError> FindJavaErrors(std::string_view text, std::string_view source);

// "the Java heap ran out, 3 times; metaspace ran out"; empty: none.
std::string Summary(const std::vector<JavaError>& errors);

// Adds those of a file, whatever else the file is. Returns Summary.
std::string AddJavaErrorsOf(const SourceFile& file, Evidence* evidence);

// A log in which such an error is, and which is none of the other kinds: those take their errors themselves.
bool IsJavaErrors(const SourceFile& file);
Result<std::string> AddJavaErrors(const SourceFile& file, Evidence* evidence);

}  // namespace wrackline::evidence
