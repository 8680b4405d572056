// Objects of Java that hold native memory and must be closed, known by the frames that make them. RocksDB's are counted by
// themselves (rocksdb_unclosed.cc). Pure; any thread.
#pragma once

#include <string_view>

#include "analyzer/evidence/evidence.h"

namespace wrackline::diagnosis {

struct JniHandle {
  std::string_view name;  // "Inflater objects of java.util.zip"
  std::string_view advice;
};

// Which of them a site makes; nullptr: none that is known.
const JniHandle* JniHandleOf(const evidence::Site& site);

}  // namespace wrackline::diagnosis
