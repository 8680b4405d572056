// A folder of a test's own, gone after it; and files as readers get them.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "analyzer/evidence/source.h"

namespace wrackline::evidence {

inline const std::string kCaptures = WRACKLINE_TEST_DATA "/captures/";

inline std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline Time At(int seconds) { return Time{std::chrono::seconds(1'764'000'000 + seconds)}; }

inline SourceFile Source(std::string name, std::string_view text, int seconds = 0) {
  return {std::move(name), text, At(seconds)};
}

class TestFolder {
 public:
  TestFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "wrackline-sources-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  void Write(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  const std::filesystem::path& path() const { return path_; }
  std::string string() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace wrackline::evidence
