// Where the fixture trees of tests/data/container are (docs/container.md says which machine each
// one is).
#pragma once

#include <string>

namespace wrackline::container {

inline std::string Fixture(const std::string& name) {
  return std::string(WRACKLINE_TEST_DATA) + "/container/" + name;
}

// The container id in the fixtures' paths.
inline const std::string kContainerId =
    "4f1c09d2b6a7e3850d9f6c2b1a4e7d83c5f0b9a2e6d14873fa1b5c6d7e8f9012";

}  // namespace wrackline::container
