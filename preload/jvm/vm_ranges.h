// Where the VM says that its code and its class metadata are: the texts of the diagnostic commands Compiler.codecache and
// VM.metaspace vslist. Pure, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preload/jvm/heap_info.h"

namespace wrackline::preload {

//   CodeHeap 'profiled nmethods': size=120032Kb used=4Kb max_used=4Kb free=120027Kb
//    bounds [0x00007f364d400000, 0x00007f364d670000, 0x00007f3654938000]
struct CodeHeap {
  char name[48];
  AddressRange range;       // reserved
  std::uint64_t committed;  // bytes of it, from the start
  std::uint64_t used;
};
// How many there are, `most` at the most. JDK 11 to 25.
int ParseCodeHeaps(const char* text, std::size_t size, CodeHeap* heaps, int most);

//   vsl non-class-space:
//   - node #0: base 0x00007f35eb000000: reserved=65536.00 KB, committed=192.00 KB ( <1%), ...
struct MetaspaceNode {
  AddressRange range;  // reserved
  bool class_space;
};
// JDK 16 to 25; before, the text has no addresses.
int ParseMetaspaceNodes(const char* text, std::size_t size, MetaspaceNode* nodes, int most);

}  // namespace wrackline::preload
