#include <gmock/gmock.h>

#include "tests/unit/flink/lint/lint_text.h"

namespace wrackline::flink::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Ignored(const std::string& text, const std::string& version = "1.20.5") {
  std::vector<std::string> keys;
  for (const Finding& f : Of(LintText(text, version), "ignored-key")) keys.push_back(f.message);
  return keys;
}

TEST(IgnoredKey, OldNameBesideTheNew) {
  EXPECT_THAT(Ignored("state.backend: hashmap\nstate.backend.type: rocksdb\n"),
              ElementsAre("state.backend has no effect: state.backend.type wins"));
  EXPECT_THAT(Ignored("env.java.opts: -Dx\nenv.java.opts.all: -Dy\n"),
              ElementsAre("env.java.opts has no effect: env.java.opts.all wins"));
}

TEST(IgnoredKey, Legacy) {
  EXPECT_THAT(Ignored("taskmanager.heap.size: 1g\ntaskmanager.heap.mb: 4000\n"),
              ElementsAre("taskmanager.heap.mb has no effect: taskmanager.heap.size wins"));
  EXPECT_THAT(
      Ignored("taskmanager.heap.size: 1g\ntaskmanager.memory.flink.size: 2g\n"),
      ElementsAre("taskmanager.heap.size has no effect: taskmanager.memory.flink.size wins"));
  EXPECT_THAT(
      Ignored("taskmanager.network.numberOfBuffers: 9\ntaskmanager.network.memory.min: 64m\n"),
      ElementsAre("taskmanager.network.numberOfBuffers has no effect: "
                  "taskmanager.network.memory.min wins"));
}

TEST(IgnoredKey, FractionsBesideSizes) {
  const std::string process = "taskmanager.memory.process.size: 4g\n";
  EXPECT_THAT(
      Ignored(process +
              "taskmanager.memory.managed.size: 1g\ntaskmanager.memory.managed.fraction: 0.1\n"),
      ElementsAre("taskmanager.memory.managed.fraction has no effect: "
                  "taskmanager.memory.managed.size wins"));
  EXPECT_THAT(
      Ignored(process +
              "taskmanager.memory.task.heap.size: 1g\ntaskmanager.memory.network.fraction: 0.2\n"),
      ElementsAre("taskmanager.memory.network.fraction has no effect: "
                  "taskmanager.memory.task.heap.size wins"));
  // Without a total around them the fraction does divide.
  EXPECT_THAT(Ignored("taskmanager.memory.task.heap.size: 1g\ntaskmanager.memory.managed.size: "
                      "1g\ntaskmanager.memory.network.fraction: 0.2\n"),
              IsEmpty());
  EXPECT_THAT(
      Ignored(
          process +
          "taskmanager.memory.flink.size: 3400m\ntaskmanager.memory.jvm-overhead.fraction: 0.2\n"),
      ElementsAre("taskmanager.memory.jvm-overhead.fraction has no effect: "
                  "taskmanager.memory.process.size wins"));
}

TEST(IgnoredKey, RocksDb) {
  const std::string stem = "state.backend.rocksdb.";
  EXPECT_THAT(
      Ignored(stem + "block.cache-size: 64m\n"),
      ElementsAre(stem + "block.cache-size has no effect: " + stem + "memory.managed wins"));
  EXPECT_THAT(
      Ignored(stem + "memory.fixed-per-tm: 1g\n"),
      ElementsAre(stem + "memory.fixed-per-tm has no effect: " + stem + "memory.managed wins"));
  EXPECT_THAT(Ignored(stem + "memory.fixed-per-tm: 1g\n" + stem + "memory.managed: false\n"),
              IsEmpty());
  EXPECT_THAT(
      Ignored(stem + "memory.fixed-per-slot: 1g\n" + stem + "memory.managed: true\n"),
      ElementsAre(stem + "memory.managed has no effect: " + stem + "memory.fixed-per-slot wins"));
  EXPECT_THAT(Ignored(stem + "memory.managed: false\n" + stem + "memory.write-buffer-ratio: 0.3\n"),
              ElementsAre(stem + "memory.write-buffer-ratio has no effect: " + stem +
                          "memory.managed wins"));
}

}  // namespace
}  // namespace wrackline::flink::lint
