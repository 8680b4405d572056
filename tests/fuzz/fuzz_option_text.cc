// The text that a RocksDB of any version prints of its options: what is found is in it.
#include <cstdint>
#include <cstdlib>

#include "rocksdb_probe/jni/option_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using wrackline::rocksdb_jni::StringView;
  const StringView text{reinterpret_cast<const char*>(data), size};
  for (const char* key : {"write_buffer_size", "block_cache", "max_open_files", "a"}) {
    for (const char sign : {'=', ':'}) {
      const StringView found = wrackline::rocksdb_jni::FindOption(text, key, sign);
      if (found.size != 0 &&
          (found.data < text.data || found.data + found.size > text.data + text.size))
        std::abort();
      const auto number = wrackline::rocksdb_jni::NumberOption(text, key, sign);
      if (number && found.size == 0) std::abort();
    }
  }
  return 0;
}
