// The performance counters that a HotSpot VM keeps in /tmp/hsperfdata_USER/PID, 32 KiB that are mapped into it: the file stays
// when the VM is killed. Version 2.0 of the format, JDK 6 to 25. Big or little endian; the input is hostile.
//
//   PerfData data(bytes, size);
//   if (data.ok()) data.Number("java.threads.live");      // nothing: there is no such counter
//
// Shared by the shim, which reads the mapping, and the analyzer, which reads the file. Never allocates. `bytes` must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wrackline::jvm {

struct PerfText {
  const char* data = nullptr;  // not NUL-ended
  std::size_t size = 0;
};

class PerfData {
 public:
  PerfData(const void* bytes, std::size_t size);

  // Magic number, version and bounds are right, and the VM has finished writing its first counters.
  bool ok() const { return ok_; }

  std::optional<std::int64_t> Number(const char* name) const;
  std::optional<PerfText> Text(const char* name) const;

 private:
  struct Entry {
    std::size_t start, length;
    std::uint32_t value_offset, vector_length;
    char type;
    const char* name;
    std::size_t name_size;
  };
  template <typename T>
  T Read(std::size_t offset) const;
  bool Next(std::size_t* at, Entry* entry) const;
  bool Find(const char* name, Entry* entry) const;

  const unsigned char* bytes_;
  std::size_t size_;
  bool swapped_ = false;
  bool ok_ = false;
  std::size_t first_ = 0;
};

}  // namespace wrackline::jvm
