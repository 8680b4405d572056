// The texts of tests/data/jvm_text (its README says who wrote each), as a folder's files.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "analyzer/evidence/source.h"

namespace wrackline::test {

inline std::string Sample(const std::string& name, const std::string& folder = "jvm_text") {
  std::ifstream file(WRACKLINE_TEST_DATA "/" + folder + "/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << folder << "/" << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline constexpr evidence::Time kTaken{std::chrono::seconds(1'795'880'000)};

inline evidence::SourceFile FileOf(const std::string& name, std::string_view text) {
  return {name, text, kTaken};
}

// The first `lines` lines.
inline std::string FirstLines(const std::string& text, int lines) {
  std::size_t end = 0;
  while (lines-- > 0 && end != std::string::npos) end = text.find('\n', end + (end != 0 ? 1 : 0));
  return text.substr(0, end);
}

}  // namespace wrackline::test
