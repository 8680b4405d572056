// The hooks in real programs: every entry point, alone and with another allocator behind, every
// allocation counted exactly once. The preload is the sampled path without the recorder thread
// (programs/bare_preload.cc), at an interval of one byte.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <tuple>

#include "tests/unit/preload/run_program.h"

namespace wrackline::preload {
namespace {

std::string Library(int which) {
  switch (which) {
    case 1:
      return WRACKLINE_BARE_PRELOAD;
    case 2:
      return std::string(WRACKLINE_BARE_PRELOAD) + ":" + WRACKLINE_JEMALLOC;
    case 3:
      return std::string(WRACKLINE_JEMALLOC) + ":" + WRACKLINE_BARE_PRELOAD;
    case 4:
      return std::string(WRACKLINE_BARE_PRELOAD) + ":" + WRACKLINE_TCMALLOC;
    case 5:
      return std::string(WRACKLINE_BARE_PRELOAD) + ":" + WRACKLINE_MIMALLOC;
    default:
      return "";
  }
}
const char* const kBehind[] = {"Plain",         "Glibc",    "Jemalloc",
                               "JemallocFirst", "Tcmalloc", "Mimalloc"};

// What these allocators do without us as well: mimalloc's operator new ends the process, as it is
// compiled as C.
bool EndsAtBadAlloc(const std::string& mode, int which) {
  return mode == "bad_alloc" && which == 5;
}

class Interposition : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(Interposition, EveryAllocationIsCountedOnce) {
  const auto [mode, which] = GetParam();
  const ProgramResult result =
      RunProgram({WRACKLINE_EXERCISER, mode}, {"LD_PRELOAD=" + Library(which)});
  EXPECT_EQ(result.status, EndsAtBadAlloc(mode, which) ? 134 : 0) << result.err;
  EXPECT_EQ(result.err, "");
}

// The same where no sample is placed in the region: as where its addresses cannot be had.
TEST_P(Interposition, EveryAllocationIsCountedOnceUnmoved) {
  const auto [mode, which] = GetParam();
  const ProgramResult result = RunProgram({WRACKLINE_EXERCISER, mode},
                                          {"LD_PRELOAD=" + Library(which), "WRACKLINE_REGION=off"});
  EXPECT_EQ(result.status, EndsAtBadAlloc(mode, which) ? 134 : 0) << result.err;
  EXPECT_EQ(result.err, "");
}

// The same where mappings grow from the bottom up, as with `ulimit -s unlimited`: their addresses lack the bit that free tests
// first.
TEST_P(Interposition, EveryAllocationIsCountedOnceAtLowAddresses) {
  const auto [mode, which] = GetParam();
  const ProgramResult result = RunProgram({"/usr/bin/setarch", "-L", WRACKLINE_EXERCISER, mode},
                                          {"LD_PRELOAD=" + Library(which)});
  EXPECT_EQ(result.status, EndsAtBadAlloc(mode, which) ? 134 : 0) << result.err;
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(Modes, Interposition,
                         testing::Combine(testing::Values("entry_points", "realloc", "new",
                                                          "bad_alloc", "threads", "fork", "spawn",
                                                          "signals", "thread_churn"),
                                          testing::Values(0, 1, 2, 4, 5)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  kBehind[std::get<1>(info.param)];
                         });

TEST(InterpositionOrder, BehindAnotherAllocatorNothingBreaks) {
  // The wrong order: jemalloc answers first and the hooks are never called.
  for (const char* mode : {"bad_alloc", "fork", "spawn"}) {
    const ProgramResult result =
        RunProgram({WRACKLINE_EXERCISER, mode}, {"LD_PRELOAD=" + Library(3)});
    EXPECT_EQ(result.status, 0) << mode << ": " << result.err;
  }
}

TEST(InterpositionExit, CodesAndSignalsAreTheProgramsOwn) {
  for (int which : {0, 1, 2}) {
    EXPECT_EQ(RunProgram({WRACKLINE_EXERCISER, "exit3"}, {"LD_PRELOAD=" + Library(which)}).status,
              3);
    EXPECT_EQ(RunProgram({WRACKLINE_EXERCISER, "abort"}, {"LD_PRELOAD=" + Library(which)}).status,
              134);
  }
}

// A JVM is a C program that opens C++ libraries privately: their operator new is not in our search
// order.
TEST(InterpositionPrivateLibrary, OperatorNewIsFound) {
  for (int which : {0, 1, 2}) {
    const ProgramResult result =
        RunProgram({WRACKLINE_C_HOST, WRACKLINE_CXX_PLUGIN}, {"LD_PRELOAD=" + Library(which)});
    EXPECT_EQ(result.status, 0) << result.err;
  }
}

TEST(InterpositionPrivateLibrary, DeepBoundStandardLibraryKeepsItsOwnHeap) {
  const TemporaryFolder folder;
  const std::string other = folder.path() + "/other.so";
  std::filesystem::copy_file(WRACKLINE_CXX_PLUGIN, other);
  for (int which : {0, 1, 2}) {
    const ProgramResult result = RunProgram({WRACKLINE_C_HOST, WRACKLINE_CXX_PLUGIN, other},
                                            {"LD_PRELOAD=" + Library(which)});
    EXPECT_EQ(result.status, 0) << kBehind[which] << ": " << result.err;
  }
}

// The hooks answer for libstdc++'s operators, which are made of one another and of malloc; not where one of these is the program's.
TEST(InterpositionOwnOperators, AreReachedThroughTheStandardOnes) {
  for (const char* program :
       {WRACKLINE_OWN_OPERATORS, WRACKLINE_OWN_MALLOC, WRACKLINE_LINKED_OPERATORS}) {
    for (int which : {0, 1}) {
      const ProgramResult result = RunProgram({program}, {"LD_PRELOAD=" + Library(which)});
      EXPECT_EQ(result.status, 0) << program << ", " << kBehind[which] << ": " << result.err;
    }
  }
}

// Another library at the place of one that was closed, whose frames are of another size: what the
// unwinder remembers of the first would lead it off the stack, where nothing can be read.
TEST(InterpositionReload, AnotherLibraryAtTheSamePlace) {
  const TemporaryFolder folder;
  for (const std::string& behind : {std::string(), std::string(":") + WRACKLINE_JEMALLOC}) {
    const std::vector<std::string> environment = {
        "LD_PRELOAD=" + std::string(WRACKLINE_PRELOAD_LIBRARY) + behind,
        "WRACKLINE_OUT=" + folder.path(), "WRACKLINE_INTERVAL=1"};
    EXPECT_EQ(
        RunProgram({WRACKLINE_RELOADER, WRACKLINE_LARGE_FRAME, WRACKLINE_SMALL_FRAME}, environment)
            .status,
        0);
  }
}

// The library that users get, with its recorder thread: the programs cannot ask it, but must not
// notice it either.
TEST(InterpositionWhole, ProgramsRunOn) {
  const TemporaryFolder folder;
  for (const std::string& behind : {std::string(), std::string(":") + WRACKLINE_JEMALLOC}) {
    const std::vector<std::string> environment = {
        "LD_PRELOAD=" + std::string(WRACKLINE_PRELOAD_LIBRARY) + behind,
        "WRACKLINE_OUT=" + folder.path(), "WRACKLINE_INTERVAL=4096"};
    for (const char* mode :
         {"entry_points", "realloc", "new", "bad_alloc", "threads", "fork", "spawn", "signals"}) {
      const ProgramResult result = RunProgram({WRACKLINE_EXERCISER, mode}, environment);
      EXPECT_EQ(result.status, 0) << mode << behind << ": " << result.err;
      EXPECT_EQ(result.err, "");
    }
    EXPECT_EQ(RunProgram({WRACKLINE_EXERCISER, "exit3"}, environment).status, 3);
    EXPECT_EQ(RunProgram({WRACKLINE_EXERCISER, "abort"}, environment).status, 134);
    EXPECT_EQ(RunProgram({WRACKLINE_C_HOST, WRACKLINE_CXX_PLUGIN}, environment).status, 0);
  }
}

}  // namespace
}  // namespace wrackline::preload
