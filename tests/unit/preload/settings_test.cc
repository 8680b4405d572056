#include "preload/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace wrackline::preload {
namespace {

using testing::HasSubstr;

// Reads settings from `entries`; what was said on stderr is in `said`.
struct Read {
  explicit Read(std::vector<std::string> entries, const char* executable = "java") {
    std::vector<char*> pointers;
    for (std::string& entry : entries) pointers.push_back(entry.data());
    pointers.push_back(nullptr);
    testing::internal::CaptureStderr();
    matches = ReadSettings(pointers.data(), executable, &settings);
    said = testing::internal::GetCapturedStderr();
  }
  Settings settings;
  bool matches = false;
  std::string said;
};

TEST(Settings, DefaultsWithAnEmptyEnvironment) {
  const Read read({});
  EXPECT_TRUE(read.matches);
  EXPECT_STREQ(read.settings.output_folder, "/tmp/wrackline");
  EXPECT_EQ(read.settings.interval, 512u * 1024);
  EXPECT_EQ(read.settings.recorder_bytes, 64u << 20);
  EXPECT_EQ(read.settings.keep_files, 16u);
  EXPECT_EQ(read.settings.keep_bytes, 1u << 30);
  EXPECT_EQ(read.settings.max_depth, 128u);
  EXPECT_FALSE(read.settings.verbose);
  EXPECT_EQ(read.said, "");
}

TEST(Settings, TakesEveryVariable) {
  const Read read({"WRACKLINE_OUT=/var/dumps", "WRACKLINE_INTERVAL=64k",
                   "WRACKLINE_RECORDER_SIZE=16MiB", "WRACKLINE_KEEP=4,256m", "WRACKLINE_DEPTH=128",
                   "WRACKLINE_VERBOSE=1", "WRACKLINE_ONLY=ja*"});
  EXPECT_TRUE(read.matches);
  EXPECT_STREQ(read.settings.output_folder, "/var/dumps");
  EXPECT_EQ(read.settings.interval, 65536u);
  EXPECT_EQ(read.settings.recorder_bytes, 16u << 20);
  EXPECT_EQ(read.settings.keep_files, 4u);
  EXPECT_EQ(read.settings.keep_bytes, 256u << 20);
  EXPECT_EQ(read.settings.max_depth, 128u);
  EXPECT_TRUE(read.settings.verbose);
  EXPECT_EQ(read.said, "");
}

TEST(Settings, FolderFollowsTmpdirAndWithstandsLongPaths) {
  EXPECT_STREQ(Read({"TMPDIR=/scratch"}).settings.output_folder, "/scratch/wrackline");
  EXPECT_STREQ(Read({"TMPDIR="}).settings.output_folder, "/tmp/wrackline");
  EXPECT_STREQ(Read({"TMPDIR=/" + std::string(5000, 'x')}).settings.output_folder,
               "/tmp/wrackline");
  const Read read({"WRACKLINE_OUT=/" + std::string(5000, 'x')});
  EXPECT_STREQ(read.settings.output_folder, "/tmp/wrackline");
  EXPECT_THAT(read.said, HasSubstr("WRACKLINE_OUT"));
}

TEST(Settings, IntervalZeroSwitchesSamplingOff) {
  const Read read({"WRACKLINE_INTERVAL=0"});
  EXPECT_EQ(read.settings.interval, 0u);
  EXPECT_EQ(read.said, "");
}

TEST(Settings, KeepWithFilesAlone) {
  const Read read({"WRACKLINE_KEEP=3"});
  EXPECT_EQ(read.settings.keep_files, 3u);
  EXPECT_EQ(read.settings.keep_bytes, 1u << 30);
}

class BadSetting : public testing::TestWithParam<const char*> {};

TEST_P(BadSetting, IsSaidOnceAndItsDefaultTaken) {
  const Read read({GetParam()});
  const std::string name = std::string(GetParam()).substr(0, std::string(GetParam()).find('='));
  EXPECT_TRUE(read.matches);
  EXPECT_THAT(read.said, HasSubstr("wrackline: " + name));
  EXPECT_EQ(std::count(read.said.begin(), read.said.end(), '\n'), 1) << read.said;
  const Settings defaults;
  EXPECT_EQ(read.settings.interval, defaults.interval);
  EXPECT_EQ(read.settings.recorder_bytes, defaults.recorder_bytes);
  EXPECT_EQ(read.settings.keep_files, defaults.keep_files);
  EXPECT_EQ(read.settings.keep_bytes, defaults.keep_bytes);
  EXPECT_EQ(read.settings.max_depth, defaults.max_depth);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadSetting,
    testing::Values("WRACKLINE_INTERVAL=often", "WRACKLINE_INTERVAL=-1", "WRACKLINE_INTERVAL=12x",
                    "WRACKLINE_INTERVAL=99999999999999999999",
                    "WRACKLINE_INTERVAL=18446744073709551615k", "WRACKLINE_RECORDER_SIZE=1023k",
                    "WRACKLINE_RECORDER_SIZE=64 m", "WRACKLINE_KEEP=0", "WRACKLINE_KEEP=3,",
                    "WRACKLINE_KEEP=3,0", "WRACKLINE_KEEP=,3", "WRACKLINE_KEEP=3,1g,2",
                    "WRACKLINE_DEPTH=0", "WRACKLINE_DEPTH=129"));

TEST(Settings, EmptyValuesAreTheDefaults) {
  const Read read({"WRACKLINE_OUT=", "WRACKLINE_INTERVAL=", "WRACKLINE_RECORDER_SIZE=",
                   "WRACKLINE_KEEP=", "WRACKLINE_DEPTH=", "WRACKLINE_VERBOSE=", "WRACKLINE_ONLY="});
  EXPECT_TRUE(read.matches);
  EXPECT_EQ(read.said, "");
  EXPECT_FALSE(read.settings.verbose);
}

TEST(Settings, TheVmIsAskedUnlessSwitchedOff) {
  EXPECT_TRUE(Read({}).settings.jvm);
  EXPECT_TRUE(Read({"WRACKLINE_JVM=on"}).settings.jvm);
  EXPECT_FALSE(Read({"WRACKLINE_JVM=off"}).settings.jvm);
  const Read wrong({"WRACKLINE_JVM=never"});
  EXPECT_TRUE(wrong.settings.jvm);
  EXPECT_THAT(wrong.said, HasSubstr("WRACKLINE_JVM=never is not on or off"));
}

TEST(Settings, DatabasesOfAVmAreReadEverySecond) {
  EXPECT_EQ(Read({}).settings.rocksdb_period_ms, 1000u);
  EXPECT_EQ(Read({"WRACKLINE_ROCKSDB="}).settings.rocksdb_period_ms, 1000u);
  EXPECT_EQ(Read({"WRACKLINE_ROCKSDB=250"}).settings.rocksdb_period_ms, 250u);
  EXPECT_EQ(Read({"WRACKLINE_ROCKSDB=off"}).settings.rocksdb_period_ms, 0u);
  EXPECT_EQ(Read({"WRACKLINE_ROCKSDB=0"}).settings.rocksdb_period_ms, 0u);
  for (const char* wrong : {"on", "1s", "-1", "3600001", "99999999999999999999"}) {
    const Read read({std::string("WRACKLINE_ROCKSDB=") + wrong});
    EXPECT_EQ(read.settings.rocksdb_period_ms, 1000u);
    EXPECT_THAT(read.said, HasSubstr("is not off or a number of milliseconds"));
  }
}

TEST(Settings, VerboseZeroIsOff) { EXPECT_FALSE(Read({"WRACKLINE_VERBOSE=0"}).settings.verbose); }

TEST(Settings, OnlyKeepsOthersOut) {
  EXPECT_FALSE(Read({"WRACKLINE_ONLY=java"}, "bash").matches);
  // A program that is not meant is not told about other settings either.
  EXPECT_EQ(Read({"WRACKLINE_ONLY=java", "WRACKLINE_INTERVAL=x"}, "bash").said, "");
  // A pattern too long for us must not turn into "every program".
  EXPECT_FALSE(Read({"WRACKLINE_ONLY=" + std::string(600, '*')}, "bash").matches);
}

TEST(Glob, Matches) {
  EXPECT_TRUE(GlobMatches("java", "java"));
  EXPECT_FALSE(GlobMatches("java", "javac"));
  EXPECT_TRUE(GlobMatches("java*", "javac"));
  EXPECT_TRUE(GlobMatches("*", ""));
  EXPECT_TRUE(GlobMatches("", ""));
  EXPECT_FALSE(GlobMatches("", "x"));
  EXPECT_FALSE(GlobMatches("?", ""));
  EXPECT_TRUE(GlobMatches("p?thon*", "python3.11"));
  EXPECT_TRUE(GlobMatches("*.[0-9][0-9]", "python3.11"));
  EXPECT_FALSE(GlobMatches("*.[!0-9]*", "python3.11"));
  EXPECT_TRUE(GlobMatches("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(GlobMatches("a*b*c", "aXbYbZ"));
  EXPECT_TRUE(GlobMatches("[]x]", "]"));
  EXPECT_TRUE(GlobMatches("[a-]", "-"));
  // A bracket that never closes stands for itself.
  EXPECT_TRUE(GlobMatches("[abc", "[abc"));
  EXPECT_FALSE(GlobMatches("[abc", "a"));
}

TEST(Glob, ManyStarsTakeNoExponentialTime) {
  const std::string text(400, 'a');
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(GlobMatches((pattern + "b").c_str(), text.c_str()));
  EXPECT_TRUE(GlobMatches(pattern.c_str(), text.c_str()));
}

}  // namespace
}  // namespace wrackline::preload
