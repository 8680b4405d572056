// The functions that an allocator has beside malloc (mallocx, tc_malloc, mi_malloc and theirs), in
// programs that call every one of them and mix them with malloc: with the allocator alone, so that
// the programs expect what it does; with the shim in front of it, every block sampled; and with the
// shim where there is no such allocator.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/unit/preload/run_program.h"

namespace wrackline::preload {
namespace {

struct FamilyProgram {
  const char* name;
  const char* program;
  const char* library;
};
const FamilyProgram kFamilies[] = {
    {"Jemalloc", WRACKLINE_JEMALLOC_FAMILY, WRACKLINE_JEMALLOC},
    {"Tcmalloc", WRACKLINE_TCMALLOC_FAMILY, WRACKLINE_TCMALLOC},
    {"Mimalloc", WRACKLINE_MIMALLOC_FAMILY, WRACKLINE_MIMALLOC},
};

class Families : public testing::TestWithParam<FamilyProgram> {
 protected:
  static void ExpectWell(const std::vector<std::string>& command,
                         const std::vector<std::string>& environment) {
    const ProgramResult result = RunProgram(command, environment);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err, "");
  }
};

TEST_P(Families, TheAllocatorAlone) {
  const FamilyProgram& family = GetParam();
  ExpectWell({family.program}, {"LD_PRELOAD=" + std::string(family.library)});
}

TEST_P(Families, ProgramsWithoutIt) { ExpectWell({GetParam().program}, {}); }

// With each allocator as the next: the family's own, and where it has to be answered from another's
// malloc.
TEST_P(Families, EveryBlockIsCountedOnce) {
  const FamilyProgram& family = GetParam();
  for (const char* behind : {"", WRACKLINE_JEMALLOC, WRACKLINE_TCMALLOC, WRACKLINE_MIMALLOC}) {
    for (const char* region : {"on", "off"}) {
      SCOPED_TRACE(std::string("behind: ") + behind + ", region " + region);
      ExpectWell({family.program},
                 {std::string("LD_PRELOAD=") + WRACKLINE_BARE_PRELOAD + ":" + behind,
                  std::string("WRACKLINE_REGION=") + region});
    }
  }
}

// The library that users get, with its recorder thread.
TEST_P(Families, TheWholeLibrary) {
  const FamilyProgram& family = GetParam();
  const TemporaryFolder folder;
  for (const char* behind : {"", family.library}) {
    for (const char* interval : {"1", "4096"}) {
      SCOPED_TRACE(std::string("behind: ") + behind + ", interval " + interval);
      ExpectWell({family.program},
                 {std::string("LD_PRELOAD=") + WRACKLINE_PRELOAD_LIBRARY + ":" + behind,
                  "WRACKLINE_OUT=" + folder.path(), std::string("WRACKLINE_INTERVAL=") + interval});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, Families, testing::ValuesIn(kFamilies),
                         [](const auto& info) { return std::string(info.param.name); });

// Opened by a library for itself: malloc is another allocator's, and RTLD_NEXT does not find it.
TEST(PrivateFamily, IsFoundByItsName) {
  for (const char* region : {"on", "off"}) {
    const ProgramResult result = RunProgram({WRACKLINE_MIMALLOC_FAMILY, WRACKLINE_MIMALLOC},
                                            {std::string("LD_PRELOAD=") + WRACKLINE_BARE_PRELOAD,
                                             std::string("WRACKLINE_REGION=") + region});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.err, "");
  }
}

}  // namespace
}  // namespace wrackline::preload
