// Rows recorded from real Flink, and which releases each file stands for.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace wrackline::flink {

struct RecordedFile {
  std::string version;  // a release
  std::string file;     // the file whose rows it gave, without folder and .jsonl
};

inline std::vector<nlohmann::json> LoadRows(const std::string& folder, const std::string& file) {
  const std::string path =
      std::string(WRACKLINE_TEST_DATA) + "/flink/" + folder + "/" + file + ".jsonl";
  std::ifstream stream(path);
  EXPECT_TRUE(stream.good()) << path;
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(stream, line);) rows.push_back(nlohmann::json::parse(line));
  EXPECT_FALSE(rows.empty()) << path;
  return rows;
}

inline std::string NameOf(const ::testing::TestParamInfo<RecordedFile>& info) {
  std::string name = info.param.version;
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return "v" + name;
}

}  // namespace wrackline::flink
