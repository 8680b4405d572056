// The parsers of /proc's text: the first byte chooses one, the rest is the text.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "lib/container/pressure.h"
#include "lib/container/process.h"

namespace container = wrackline::container;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const char* const text = reinterpret_cast<const char*>(data + 1);
  const std::size_t length = size - 1;
  switch (data[0]) {
    case 'r': {
      const container::SmapsRollup rollup = container::ParseSmapsRollup(text, length);
      if (rollup.rss && *rollup.rss % 1024 != 0) std::abort();
      break;
    }
    case 'm': {
      const container::Statm statm = container::ParseStatm(text, length, 4096);
      if (statm.resident && *statm.resident % 4096 != 0) std::abort();
      break;
    }
    case 's':
      container::ParseProcessStat(text, length);
      break;
    case 'p': {
      const container::Pressure pressure = container::ParsePressure(text, length);
      if (pressure.some_avg10 && *pressure.some_avg10 > 10099) std::abort();
      break;
    }
    default: {
      container::Mapping mapping;
      if (container::ParseMappingLine(text, length, &mapping)) {
        if (mapping.end < mapping.start) std::abort();
        if (std::memchr(mapping.name, '\0', sizeof(mapping.name)) == nullptr) std::abort();
        if (std::strlen(mapping.permissions) != 4) std::abort();
      }
      break;
    }
  }
  return 0;
}
