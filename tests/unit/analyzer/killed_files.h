// Sample files of the readers of kills.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

inline std::string ReadSample(const std::string& name) {
  std::ifstream file(WRACKLINE_TEST_DATA "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// `text` must outlive the result.
inline SourceFile AsFile(const std::string& text, std::string name = "file") {
  return {std::move(name), text, Time{std::chrono::seconds(1'795'000'000)}};
}

}  // namespace wrackline::evidence
