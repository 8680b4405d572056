#include "analyzer/flink/memory_json.h"

namespace wrackline::flink {

nlohmann::ordered_json ComponentsJson(const TaskManagerMemory& memory) {
  return {{"framework_heap", memory.framework_heap.count},
          {"task_heap", memory.task_heap.count},
          {"framework_offheap", memory.framework_off_heap.count},
          {"task_offheap", memory.task_off_heap.count},
          {"network", memory.network.count},
          {"managed", memory.managed.count},
          {"jvm_metaspace", memory.jvm_metaspace.count},
          {"jvm_overhead", memory.jvm_overhead.count},
          {"total_flink", memory.total_flink.count},
          {"total_process", memory.total_process.count}};
}

}  // namespace wrackline::flink
