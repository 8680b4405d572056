#include "analyzer/sizing/words.h"

namespace wrackline::sizing {

std::string DerivedAgain(const flink::TaskManagerMemory& now, const flink::TaskManagerMemory& then,
                         Bytes limit) {
  const auto part = [](const char* name, Bytes before, Bytes after) {
    return std::string(name) + " " + FormatBytes(before) +
           (before == after ? "" : " -> " + FormatBytes(after));
  };
  return "Flink's memory model, derived again: " + part("heap", now.JvmHeap(), then.JvmHeap()) +
         ", " + part("managed", now.managed, then.managed) + ", " +
         part("task off-heap", now.task_off_heap, then.task_off_heap) + ", " +
         part("process", now.total_process, then.total_process) + " <= " + FormatBytes(limit) +
         " limit";
}

}  // namespace wrackline::sizing
