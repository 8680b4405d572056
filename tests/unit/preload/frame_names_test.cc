#include "preload/frame_names.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/recorder/reader.h"
#include "tests/support/profiled_process.h"
#include "tests/unit/preload/written_names.h"

namespace wrackline::preload {
namespace {

extern "C" __attribute__((noinline, visibility("default"))) int WracklineNamedFunction(int x) {
  return std::rand() + x;
}

std::uint64_t AddressOf(void* function) { return reinterpret_cast<std::uint64_t>(function); }

struct Tables {
  Tables() {
    EXPECT_EQ(modules.Open(), 0);
    EXPECT_EQ(names.Open(1 << 20), 0);
  }
  void Scan(std::uint64_t now) {
    const auto scan = std::make_unique<ModuleScan>();
    ASSERT_EQ(ScanModules("self", scan.get()), 0);
    modules.Merge(*scan);
    names.Place(modules, now);
  }
  void ResolveAll() {
    while (names.MakeJob(modules, 1000, 0, job.get())) {
      ResolveNames(job.get());
      names.TakeJob(*job);
    }
  }
  // Returns how many slices it took.
  int ResolveAllLines() {
    int slices = 0;
    while (names.MakeLineJob(modules, 1000, 0, lines.get())) {
      do {
        ResolveLines(lines.get());
        ++slices;
      } while (!lines->done);
      names.TakeLineJob(*lines);
    }
    return slices;
  }
  ModuleTable modules;
  FrameNames names;
  std::unique_ptr<NamingJob> job = std::make_unique<NamingJob>();
  std::unique_ptr<LineJob> lines = std::make_unique<LineJob>();
};

TEST(FrameNames, AgreeWithDladdr) {
  Tables tables;
  const std::uint64_t frames[] = {AddressOf(dlsym(RTLD_DEFAULT, "qsort")) + 20,
                                  AddressOf(dlsym(RTLD_DEFAULT, "fopen")) + 5,
                                  AddressOf(reinterpret_cast<void*>(&WracklineNamedFunction)) + 3,
                                  AddressOf(reinterpret_cast<void*>(&WracklineNamedFunction)) + 4};
  tables.names.Add(frames, 4, 1);
  EXPECT_TRUE(tables.names.WantsModules());
  tables.Scan(2);
  EXPECT_FALSE(tables.names.WantsModules());
  tables.ResolveAll();
  EXPECT_FALSE(tables.names.waiting());
  EXPECT_EQ(tables.names.unnamed(), 0u);

  const auto written = Written(tables.names);
  ASSERT_EQ(written.size(), 4u);
  for (const std::uint64_t frame : frames) {
    Dl_info info;
    ASSERT_NE(dladdr(reinterpret_cast<void*>(frame - 1), &info), 0);
    ASSERT_EQ(written.count(frame), 1u);
    const proto::FrameName& name = written.at(frame);
    // dladdr knows the dynamic symbols only, and a library's first one may be an alias.
    if (info.dli_saddr != nullptr) {
      EXPECT_EQ(name.offset(), frame - AddressOf(info.dli_saddr)) << name.symbol();
    }
    EXPECT_EQ(tables.modules.ById(name.module_id())->info.start, AddressOf(info.dli_fbase));
  }
  EXPECT_EQ(written.at(frames[2]).symbol(), "WracklineNamedFunction");
  EXPECT_EQ(written.at(frames[2]).offset(), 3u);
}

// The tables of addresses and of symbols are made anew while they grow.
TEST(FrameNames, ManyNamesAreThoseThatWereFound) {
  Tables tables;
  std::vector<std::uint64_t> frames;
  // libstdc++ and libc: of either one that no sanitizer has too.
  for (const char* symbol : {"_ZNSsC1ERKSs", "gnu_get_libc_version"}) {
    Dl_info library = {};
    ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, symbol), &library), 0);
    const std::uint64_t first = AddressOf(library.dli_fbase);
    for (std::uint64_t at = 0; at < (std::uint64_t{2} << 20); at += 48)
      frames.push_back(first + at);
  }
  for (const std::uint64_t frame : frames) tables.names.Add(&frame, 1, 1);
  tables.Scan(2);
  std::map<std::uint64_t, std::string> found;
  while (tables.names.MakeJob(tables.modules, 1000, 0, tables.job.get())) {
    ResolveNames(tables.job.get());
    for (std::uint32_t i = 0; i < tables.job->count; ++i) {
      const NamingJob::Address& address = tables.job->addresses[i];
      if (address.name < NamingJob::kNoRoom && address.name < tables.job->names_used)
        found[address.pc] = tables.job->names + address.name;
    }
    tables.names.TakeJob(*tables.job);
  }
  std::set<std::string> distinct;
  for (const auto& [pc, name] : found) distinct.insert(name);
  ASSERT_GT(distinct.size(), 3'500u) << "the table of symbols did not grow";
  std::set<std::string> written;
  for (const auto& [pc, name] : Written(tables.names, 64 << 20)) {
    if (name.symbol().empty()) continue;
    ASSERT_EQ(name.symbol(), found.at(pc));
    written.insert(name.symbol());
  }
  EXPECT_EQ(written, distinct);
}

TEST(FrameNames, AReturnAddressBehindTheLastInstructionIsTheCallersFunction) {
  // A call that never returns may be a function's last instruction: the return address is the next
  // function's start.
  Tables tables;
  const std::uint64_t start = AddressOf(reinterpret_cast<void*>(&WracklineNamedFunction));
  tables.names.Add(&start, 1, 1);
  tables.Scan(2);
  tables.ResolveAll();
  const auto written = Written(tables.names);
  for (const auto& [pc, name] : written) EXPECT_NE(name.symbol(), "WracklineNamedFunction");
}

__attribute__((noinline)) std::uint64_t ReturnAddress() {
  return AddressOf(__builtin_return_address(0));
}

TEST(FrameNames, LinesComeAfterTheNames) {
  const std::uint64_t here = ReturnAddress();
  constexpr int kHere = __LINE__ - 1;
  Tables tables;
  tables.names.Add(&here, 1, 1);
  tables.Scan(2);
  EXPECT_FALSE(tables.names.lines_waiting());
  tables.ResolveAll();
  EXPECT_TRUE(tables.names.lines_waiting());
  EXPECT_FALSE(Written(tables.names).at(here).has_line());
  EXPECT_GE(tables.ResolveAllLines(), 1);
  EXPECT_FALSE(tables.names.lines_waiting());
  // The record with the line replaces the one without.
  const proto::FrameName name = Written(tables.names).at(here);
  EXPECT_NE(name.symbol(), "");
  EXPECT_EQ(name.line(), static_cast<std::uint32_t>(kHere));
  EXPECT_NE(name.file().find("frame_names_test.cc"), std::string::npos) << name.file();
  EXPECT_EQ(tables.names.lines_unread(), 0u);

  // A new file gets both at once.
  tables.names.NewFile();
  EXPECT_EQ(Written(tables.names).at(here).line(), static_cast<std::uint32_t>(kHere));
}

TEST(FrameNames, LinesWaitForCompany) {
  const std::uint64_t here = ReturnAddress();
  Tables tables;
  tables.names.Add(&here, 1, 100);
  tables.Scan(101);
  tables.ResolveAll();
  EXPECT_FALSE(tables.names.MakeLineJob(tables.modules, 150, 100, tables.lines.get()));
  EXPECT_TRUE(tables.names.MakeLineJob(tables.modules, 200, 100, tables.lines.get()));
}

TEST(FrameNames, NoRoomForPathsIsCounted) {
  const std::uint64_t here = ReturnAddress();
  Tables tables;
  FrameNames small;
  ASSERT_EQ(small.Open(100), 0);  // the symbol fits, the path does not
  small.Add(&here, 1, 1);
  tables.Scan(2);
  small.Place(tables.modules, 2);
  ASSERT_TRUE(small.MakeJob(tables.modules, 1000, 0, tables.job.get()));
  ResolveNames(tables.job.get());
  small.TakeJob(*tables.job);
  ASSERT_EQ(small.unnamed(), 0u);
  ASSERT_TRUE(small.MakeLineJob(tables.modules, 1000, 0, tables.lines.get()));
  do {
    ResolveLines(tables.lines.get());
  } while (!tables.lines->done);
  small.TakeLineJob(*tables.lines);
  EXPECT_EQ(small.lines_unread(), 1u);
  EXPECT_FALSE(Written(small).at(here).has_line());
}

// This program, stripped, and what was stripped from it in a file of its own.
class StrippedProgram : public testing::Test {
 protected:
  void Make(const std::string& objcopy_options) {
    const std::string objcopy = std::string(WRACKLINE_OBJCOPY) + " ";
    const std::string debug = folder_ / "program.debug";
    for (const std::string& command :
         {objcopy + "--only-keep-debug " + objcopy_options + " " + kSelf + " " + debug,
          std::string(WRACKLINE_STRIP) + " -o " + program_ + " " + kSelf,
          objcopy + "--add-gnu-debuglink=" + debug + " " + program_}) {
      ASSERT_EQ(std::system(command.c_str()), 0) << command;
    }
  }
  // As if this program had been loaded from there.
  void Resolve(Tables& tables, std::uint64_t frame) {
    tables.names.Add(&frame, 1, 1);
    tables.Scan(2);
    ASSERT_TRUE(tables.names.MakeJob(tables.modules, 1000, 0, tables.job.get()));
    std::snprintf(tables.job->module.path, sizeof(tables.job->module.path), "%s", program_.c_str());
    ResolveNames(tables.job.get());
    tables.names.TakeJob(*tables.job);
    if (!tables.names.MakeLineJob(tables.modules, 1000, 0, tables.lines.get())) return;
    std::snprintf(tables.lines->module.path, sizeof(tables.lines->module.path), "%s",
                  program_.c_str());
    do {
      ResolveLines(tables.lines.get());
    } while (!tables.lines->done);
    tables.names.TakeLineJob(*tables.lines);
  }

  static inline const std::string kSelf = std::filesystem::canonical("/proc/self/exe");
  const test::TemporaryFolder folder_;
  const std::string program_ = folder_ / "program";
};

// A local function: gone with .symtab.
TEST_F(StrippedProgram, NamesAndLinesAreTheDebugFiles) {
  ASSERT_NO_FATAL_FAILURE(Make(""));
  const std::uint64_t here = ReturnAddress();
  constexpr int kHere = __LINE__ - 1;
  Tables tables;
  Resolve(tables, here);
  const proto::FrameName name = Written(tables.names).at(here);
  EXPECT_NE(name.symbol().find("TestBody"), std::string::npos) << name.symbol();
  EXPECT_EQ(name.line(), static_cast<std::uint32_t>(kHere));
}

TEST_F(StrippedProgram, ACompressedLineTableIsCounted) {
  ASSERT_NO_FATAL_FAILURE(Make("--compress-debug-sections=zlib"));
  const std::uint64_t here = ReturnAddress();
  Tables tables;
  Resolve(tables, here);
  const proto::FrameName name = Written(tables.names).at(here);
  EXPECT_NE(name.symbol().find("TestBody"), std::string::npos) << name.symbol();
  EXPECT_FALSE(name.has_line());
  EXPECT_EQ(tables.names.lines_unread(), 1u);
}

TEST(FrameNames, CodeOutsideEveryObjectGetsNoNameAfterAScan) {
  Tables tables;
  const std::uint64_t frame = 0x1234;
  tables.names.Add(&frame, 1, 5);
  tables.Scan(4);  // the scan is older than the frame: it may have missed a new object
  EXPECT_TRUE(tables.names.WantsModules());
  tables.Scan(6);
  EXPECT_FALSE(tables.names.WantsModules());
  EXPECT_FALSE(tables.names.waiting());
  EXPECT_EQ(tables.names.unnamed(), 1u);
}

TEST(FrameNames, AReplacedFileGivesNoNames) {
  Tables tables;
  const std::uint64_t frame = AddressOf(dlsym(RTLD_DEFAULT, "qsort")) + 20;
  tables.names.Add(&frame, 1, 1);
  tables.Scan(2);
  ASSERT_TRUE(tables.names.MakeJob(tables.modules, 1000, 0, tables.job.get()));
  tables.job->module.build_id[0] ^= 1;
  ResolveNames(tables.job.get());
  tables.names.TakeJob(*tables.job);
  EXPECT_EQ(tables.names.unnamed(), 1u);
  EXPECT_TRUE(Written(tables.names).empty());
}

TEST(FrameNames, WaitsForCompany) {
  Tables tables;
  const std::uint64_t frame = AddressOf(dlsym(RTLD_DEFAULT, "qsort")) + 20;
  tables.names.Add(&frame, 1, 100);
  tables.Scan(101);
  EXPECT_FALSE(tables.names.MakeJob(tables.modules, 150, 100, tables.job.get()));
  EXPECT_TRUE(tables.names.MakeJob(tables.modules, 200, 100, tables.job.get()));
}

TEST(FrameNames, BoundedAndCounted) {
  Tables tables;
  std::vector<std::uint64_t> frames(FrameNames::kMaxNames + 10);
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = 0x1000 + i;
  tables.names.Add(frames.data(), static_cast<std::uint32_t>(frames.size()), 1);
  EXPECT_EQ(tables.names.full(), 10u);
  tables.Scan(2);
  EXPECT_EQ(tables.names.unnamed(), FrameNames::kMaxNames);
}

TEST(FrameNames, NoRoomForSymbolsIsCounted) {
  Tables tables;
  FrameNames small;
  ASSERT_EQ(small.Open(10), 0);
  const std::uint64_t frame = AddressOf(reinterpret_cast<void*>(&WracklineNamedFunction)) + 3;
  small.Add(&frame, 1, 1);
  tables.Scan(2);
  small.Place(tables.modules, 2);
  ASSERT_TRUE(small.MakeJob(tables.modules, 1000, 0, tables.job.get()));
  ResolveNames(tables.job.get());
  small.TakeJob(*tables.job);
  EXPECT_EQ(small.full(), 1u);
  EXPECT_EQ(small.unnamed(), 1u);
}

}  // namespace
}  // namespace wrackline::preload
