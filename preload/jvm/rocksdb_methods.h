// The native methods of RocksDB's Java interface that tell of databases and column families: which open, which close.
#pragma once

#include "preload/jvm/native_bind.h"

namespace wrackline::preload {

NativeMethodTable RocksDbMethods();

}  // namespace wrackline::preload
