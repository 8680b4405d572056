// A VM's performance counters as a report reads them: any file that somebody names.
#include <cstdint>
#include <cstdlib>

#include "analyzer/evidence/hsperfdata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto jvm =
      wrackline::evidence::JvmFromHsperfdata({reinterpret_cast<const char*>(data), size});
  if (jvm && (jvm->Last() == nullptr || jvm->origin != "hsperfdata")) std::abort();
  return 0;
}
