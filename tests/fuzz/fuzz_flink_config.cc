// Both configuration formats, and the memory model over whatever they parse to.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/flink/config_file.h"
#include "analyzer/flink/memory_model.h"
#include "analyzer/flink/rocksdb_budget.h"

namespace {

void Derive(const wrackline::flink::Configuration& configuration) {
  for (const wrackline::flink::Version version :
       {wrackline::flink::Version{1, 10, 0}, {1, 20, 5}, {2, 3, 0}}) {
    const auto memory = wrackline::flink::DeriveTaskManagerMemory(
        configuration, version, wrackline::flink::Mode::kStandalone);
    if (!memory.ok()) continue;
    const auto& m = memory.value();
    if (m.total_process != m.total_flink + m.jvm_metaspace + m.jvm_overhead) std::abort();
    (void)wrackline::flink::ReadRocksDbBudget(configuration, version, m.managed);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Derive(wrackline::flink::ParseFlatConfig(text, "flink-conf.yaml"));
  const auto yaml = wrackline::flink::ParseYamlConfig(text, "config.yaml");
  if (yaml.ok()) Derive(yaml.value());
  (void)wrackline::flink::ChooseConfigFormat("x", text, std::nullopt);
  return 0;
}
