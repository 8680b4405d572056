// Kubernetes manifests, quantities and the operator's amounts.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/manifest/operator_memory.h"
#include "analyzer/evidence/manifest/quantity.h"
#include "analyzer/evidence/pod_manifest.h"

namespace evidence = wrackline::evidence;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto amount = evidence::ParseQuantity(text);
  if (amount.ok() && amount.value() < 0) std::abort();
  (void)evidence::OperatorMemoryText(text);
  (void)evidence::LooksLikeManifest(text);
  for (const evidence::FlinkRole role :
       {evidence::FlinkRole::kTaskManager, evidence::FlinkRole::kJobManager}) {
    const auto pod = evidence::FlinkFromManifest(text, "m.yaml",
                                                 {role, wrackline::flink::Version{1, 20, 0}, true});
    if (!pod.ok()) {
      if (pod.error().message.empty()) std::abort();
      continue;
    }
    // Every setting that counts is in the configuration, with the last one's value.
    for (const evidence::ManifestSetting& setting : pod.value().settings) {
      const evidence::ManifestSetting* last = pod.value().Find(setting.key);
      if (!setting.ignored.empty()) continue;
      if (last == nullptr || pod.value().configuration.Get(setting.key) != last->value)
        std::abort();
    }
    (void)pod.value().Additions();
    (void)pod.value().VolumeAt("/tmp/x");
  }
  return 0;
}
