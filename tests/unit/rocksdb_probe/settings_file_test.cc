#include "rocksdb_probe/example/settings_file.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/rocksdb_probe/test_database.h"

namespace wrackline::example {
namespace {

using ::testing::HasSubstr;

class SettingsFile : public ::testing::Test {
 protected:
  bool Read(const std::string& text) {
    const std::string path = folder_.path() + "/report.json";
    std::ofstream(path) << text;
    return ReadSettingsFile(path, &settings_, &error_);
  }
  probe::TemporaryFolder folder_;
  MemorySettings settings_;
  std::string error_;
};

TEST_F(SettingsFile, SizesMayBeTextOrNumbers) {
  ASSERT_TRUE(Read(R"({"proposal": {"settings": {"rocksdb.shared_block_cache_bytes": "134217728",
      "rocksdb.write_buffer_manager_bytes": 67108864, "rocksdb.charge_write_buffers_to_cache": "true"}}})"))
      << error_;
  EXPECT_EQ(settings_.shared_block_cache_bytes, 134217728u);
  EXPECT_EQ(settings_.write_buffer_manager_bytes, 67108864u);
  EXPECT_TRUE(settings_.charge_write_buffers_to_cache);
  EXPECT_TRUE(settings_.allow_stall);  // older reports do not name it
  ASSERT_TRUE(Read(R"({"proposal": {"settings": {"rocksdb.shared_block_cache_bytes": 1,
      "rocksdb.write_buffer_manager_bytes": 2, "rocksdb.charge_write_buffers_to_cache": false,
      "rocksdb.write_buffer_manager_allow_stall": false}}})"));
  EXPECT_FALSE(settings_.charge_write_buffers_to_cache);
  EXPECT_FALSE(settings_.allow_stall);
  ASSERT_TRUE(Read(R"({"proposal": {"settings": {"rocksdb.shared_block_cache_bytes": 1,
      "rocksdb.write_buffer_manager_bytes": 2, "rocksdb.write_buffer_manager_allow_stall": "true"}}})"));
  EXPECT_TRUE(settings_.allow_stall);
}

TEST_F(SettingsFile, WhatIsNoProposalIsSaid) {
  EXPECT_FALSE(ReadSettingsFile(folder_.path() + "/nothing", &settings_, &error_));
  EXPECT_THAT(error_, HasSubstr("cannot read"));
  for (const char* text :
       {"", "{", "[]", "null", R"({"proposal": 1})", R"({"proposal": {"settings": []}})"}) {
    EXPECT_FALSE(Read(text)) << text;
    EXPECT_THAT(error_, HasSubstr("has no /proposal/settings")) << text;
  }
  for (const char* size : {"-1", "\"12x\"", "\"\"", "1.5", "null", "\"99999999999999999999999\""}) {
    EXPECT_FALSE(Read(R"({"proposal": {"settings": {"rocksdb.write_buffer_manager_bytes": 1,
        "rocksdb.shared_block_cache_bytes": )" +
                      std::string(size) + "}}}"))
        << size;
    EXPECT_THAT(error_, HasSubstr("proposes no")) << size;
  }
}

}  // namespace
}  // namespace wrackline::example
