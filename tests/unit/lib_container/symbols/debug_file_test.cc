#include "lib/symbols/debug_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace wrackline::symbols {
namespace {

namespace fs = std::filesystem;

void Do(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

// A stripped library in a folder of its own, its debug file to be put anywhere.
class DebugFileTest : public testing::Test {
 protected:
  DebugFileTest()
      : folder_(fs::path(testing::TempDir()) /
                ("wrackline-debug-" + std::to_string(getpid()) + "-" +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "root");
  }
  ~DebugFileTest() override { fs::remove_all(folder_); }

  // From the library of these tests, or the one without a build id.
  void Make(const std::string& library) {
    const std::string object = object_.string();
    const std::string debug = debug_.string();
    Do(kObjcopy + " --only-keep-debug " + library + " " + debug);
    Do(std::string(WRACKLINE_STRIP) + " -o " + object + " " + library);
    Do(kObjcopy + " --add-gnu-debuglink=" + debug + " " + object);
  }
  void MoveDebugTo(const fs::path& place) {
    fs::create_directories(place.parent_path());
    fs::rename(debug_, place);
  }
  // The name of hidden_helper, which only the debug file knows; empty: no debug file.
  std::string HiddenName() {
    ElfFile object, debug, whole;
    EXPECT_EQ(object.Open(object_.c_str()), 0);
    EXPECT_FALSE(object.HasSymbolTable());
    if (!OpenDebugFile(object, object_.c_str(), (folder_ / "root").c_str(), &checked_, &debug))
      return "";
    EXPECT_TRUE(debug.HasSymbolTable());
    // All of its code, against the library before it was stripped.
    EXPECT_EQ(whole.Open(kKnown.c_str()), 0);
    std::string name;
    for (std::uint64_t address = 0x1000; address < 0x1400; ++address) {
      ElfFile::Query ours{address, nullptr, 0}, theirs{address, nullptr, 0};
      debug.Resolve(&ours, 1);
      whole.Resolve(&theirs, 1);
      EXPECT_STREQ(ours.symbol, theirs.symbol);
      if (ours.symbol != nullptr && std::string(ours.symbol) == "hidden_helper") name = ours.symbol;
    }
    return name;
  }

  static inline const std::string kObjcopy = WRACKLINE_OBJCOPY;
  static inline const std::string kKnown = WRACKLINE_KNOWN_FUNCTIONS;
  const fs::path folder_;
  const fs::path object_ = folder_ / "libknown.so";
  const fs::path debug_ = folder_ / "libknown.so.debug";
  CheckedFile checked_ = {};
};

TEST_F(DebugFileTest, BesideTheObject) {
  Make(kKnown);
  EXPECT_EQ(HiddenName(), "hidden_helper");
  EXPECT_EQ(checked_.length, 0u);  // the build id is enough
}

TEST_F(DebugFileTest, InItsFolderForDebugFiles) {
  Make(kKnown);
  MoveDebugTo(folder_ / ".debug" / debug_.filename());
  EXPECT_EQ(HiddenName(), "hidden_helper");
}

TEST_F(DebugFileTest, BelowTheRootByFolder) {
  Make(kKnown);
  MoveDebugTo(folder_ / "root" / debug_.relative_path());
  EXPECT_EQ(HiddenName(), "hidden_helper");
}

TEST_F(DebugFileTest, BelowTheRootByBuildId) {
  Make(kKnown);
  ElfFile object;
  ASSERT_EQ(object.Open(object_.c_str()), 0);
  std::uint8_t id[20];
  ASSERT_EQ(object.BuildId(id, sizeof(id)), sizeof(id));
  std::string hex;
  for (const std::uint8_t byte : id) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", byte);
    hex += two;
  }
  MoveDebugTo(folder_ / "root" / ".build-id" / hex.substr(0, 2) / (hex.substr(2) + ".debug"));
  EXPECT_EQ(HiddenName(), "hidden_helper");
}

TEST_F(DebugFileTest, AbsentIsAbsent) {
  Make(kKnown);
  fs::remove(debug_);
  EXPECT_EQ(HiddenName(), "");
}

TEST_F(DebugFileTest, OneOfAnotherBuildIsNotUsed) {
  Make(kKnown);
  // Same code, another build id; and the CRC of the link is not asked.
  Do(kObjcopy + " --only-keep-debug " + std::string(WRACKLINE_LINE_PROGRAMS) + "/gcc_dwarf5.so " +
     debug_.string());
  EXPECT_EQ(HiddenName(), "");
  EXPECT_EQ(checked_.length, 0u);
}

TEST_F(DebugFileTest, WithoutABuildIdTheChecksumDecides) {
  Make(kKnown + ".nobuildid");
  std::uint32_t wanted = 0;
  {
    ElfFile object, debug;
    ASSERT_EQ(object.Open(object_.c_str()), 0);
    char name[64];
    ASSERT_TRUE(ReadDebugLink(object, name, sizeof(name), &wanted));
    EXPECT_EQ(name, debug_.filename().string());
    ASSERT_TRUE(OpenDebugFile(object, object_.c_str(), "/nowhere", &checked_, &debug));
    EXPECT_EQ(checked_.crc, wanted);
    EXPECT_EQ(checked_.length, fs::file_size(debug_));
  }
  // What was checked is not read again: a wrong memory of it is believed.
  checked_.crc ^= 1;
  EXPECT_EQ(HiddenName(), "");
  checked_.crc ^= 1;
  EXPECT_EQ(HiddenName(), "hidden_helper");
  // A changed file is.
  std::ofstream(debug_, std::ios::app) << "x";
  EXPECT_EQ(HiddenName(), "");
  EXPECT_NE(checked_.crc, wanted);
}

TEST_F(DebugFileTest, ALinkThatLeavesItsFolderIsNone) {
  Make(kKnown);
  std::ifstream in(object_, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t at = bytes.find(debug_.filename().string());
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 6, "../../");
  std::ofstream(object_, std::ios::binary) << bytes;
  ElfFile object;
  ASSERT_EQ(object.Open(object_.c_str()), 0);
  char name[64];
  std::uint32_t crc = 0;
  EXPECT_FALSE(ReadDebugLink(object, name, sizeof(name), &crc));
  EXPECT_EQ(HiddenName(), "");
}

TEST_F(DebugFileTest, ChecksumOfKnownBytes) {
  // An ELF header that says nothing, and the value that zlib's crc32 has for it.
  ElfFile elf;
  std::string bytes(64, '\0');
  bytes.replace(0, 7,
                "\x7f"
                "ELF\x02\x01\x01");
  bytes[16] = 3;
  ASSERT_EQ(elf.OpenBytes(bytes.data(), bytes.size()), 0);
  std::uint32_t crc = 0;
  ASSERT_TRUE(FileCrc32(elf, &crc));
  EXPECT_EQ(crc, 0x91ed8e63u);  // python3: zlib.crc32 of the same
}

}  // namespace
}  // namespace wrackline::symbols
