#include "analyzer/evidence/improve_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "analyzer/evidence/from_recording.h"
#include "lib/symbols/elf.h"
#include "tests/unit/analyzer/recording_builder.h"

namespace wrackline::evidence {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

const std::string kBuilt = WRACKLINE_TALLY;  // libtally.so and what was made of it
constexpr std::uint64_t kBias = 0x7f12'0000'0000;

// Where the function is, as the library before it was stripped has it.
std::uint64_t AddressOf(const std::string& function) {
  symbols::ElfFile elf;
  EXPECT_EQ(elf.Open(kBuilt.c_str()), 0);
  for (std::uint64_t address = 0x1000; address < 0x2000; ++address) {
    symbols::ElfFile::Query query{address, nullptr, 0};
    elf.Resolve(&query, 1);
    if (query.symbol != nullptr && function == query.symbol) return address;
  }
  ADD_FAILURE() << "no " << function;
  return 0;
}

std::string BuildIdOf(const std::string& path) {
  symbols::ElfFile elf;
  EXPECT_EQ(elf.Open(path.c_str()), 0) << path;
  std::string id(64, '\0');
  id.resize(elf.BuildId(reinterpret_cast<std::uint8_t*>(id.data()), id.size()));
  return id;
}

std::string Hex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", static_cast<unsigned char>(byte));
    hex += two;
  }
  return hex;
}

class ImproveNamesTest : public ::testing::Test {
 protected:
  ImproveNamesTest() {
    std::string pattern = (fs::temp_directory_path() / "wrackline-symbols-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    Module(1, "/pod/lib/libtally.so", BuildIdOf(kBuilt));
    recorder::Stack& stack = recording_.stacks[1];
    stack.frames = {local_, exported_};
    recording_.losses.set_frames_unnamed(5);
    recording_.losses.set_lines_unread(1);
  }
  ~ImproveNamesTest() override { fs::remove_all(folder_); }

  void Module(std::uint32_t id, const std::string& path, const std::string& build_id) {
    proto::Module& module = recording_.modules[id];
    module.set_id(id);
    module.set_start(kBias);
    module.set_end(kBias + 0x10000);
    module.set_bias(kBias);
    module.set_path(path);
    module.set_build_id(build_id);
  }
  void Copy(const std::string& from, const fs::path& to) {
    fs::create_directories((folder_ / to).parent_path());
    fs::copy_file(from, folder_ / to, fs::copy_options::overwrite_existing);
  }
  Improvement Improve(const std::string& folder = "") {
    Result<SymbolFolders> folders =
        SymbolFolders::Open({folder.empty() ? folder_.string() : folder});
    EXPECT_TRUE(folders.ok());
    return ImproveNames(&folders.value(), &recording_);
  }
  void ExpectBothWithLines() {
    const proto::FrameName& local = recording_.frame_names[local_];
    EXPECT_EQ(local.symbol(), "tally_local");
    EXPECT_EQ(local.offset(), 4u);
    EXPECT_EQ(local.module_id(), 1u);
    EXPECT_THAT(local.file(), ::testing::EndsWith("tally.c"));
    EXPECT_TRUE(local.line() == 500 || local.line() == 501) << local.line();
    const proto::FrameName& exported = recording_.frame_names[exported_];
    EXPECT_EQ(exported.symbol(), "tally_exported");
    EXPECT_TRUE(exported.line() >= 601 && exported.line() <= 603) << exported.line();
  }

  fs::path folder_;
  recorder::Recording recording_;
  const std::uint64_t local_ = kBias + AddressOf("tally_local") + 4;
  const std::uint64_t exported_ = kBias + AddressOf("tally_exported") + 4;
};

TEST_F(ImproveNamesTest, AnyFileOfTheBuildWhateverItsName) {
  Copy(kBuilt + ".debug", "deep/down/renamed.bin");
  const Improvement improvement = Improve();
  EXPECT_EQ(improvement.named, 2u);
  EXPECT_EQ(improvement.lined, 2u);
  EXPECT_THAT(improvement.remarks, Contains("--symbols: 2 frames named, 2 lines found"));
  ExpectBothWithLines();
  EXPECT_EQ(recording_.losses.frames_unnamed(), 3u);
  EXPECT_EQ(recording_.losses.lines_unread(), 0u);
}

TEST_F(ImproveNamesTest, ATreeOfBuildIds) {
  const std::string id = Hex(BuildIdOf(kBuilt));
  Copy(kBuilt + ".debug", ".build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug");
  EXPECT_EQ(Improve().named, 2u);
  ExpectBothWithLines();
  recording_.frame_names.clear();
  EXPECT_EQ(Improve((folder_ / ".build-id").string()).lined, 2u);
  ExpectBothWithLines();
}

TEST_F(ImproveNamesTest, CompressedSectionsAreUnpacked) {
  for (const char* kind : {".zlib", ".zstd"}) {
    recording_.frame_names.clear();
    Copy(kBuilt + kind, "libtally.so.debug");
    EXPECT_EQ(Improve().lined, 2u) << kind;
    ExpectBothWithLines();
  }
}

TEST_F(ImproveNamesTest, AStrippedOneHelpsAsFarAsItGoes) {
  Copy(kBuilt + ".stripped", "libtally.so");
  EXPECT_EQ(Improve().named, 1u);
  EXPECT_EQ(recording_.frame_names[exported_].symbol(), "tally_exported");
  EXPECT_EQ(recording_.frame_names.count(local_), 0u);
  // With the debug file beside it, that one is asked first.
  Copy(kBuilt + ".debug", "libtally.so.debug");
  recording_.frame_names.clear();
  EXPECT_EQ(Improve().named, 2u);
  ExpectBothWithLines();
}

TEST_F(ImproveNamesTest, WhatWasRecordedStays) {
  Copy(kBuilt, "libtally.so");
  proto::FrameName& name = recording_.frame_names[local_];
  name.set_symbol("recorded");
  name.set_offset(77);
  name.set_module_id(1);
  proto::FrameName& lined = recording_.frame_names[exported_];
  lined.set_symbol("tally_exported");
  lined.set_module_id(1);
  lined.set_file("recorded.c");
  lined.set_line(9);
  const Improvement improvement = Improve();
  EXPECT_EQ(improvement.named, 0u);
  EXPECT_EQ(improvement.lined, 1u);
  EXPECT_EQ(recording_.frame_names[local_].symbol(), "recorded");
  EXPECT_EQ(recording_.frame_names[local_].offset(), 77u);
  EXPECT_NE(recording_.frame_names[local_].line(), 0u);
  EXPECT_EQ(recording_.frame_names[exported_].line(), 9u);
}

TEST_F(ImproveNamesTest, AnotherBuildIsNotUsedAndSaid) {
  Copy(kBuilt + ".other", "libtally.so");
  const Improvement improvement = Improve();
  EXPECT_EQ(improvement.named + improvement.lined, 0u);
  EXPECT_TRUE(recording_.frame_names.empty());
  EXPECT_THAT(improvement.remarks,
              Contains(::testing::AllOf(HasSubstr("libtally.so is not used"),
                                        HasSubstr(Hex(BuildIdOf(kBuilt + ".other"))),
                                        HasSubstr(Hex(BuildIdOf(kBuilt))))));
}

TEST_F(ImproveNamesTest, AModuleWithoutABuildIdIsLeftAsItIs) {
  Copy(kBuilt, "libtally.so");
  recording_.modules[1].clear_build_id();
  const Improvement improvement = Improve();
  EXPECT_EQ(improvement.named, 0u);
  EXPECT_THAT(improvement.remarks,
              Contains(HasSubstr("that of the recorded libtally.so is absent")));
}

TEST_F(ImproveNamesTest, OfTwoModulesAtOnePlaceTheOneThatStayed) {
  Copy(kBuilt, "libtally.so");
  Module(2, "/pod/lib/libearlier.so", "another build");
  recording_.modules[2].set_unloaded(true);
  EXPECT_EQ(Improve().named, 2u);
  ExpectBothWithLines();
}

TEST_F(ImproveNamesTest, ReachesTheReport) {
  Copy(kBuilt, "libtally.so");
  Improve();
  const Evidence evidence = EvidenceFromRecording(recording_, std::nullopt);
  ASSERT_EQ(evidence.sites.size(), 1u);
  EXPECT_EQ(evidence.sites[0].frames[0].function, "tally_local");
  EXPECT_NE(evidence.sites[0].frames[0].line, 0u);
}

TEST_F(ImproveNamesTest, FoldersThatAreNone) {
  const Result<SymbolFolders> missing = SymbolFolders::Open({(folder_ / "none").string()});
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().Text(), HasSubstr("none: No such file or directory (give a folder"));
  std::ofstream(folder_ / "file") << "x";
  const Result<SymbolFolders> file = SymbolFolders::Open({(folder_ / "file").string()});
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.error().Text(), HasSubstr("is not a folder"));
}

}  // namespace
}  // namespace wrackline::evidence
