// Asking an allocator never hurts it: each one for real, in a program of its own.
#include <gtest/gtest.h>

#include <string>

#include "tests/support/profiled_process.h"

namespace wrackline::test {
namespace {

struct Library {
  const char* name;
  const char* path;  // empty: glibc's own malloc
};
void PrintTo(const Library& library, std::ostream* out) { *out << library.name; }

class AllocatorProbe : public testing::TestWithParam<Library> {
 protected:
  static ProcessEnd Run(const char* mode) {
    ProcessOptions options;
    options.command = {WRACKLINE_ALLOCATOR_PROBE, mode};
    options.environment = {{"LD_PRELOAD", GetParam().path}};
    return RunProcess(options);
  }
};

TEST_P(AllocatorProbe, AskingAllocatesNothingAndChangesNothing) {
  const ProcessEnd end = Run("quiet");
  EXPECT_TRUE(end.exited(0)) << end.err;
  EXPECT_EQ(end.err, "");
}

TEST_P(AllocatorProbe, NoForkedChildFindsALockTaken) {
  const ProcessEnd end = Run("fork");
  EXPECT_TRUE(end.exited(0)) << end.err;
  EXPECT_EQ(end.err, "");
}

INSTANTIATE_TEST_SUITE_P(Real, AllocatorProbe,
                         testing::Values(Library{"glibc", ""},
                                         Library{"jemalloc", WRACKLINE_JEMALLOC},
                                         Library{"tcmalloc", WRACKLINE_TCMALLOC},
                                         Library{"tcmalloc_minimal", WRACKLINE_TCMALLOC_MINIMAL},
                                         Library{"mimalloc", WRACKLINE_MIMALLOC}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wrackline::test
