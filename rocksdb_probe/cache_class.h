// The complete class rocksdb::Cache, which RocksDB 8.1 moved to a header of its own.
#pragma once

#include <rocksdb/cache.h>
#if __has_include(<rocksdb/advanced_cache.h>)
#include <rocksdb/advanced_cache.h>
#endif
