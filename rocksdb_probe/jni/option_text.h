// One option out of the text that RocksDB prints of its options ("a=1;b={c=2;};", or a line each
// with a colon, as its log has them). The text is RocksDB's; reading it never fails, it only finds
// nothing.
#pragma once

#include <cstdint>
#include <optional>

#include "rocksdb_probe/jni/cxx_strings.h"

namespace wrackline::rocksdb_jni {

// The value's first word; empty: no such option. The key stands at the beginning or behind ';', '{',
// a blank or a line's end, and is followed by `sign`.
StringView FindOption(StringView text, const char* key, char sign = '=');

// 0x and hexadecimal digits are an address.
std::optional<std::int64_t> NumberOption(StringView text, const char* key, char sign = '=');

}  // namespace wrackline::rocksdb_jni
