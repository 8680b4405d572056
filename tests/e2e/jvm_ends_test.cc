// A VM with the shim ends as it would without, in every way and while threads allocate: the same status,
// the same output, no hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/jvm_runs.h"

namespace wrackline::test {
namespace {

constexpr auto kLimit = std::chrono::seconds(60);

class JvmEnds : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    home_ = JavaHome(GetParam());
    ASSERT_NE(home_, "") << NoJava(GetParam());
  }

  ProcessEnd Run(const ProcessOptions& process) {
    ChildProcess child(process);
    return WaitOrFail(child, kLimit);
  }

  const TemporaryFolder folder_;
  std::string home_;
};

TEST_P(JvmEnds, AsItWouldWithout) {
  for (const char* way : {"return", "exit", "halt", "throw", "hook", "TERM", "INT", "KILL"}) {
    ProcessOptions process = JavaProgram(home_, {}, "Ends", {way});
    const ProcessEnd bare = Run(process);
    Preload(process, folder_.path());
    const ProcessEnd end = Run(process);
    EXPECT_EQ(end.status, bare.status) << way;
    EXPECT_EQ(end.out, bare.out) << way;
    EXPECT_EQ(end.err, bare.err) << way;
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, JvmEnds, testing::Values("17", "25"),
                         [](const auto& info) { return std::string("Java") + info.param; });

}  // namespace
}  // namespace wrackline::test
