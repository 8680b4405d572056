// A long log of anybody with YARN's words in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "analyzer/evidence/yarn_kill.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wrackline::evidence;
  const SourceFile file{"f", {reinterpret_cast<const char*>(data), size}, Time{}};
  Evidence evidence;
  // What is recognised can be added.
  if (IsYarn(file) && !AddYarn(file, &evidence).ok()) std::abort();
  for (const YarnKill& kill : ParseYarnKills(file.text)) {
    if (kill.physical_used && kill.physical_used->count < 0) std::abort();
    for (const YarnKill::Process& process : kill.processes)
      if (process.resident.count < 0) std::abort();
  }
  return 0;
}
