// The text of the diagnostic command GC.heap_info, of every collector of JDK 11 to 25.
//
//   garbage-first heap   total 262144K, used 144889K [0x00000000f0000000, 0x0000000100000000)
//     region size 1024K, 1 young (1024K), 0 survivors (0K)
//    Metaspace       used 79K, committed 320K, reserved 1114112K
//     class space    used 3K, committed 128K, reserved 1048576K
//
// Pure, no allocation; what the text does not say is absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace wrackline::preload {

struct AddressRange {
  std::uint64_t start, end;
};

struct HeapPart {
  char name[48];  // "eden space", "PSYoungGen", ...
  std::uint64_t used;
  std::optional<std::uint64_t> committed;
};

struct HeapInfo {
  static constexpr int kMostParts = 12;
  static constexpr int kMostRanges = 4;

  // Bytes.
  std::optional<std::uint64_t> used, committed, max;
  std::optional<std::uint64_t> metaspace_used, metaspace_committed, metaspace_reserved;
  std::optional<std::uint64_t> class_space_used, class_space_committed;
  HeapPart parts[kMostParts];
  int part_count = 0;
  // Where the heap is; ZGC does not say.
  AddressRange ranges[kMostRanges];
  int range_count = 0;
};

HeapInfo ParseHeapInfo(const char* text, std::size_t size);

// Its lines of metaspace alone: since JDK 25 they are in the text of VM.metaspace basic instead.
void ParseMetaspaceLines(const char* text, std::size_t size, HeapInfo* info);

}  // namespace wrackline::preload
