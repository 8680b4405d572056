// A pod's status, events and descriptions as anyone may have written them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/kubectl_describe.h"
#include "analyzer/evidence/kubernetes_events.h"
#include "analyzer/evidence/kubernetes_status.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrackline::evidence;
  const SourceFile file{"f", {reinterpret_cast<const char*>(data), size}, Time{}};
  (void)IsPodStatus(file);
  (void)IsKubernetesEvents(file);
  (void)IsKubectlDescribe(file);
  Evidence evidence;
  for (const auto add : {AddPodStatus, AddKubernetesEvents, AddKubectlDescribe})
    (void)add(file, &evidence);
  if (!evidence.pod) return 0;
  for (const ContainerStatus& container : evidence.pod->containers)
    if (container.memory_limit && container.memory_limit->count < 0) std::abort();
  if (evidence.pod->containers.size() > 64) std::abort();
  return 0;
}
