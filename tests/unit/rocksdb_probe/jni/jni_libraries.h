// Which JNI libraries the tests run with.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "rocksdb_probe/jni/library.h"
#include "tests/support/java_home.h"
#include "tests/unit/rocksdb_probe/jni/jni_database.h"

namespace wrackline::rocksdb_jni {

struct TestedLibrary {
  std::string file;
  std::string version;  // what it says of itself
  bool splits;
};

inline void PrintTo(const TestedLibrary& library, std::ostream* out) { *out << library.file; }

// Those of scripts/setup.sh; or the files that WRACKLINE_JNI_LIBRARIES names, with colons between:
// of these only what they say themselves is expected.
inline std::vector<TestedLibrary> TestedLibraries() {
  const char* named = std::getenv("WRACKLINE_JNI_LIBRARIES");
  if (named == nullptr) {
    return {{"libfrocksdbjni-5.17.2.so", "", false},
            {"libfrocksdbjni-6.20.3.so", "6.20.3", false},
            {"libfrocksdbjni-8.10.0.so", "8.10.0", true},
            {"librocksdbjni-9.10.0.so", "9.10.0", true}};
  }
  std::vector<TestedLibrary> files;
  std::istringstream list(named);
  for (std::string file; std::getline(list, file, ':');) files.push_back({file, "?", true});
  return files;
}

inline std::string NameOf(const ::testing::TestParamInfo<TestedLibrary>& info) {
  std::string name = info.param.version == "?" ? std::to_string(info.index) : info.param.file;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

class JniLibraryTest : public ::testing::TestWithParam<TestedLibrary> {
 protected:
  void SetUp() override {
    std::string file = GetParam().file;
    if (!std::filesystem::exists(file)) file = test::JavaLibrary(file);
    ASSERT_FALSE(file.empty()) << test::NoJavaLibrary(GetParam().file);
    api_ = std::make_unique<JniApi>(file);
    ASSERT_EQ(api_->error(), "");
    const char* why = "";
    library_ = FindJniLibrary(api_->Code(), &why);
    ASSERT_NE(library_, nullptr) << why;
  }
  void TearDown() override {
    if (api_ != nullptr) {
      EXPECT_EQ(api_->missing(), "");
    }
  }
  const JniApi& api() const { return *api_; }
  const JniLibrary& library() const { return *library_; }
  Family FamilyOf(const JniDatabase& database, std::size_t at) const {
    return {database.db(), database.handle(at)};
  }

  TemporaryFolder folder_;

 private:
  std::unique_ptr<JniApi> api_;
  const JniLibrary* library_ = nullptr;
};

}  // namespace wrackline::rocksdb_jni
