// Readable C++ names. Host side.
#pragma once

#include <string>
#include <string_view>

namespace wrackline::symbols {

// "_ZN7rocksdb5Arena16AllocateNewBlockEm" -> "rocksdb::Arena::AllocateNewBlock(unsigned long)";
// anything that is no mangled name, or does not demangle, comes back as it is. Names are hostile:
// input above 4 KiB comes back as it is, and so does a name with more than 32 back references (each
// may double the text).
std::string Demangle(std::string_view symbol);

// For narrow tables: argument lists and template arguments of a demangled name are dropped
// ("rocksdb::Arena::AllocateNewBlock").
std::string ShortName(std::string_view demangled);

}  // namespace wrackline::symbols
