#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::HasSubstr;

TEST(WriteBufferArena, TheBoundary) {
  // One slot with 96 MiB: the manager gets 32 MiB and flushes at 28; an arena block of 28 MiB is a
  // write buffer of 224 MiB.
  const auto with = [](const std::string& buffer) {
    return Of(
        LintText("taskmanager.memory.process.size: 2g\ntaskmanager.memory.managed.size: "
                 "96m\nstate.backend.type: rocksdb\nstate.backend.rocksdb.writebuffer.size: " +
                 buffer + "\n"),
        "write-buffer-arena");
  };
  EXPECT_TRUE(with("224m").empty());
  ASSERT_EQ(with("225m").size(), 1u);
  EXPECT_EQ(with("225m")[0].at.line, 4);
  EXPECT_THAT(with("225m")[0].fix,
              HasSubstr("state.backend.rocksdb.writebuffer.size: 224m or less"));
}

TEST(WriteBufferArena, TheDefaultOfManySlots) {
  const auto found =
      Of(LintText("taskmanager.memory.process.size: 1728m\ntaskmanager.numberOfTaskSlots: "
                  "32\nstate.backend.type: rocksdb\n"),
         "write-buffer-arena");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line, 0);
  // A block of 1 MiB at most.
  EXPECT_TRUE(Of(LintText("taskmanager.memory.process.size: 1728m\ntaskmanager.numberOfTaskSlots: "
                          "32\nstate.backend.type: rocksdb\n",
                          "2.0.0", "config.yaml"),
                 "write-buffer-arena")
                  .empty());
}

TEST(WriteBufferArena, HostileNumbers) {
  for (const char* line : {"state.backend.rocksdb.writebuffer.size: 9223372036854775807",
                           "state.backend.rocksdb.memory.write-buffer-ratio: NaN",
                           "state.backend.rocksdb.memory.write-buffer-ratio: -1e300",
                           "taskmanager.numberOfTaskSlots: -2147483648"})
    EXPECT_FALSE(LintText(std::string("taskmanager.memory.process.size: 4g\n"
                                      "state.backend.type: rocksdb\n") +
                          line + "\n")
                     .findings.empty())
        << line;
}

}  // namespace
}  // namespace wrackline::flink::lint
