// Programs that are hard on a profiler, in front of them the library that users get.
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "tests/unit/preload/run_program.h"

namespace wrackline::preload {
namespace {

class StormyPrograms : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  // Exit status, with the preload, the allocator and the interval of this test.
  void ExpectZero(const std::vector<std::string>& command, const std::string& preload,
                  const std::string& more = "WRACKLINE_VERBOSE=") {
    const std::string behind = std::get<0>(GetParam());
    const ProgramResult result = RunProgram(
        command, {"LD_PRELOAD=" + preload + (behind == "Jemalloc" ? ":" WRACKLINE_JEMALLOC : ""),
                  "WRACKLINE_OUT=" + folder_.path(),
                  std::string("WRACKLINE_INTERVAL=") + std::get<1>(GetParam()), more});
    EXPECT_EQ(result.status, 0) << command[0] << ": " << result.out << result.err;
  }
  TemporaryFolder folder_;
};

TEST_P(StormyPrograms, EveryByteIsKept) {
  ExpectZero({WRACKLINE_STORM, "32", "700"}, WRACKLINE_PRELOAD_LIBRARY);
}

TEST_P(StormyPrograms, EverySampleIsAccountedFor) {
  ExpectZero({WRACKLINE_STORM, "32", "400"}, WRACKLINE_BARE_PRELOAD);
  ExpectZero({WRACKLINE_STORM, "32", "400"}, WRACKLINE_BARE_PRELOAD, "WRACKLINE_REGION=off");
}

TEST_P(StormyPrograms, NothingHangsAndNothingCrashes) {
  ExpectZero({WRACKLINE_COMMOTION, "2000", WRACKLINE_LARGE_FRAME, WRACKLINE_SMALL_FRAME},
             WRACKLINE_PRELOAD_LIBRARY);
}

TEST_P(StormyPrograms, NorWithAllSymbolsBoundAtOnceAndWithoutTheRegion) {
  ExpectZero({"env", "LD_BIND_NOW=1", WRACKLINE_COMMOTION, "1000", WRACKLINE_LARGE_FRAME,
              WRACKLINE_SMALL_FRAME},
             WRACKLINE_PRELOAD_LIBRARY, "WRACKLINE_REGION=off");
}

// Every entry point of every allocator that we hook, with each allocator behind it.
class EntriesStorm : public testing::TestWithParam<std::tuple<const char*, const char*>> {
 protected:
  static std::string Behind() {
    const std::string name = std::get<0>(GetParam());
    if (name == "Jemalloc") return ":" WRACKLINE_JEMALLOC;
    if (name == "Tcmalloc") return ":" WRACKLINE_TCMALLOC;
    if (name == "Mimalloc") return ":" WRACKLINE_MIMALLOC;
    return "";
  }
  static std::string Interval() {
    return std::string("WRACKLINE_INTERVAL=") + std::get<1>(GetParam());
  }
  static void ExpectZero(const std::vector<std::string>& environment) {
    const ProgramResult result = RunProgram({WRACKLINE_ENTRIES_STORM, "32", "200"}, environment);
    EXPECT_EQ(result.status, 0) << result.out << result.err;
  }
};

TEST_P(EntriesStorm, EverySampleIsAccountedFor) {
  for (const char* region : {"WRACKLINE_REGION=on", "WRACKLINE_REGION=off"}) {
    ExpectZero({"LD_PRELOAD=" WRACKLINE_BARE_PRELOAD + Behind(), Interval(), region});
  }
}

TEST_P(EntriesStorm, EveryByteIsKeptInFrontOfTheRecorder) {
  const TemporaryFolder folder;
  ExpectZero({"LD_PRELOAD=" WRACKLINE_PRELOAD_LIBRARY + Behind(), Interval(),
              "WRACKLINE_OUT=" + folder.path()});
}

INSTANTIATE_TEST_SUITE_P(Settings, EntriesStorm,
                         testing::Combine(testing::Values("Glibc", "Jemalloc", "Tcmalloc",
                                                          "Mimalloc"),
                                          testing::Values("1", "4096")),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param);
                         });

INSTANTIATE_TEST_SUITE_P(Settings, StormyPrograms,
                         testing::Combine(testing::Values("Glibc", "Jemalloc"),
                                          testing::Values("1", "4096")),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param);
                         });

TEST(StormyProgramsLimited, WithoutAddressSpaceSamplesStayWithTheAllocator) {
  const TemporaryFolder folder;
  const ProgramResult result =
      RunProgram({WRACKLINE_COMMOTION, "limited"},
                 {"LD_PRELOAD=" WRACKLINE_PRELOAD_LIBRARY, "WRACKLINE_OUT=" + folder.path(),
                  "WRACKLINE_INTERVAL=4096"});
  EXPECT_EQ(result.status, 0) << result.err;
}

}  // namespace
}  // namespace wrackline::preload
