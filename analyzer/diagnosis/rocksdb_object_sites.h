// Where Java made what it did not close: the sampled stacks that go through the native method of that class.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analyzer/evidence/evidence.h"

namespace wrackline::diagnosis {

struct ObjectSites {
  Bytes live;                           // of all of them, an estimate
  const evidence::Site* top = nullptr;  // the largest; nullptr: none was sampled
  std::string place;                    // of the largest: its method, and file and line where known
};

// `functions`: beginnings of native methods, without the package: "ReadOptions_newReadOptions".
ObjectSites SitesOf(const std::vector<evidence::Site>& sites,
                    const std::vector<std::string_view>& functions);

}  // namespace wrackline::diagnosis
