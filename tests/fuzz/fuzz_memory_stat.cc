// memory.stat of both versions: the first byte chooses ('1' or another), the rest is the text.
#include <cstdint>
#include <cstdlib>

#include "lib/container/cgroup.h"

using wrackline::container::CgroupMemory;
using wrackline::container::ParseMemoryStat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int version = data[0] == '1' ? 1 : 2;
  const char* const text = reinterpret_cast<const char*>(data + 1);
  CgroupMemory memory;
  ParseMemoryStat(text, size - 1, version, &memory);
  // No limit is empty, whatever the number; and parsing twice changes nothing.
  if (memory.limit && (*memory.limit >= std::uint64_t{1} << 62 || version == 2)) std::abort();
  CgroupMemory again = memory;
  ParseMemoryStat(text, size - 1, version, &again);
  if (again.anon != memory.anon || again.file != memory.file || again.limit != memory.limit) {
    std::abort();
  }
  memory.charge = 1 << 20;
  const auto working_set = memory.WorkingSet();
  if (working_set && *working_set > 1 << 20) std::abort();
  return 0;
}
