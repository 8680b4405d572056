#include "analyzer/flink/lint/catalogue.h"

#include <gtest/gtest.h>

namespace wrackline::flink::lint {
namespace {

constexpr Version k1_10{1, 10, 0}, k1_16{1, 16, 3}, k1_17{1, 17, 2}, k1_20{1, 20, 5}, k2_0{2, 0, 2};

const Catalogue& Options() { return Catalogue::Get(); }

TEST(Catalogue, KnowsAnOptionInItsLinesOnly) {
  EXPECT_EQ(Options().Find("state.backend.rocksdb.memory.fixed-per-tm", k1_16), nullptr);
  ASSERT_NE(Options().Find("state.backend.rocksdb.memory.fixed-per-tm", k1_17), nullptr);
  EXPECT_NE(Options().Find("taskmanager.heap.size", k1_20), nullptr);
  EXPECT_EQ(Options().Find("taskmanager.heap.size", k2_0), nullptr);
  EXPECT_EQ(Options().Find("taskmanager.memory.heap.size", k1_20), nullptr);
}

TEST(Catalogue, DefaultsFollowTheLine) {
  EXPECT_EQ(Options().Find("taskmanager.memory.network.max", k1_16)->default_text, "1 gb");
  EXPECT_EQ(Options().Find("taskmanager.memory.network.max", k1_17)->default_text,
            "9223372036854775807 bytes");
}

TEST(Catalogue, TakesLaterReleasesForTheNewestKnown) {
  EXPECT_NE(Options().Find("taskmanager.memory.process.size", {2, 9, 0}), nullptr);
  EXPECT_EQ(Options().Find("taskmanager.heap.size", {3, 0, 0}), nullptr);
}

TEST(Catalogue, OldNames) {
  ASSERT_NE(Options().FindByOldName("state.backend", k1_20), nullptr);
  EXPECT_EQ(Options().FindByOldName("state.backend", k1_20)->key, "state.backend.type");
  EXPECT_EQ(Options().FindByOldName("state.backend", k1_16), nullptr);
  EXPECT_NE(Options().Find("state.backend", k1_16), nullptr);
  ASSERT_NE(Options().Successor("taskmanager.network.memory.fraction"), nullptr);
  EXPECT_EQ(Options().Successor("taskmanager.network.memory.fraction")->key,
            "taskmanager.memory.network.fraction");
}

TEST(Catalogue, Lines) {
  const auto lines = Options().LinesOf("taskmanager.network.numberOfBuffers");
  ASSERT_TRUE(lines.has_value());
  EXPECT_EQ(FormatLine(lines->since), "1.10");
  EXPECT_EQ(FormatLine(lines->until), "1.20");
  EXPECT_FALSE(Options().LinesOf("taskmanager.memory.heap.size").has_value());
}

TEST(Catalogue, MembersOfMaps) {
  EXPECT_TRUE(
      Options().IsMember("taskmanager.memory.managed.consumer-weights.STATE_BACKEND", k1_20));
  EXPECT_FALSE(Options().IsMember("taskmanager.memory.process.size.max", k1_20));
}

TEST(Catalogue, NearestKey) {
  const auto nearest = [](const char* key) { return Options().Nearest(key, k1_20).key; };
  EXPECT_EQ(nearest("taskmanager.memory.heap.size"), "taskmanager.memory.task.heap.size");
  EXPECT_EQ(nearest("taskmanager.memory.proces.size"), "taskmanager.memory.process.size");
  EXPECT_EQ(nearest("taskmanger.memory.process.size"), "taskmanager.memory.process.size");
  EXPECT_EQ(nearest("taskmanager.memory.managed.fractions"), "taskmanager.memory.managed.fraction");
  EXPECT_EQ(nearest("taskmanager.memory.off-heap.size"), "taskmanager.memory.task.off-heap.size");
  EXPECT_EQ(nearest("taskmanager.memory.jvm-overhead.size"), "taskmanager.memory.jvm-overhead.min");
  EXPECT_EQ(nearest("taskmanager.numberOfTaskslots"), "taskmanager.numberOfTaskSlots");
  EXPECT_EQ(nearest("state.backend.rocksdb.write-buffer.size"),
            "state.backend.rocksdb.writebuffer.size");
  EXPECT_EQ(nearest("a.b.c.d.e.f.g.h.i.j"), "");
  EXPECT_EQ(nearest(""), "");
  EXPECT_EQ(Options().Nearest(std::string(100000, 'x'), k1_10).key, "");
}

TEST(Catalogue, EveryRowIsWhole) {
  EXPECT_GT(Options().rows().size(), 800u);
  for (const KnownOption& row : Options().rows()) {
    EXPECT_FALSE(row.key.empty());
    EXPECT_FALSE(row.type.empty()) << row.key;
    EXPECT_LE(row.since, row.until) << row.key;
    EXPECT_GE(row.since, k1_10) << row.key;
    EXPECT_LE(row.until, kNewestKnownVersion) << row.key;
    for (const auto name : row.old_names) EXPECT_FALSE(name.empty()) << row.key;
  }
}

}  // namespace
}  // namespace wrackline::flink::lint
