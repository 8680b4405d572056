// Rows of `wrackline model --batch`: the first byte chooses the kind, the rest is a line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/flink/model_batch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using wrackline::flink::BatchKind;
  constexpr BatchKind kKinds[] = {BatchKind::kTaskManager, BatchKind::kJobManager,
                                  BatchKind::kRocksDb, BatchKind::kSlot, BatchKind::kConfiguration};
  const BatchKind kind = kKinds[data[0] % 5];
  const std::string_view line(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const wrackline::flink::Version version :
       {wrackline::flink::Version{1, 10, 0}, {1, 12, 7}, {1, 20, 5}, {2, 3, 0}}) {
    const auto answer = wrackline::flink::AnswerRow(kind, version, line);
    // One line, whatever was asked.
    if (answer.row.empty() || answer.row.find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
